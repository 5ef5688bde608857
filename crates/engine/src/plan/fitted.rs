//! What is fitted to a history, and the rows that paths draw from it.

use std::sync::Arc;

use super::Horizon;
use crate::config::FieldError;
use crate::history::rows::Rows;
use crate::models::{FittedChain, Iid, LAW_ROWS, Law, Process, Regimes};
use crate::scale::{MAX_TRAVEL, RUIN_LINE};
use crate::{Level, Model};

/// Two values say nothing of a law's shape, nor of two regimes.
const DISTINCT_MIN: usize = 3;

/// With fewer rows, seven parameters would be told by less than five rows each.
const REGIME_ROWS_MIN: usize = 30;

/// What a model fitted.
#[derive(Clone, Debug)]
pub(crate) enum Fitted {
    /// A law of trades in the history's place.
    Law {
        /// The history's own steps, stressed where that was asked for: weighted histories draw from them and fit anew.
        past: Vec<i64>,
        model: Model,
        law: Law,
    },
    /// Two regimes behind the history's rows. Shared, for weighted histories keep it.
    Regimes(Arc<FittedChain>),
}

impl Fitted {
    /// What `model` fits to the history's rows; none where it draws them as they are.
    ///
    /// # Errors
    /// Names the model where rows are days that it does not know, or the history cannot be fitted.
    pub(super) fn new(model: Model, level: Level, rows: &Rows) -> Result<Option<Self>, FieldError> {
        match model {
            Model::Stationary | Model::Circular | Model::Iid => Ok(None),
            Model::Normal | Model::StudentT | Model::Skewed if level == Level::Day => {
                Err(model.without_days())
            }
            Model::Normal | Model::StudentT | Model::Skewed => {
                let past = fittable(rows)?;
                Ok(Law::fitted(model, &past).map(|law| Self::Law { past, model, law }))
            }
            Model::Regimes => {
                let past = fittable(rows)?;
                if past.len() < REGIME_ROWS_MIN {
                    return Err(fault(&format!(
                        "\"regimes\" needs at least {REGIME_ROWS_MIN} rows; the history has {}",
                        past.len()
                    )));
                }
                let series: Vec<f64> = past.iter().map(|&step| step as f64).collect();
                Ok(Some(Self::Regimes(Arc::new(FittedChain::of(&series)))))
            }
        }
    }

    /// The rows that paths draw from where the history has `rows`, and how they draw.
    pub(super) fn drawn(&self, rows: &Rows) -> (Rows, Process) {
        match self {
            Self::Law { law, .. } => (Rows { trades: law.steps(), days: Vec::new() }, each_anew()),
            Self::Regimes(chain) => {
                let process = Regimes::new(chain, &vec![1.0; rows.len() as usize]);
                (rows.twice(), Process::Regimes(process))
            }
        }
    }

    /// The same on the history's rows in the order `picked`, where paths draw from `rows` so far. The law is fitted anew, within what the fixed point holds; the
    /// chain keeps what it says of each row's state, and its rows and its steps between states count as often as they are
    /// picked.
    pub(super) fn drawn_anew(&self, rows: &Rows, picked: &[u32], horizon: &Horizon) -> (Rows, Process) {
        match self {
            Self::Law { past, model, law } => {
                let steps: Vec<i64> = picked.iter().map(|&row| past[row as usize]).collect();
                let law = Law::fitted(*model, &steps).unwrap_or(*law);
                let most = MAX_TRAVEL / i64::from(horizon.steps);
                let trades = law.steps().into_iter().map(|step| step.clamp(-most, most)).collect();
                (Rows { trades, days: Vec::new() }, each_anew())
            }
            Self::Regimes(chain) => {
                let mut weights = vec![0.0; chain.rows()];
                for &row in picked {
                    weights[row as usize] += 1.0;
                }
                // Without a week behind them.
                let own: Vec<u32> = (0..2 * weights.len() as u32).collect();
                (rows.picked(&own), Process::Regimes(Regimes::new(chain, &weights)))
            }
        }
    }

    /// The row drawn from after which a path goes on that has just had the history's row `row`.
    pub(super) fn row_like(&self, row: u32) -> u32 {
        match self {
            // Each is drawn anew.
            Self::Law { .. } => 0,
            Self::Regimes(chain) => chain.row_like(row),
        }
    }

    /// Rows that move together, on average, as the range of their sums goes.
    pub(super) fn block_length(&self) -> f64 {
        match self {
            Self::Law { .. } => 1.0,
            Self::Regimes(chain) => chain.variance_factor(),
        }
    }
}

/// Each row of a law anew.
fn each_anew() -> Process {
    Process::Iid(Iid::new(LAW_ROWS))
}

/// The steps of rows of which something can be fitted.
fn fittable(rows: &Rows) -> Result<Vec<i64>, FieldError> {
    let steps = rows.steps();
    if steps.iter().any(|&step| step <= RUIN_LINE) {
        return Err(fault(
            "cannot be fitted to this history: a stressed trade loses the whole balance, so its log-return is infinite",
        ));
    }
    let mut values = steps.clone();
    values.sort_unstable();
    values.dedup();
    if values.len() < DISTINCT_MIN {
        return Err(fault(&format!(
            "is fitted to at least {DISTINCT_MIN} different results of rows; the history has {}",
            values.len()
        )));
    }
    Ok(steps)
}

fn fault(message: &str) -> FieldError {
    FieldError { field: "config.model".to_owned(), message: message.to_owned() }
}
