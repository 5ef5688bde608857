//! Rows from a law fitted to the history, in the history's place.

use super::Horizon;
use crate::config::FieldError;
use crate::history::rows::Rows;
use crate::models::{Iid, LAW_ROWS, Law, Process};
use crate::scale::{MAX_TRAVEL, RUIN_STEP};
use crate::{Level, Model};

/// Two values say nothing of a law's shape.
const DISTINCT_MIN: usize = 3;

/// A fitted law and what it was fitted to.
#[derive(Clone, Debug)]
pub(crate) struct Fitted {
    /// The history's own steps, stressed where that was asked for: weighted histories draw from them and fit anew.
    pub(crate) past: Vec<i64>,
    pub(crate) model: Model,
    pub(crate) law: Law,
}

impl Fitted {
    /// The law of the kind that `model` names; none where it names an index process.
    ///
    /// # Errors
    /// Names the model where rows are days, or the history cannot be fitted.
    pub(super) fn new(model: Model, level: Level, rows: &Rows) -> Result<Option<Self>, FieldError> {
        if !model.is_fitted() {
            return Ok(None);
        }
        if level == Level::Day {
            return Err(model.without_days());
        }
        let past = rows.trades.clone();
        let fault =
            |message: &str| FieldError { field: "config.model".to_owned(), message: message.to_owned() };
        if past.contains(&RUIN_STEP) {
            return Err(fault(
                "has no law for this history: a stressed trade loses the whole balance, so its log-return is infinite",
            ));
        }
        let mut values = past.clone();
        values.sort_unstable();
        values.dedup();
        if values.len() < DISTINCT_MIN {
            return Err(fault(&format!(
                "is fitted to at least {DISTINCT_MIN} different results of trades; the history has {}",
                values.len()
            )));
        }
        Ok(Law::fitted(model, &past).map(|law| Self { past, model, law }))
    }

    /// Its rows, all equally likely.
    pub(super) fn rows(&self) -> Rows {
        Rows { trades: self.law.steps(), days: Vec::new() }
    }

    /// The rows of a law fitted to the history's rows in the order `picked`, within what the fixed point holds.
    pub(super) fn rows_anew(&self, picked: &[u32], horizon: &Horizon) -> Rows {
        let steps: Vec<i64> = picked.iter().map(|&row| self.past[row as usize]).collect();
        let law = Law::fitted(self.model, &steps).unwrap_or(self.law);
        let most = MAX_TRAVEL / i64::from(horizon.steps);
        Rows {
            trades: law.steps().into_iter().map(|step| step.clamp(-most, most)).collect(),
            days: Vec::new(),
        }
    }

    /// Each row anew.
    pub(super) fn process() -> Process {
        Process::Iid(Iid::new(LAW_ROWS))
    }
}
