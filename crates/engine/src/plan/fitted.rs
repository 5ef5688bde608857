//! What is fitted to a history, and the rows that paths draw from it.

use std::sync::Arc;

use super::{Drawn, Horizon};
use crate::config::FieldError;
use crate::history::rows::Rows;
use crate::models::{Filter, FittedChain, FittedFilter, Iid, LAW_ROWS, Law, Process, Regimes};
use crate::scale::{MAX_TRAVEL, RUIN_LINE};
use crate::{Level, Model};

/// Two values say nothing of a law's shape, nor of two regimes.
const DISTINCT_MIN: usize = 3;

/// With fewer rows, seven parameters would be told by less than five rows each.
const REGIME_ROWS_MIN: usize = 30;

/// RiskMetrics' weights forget half in eleven rows: with fewer than twice as many, today's deviation is the first one's guess.
const FILTER_ROWS_MIN: usize = 22;

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
    /// A deviation that moves, and the history's rows in units of it. Shared likewise.
    Filter(Arc<FittedFilter>),
}

impl Fitted {
    /// What `model` fits to the history's rows; none where it draws them as they are.
    ///
    /// # Errors
    /// Names the model where rows are days that it does not know, or the history cannot be fitted.
    pub(super) fn new(model: Model, level: Level, rows: &Rows) -> Result<Option<Self>, FieldError> {
        match model {
            Model::Stationary | Model::Circular | Model::Iid => Ok(None),
            _ if model.needs_trades() && level == Level::Day => Err(model.without_days()),
            Model::Normal | Model::StudentT | Model::Skewed => {
                let past = fittable(rows)?;
                Ok(Law::fitted(model, &past).map(|law| Self::Law { past, model, law }))
            }
            Model::Regimes => {
                let past = fittable(rows)?;
                enough(&past, "regimes", REGIME_ROWS_MIN)?;
                let series: Vec<f64> = past.iter().map(|&step| step as f64).collect();
                Ok(Some(Self::Regimes(Arc::new(FittedChain::of(&series)))))
            }
            Model::Filtered => {
                let past = fittable(rows)?;
                enough(&past, "filtered", FILTER_ROWS_MIN)?;
                Ok(Some(Self::Filter(Arc::new(FittedFilter::of(past)))))
            }
        }
    }

    /// What paths draw from where the history has `rows`.
    pub(super) fn drawn(&self, rows: Rows) -> Drawn {
        match self {
            Self::Law { law, .. } => of_law(law.steps()),
            Self::Regimes(chain) => {
                let process = Regimes::new(chain, &vec![1.0; rows.len() as usize]);
                Drawn::plain(rows.twice(), Process::Regimes(process))
            }
            Self::Filter(fitted) => filtered(rows, fitted.filter()),
        }
    }

    /// The same on the history's rows in the order `picked`, where paths draw from `rows` so far. Law and filter are fitted
    /// anew, the law within what the fixed point holds; the chain keeps what it says of each row's state, and its rows and its
    /// steps between states count as often as they are picked.
    pub(super) fn drawn_anew(&self, rows: &Rows, picked: &[u32], horizon: &Horizon) -> Drawn {
        match self {
            Self::Law { past, model, law } => {
                let steps: Vec<i64> = picked.iter().map(|&row| past[row as usize]).collect();
                let law = Law::fitted(*model, &steps).unwrap_or(*law);
                let most = MAX_TRAVEL / i64::from(horizon.steps);
                of_law(law.steps().into_iter().map(|step| step.clamp(-most, most)).collect())
            }
            Self::Regimes(chain) => {
                let mut weights = vec![0.0; chain.rows()];
                for &row in picked {
                    weights[row as usize] += 1.0;
                }
                // Without a week behind them.
                let own: Vec<u32> = (0..2 * weights.len() as u32).collect();
                Drawn::plain(rows.picked(&own), Process::Regimes(Regimes::new(chain, &weights)))
            }
            Self::Filter(fitted) => filtered(rows.picked(picked), fitted.filter_anew(picked)),
        }
    }

    /// The row drawn from after which a path goes on that has just had the history's row `row`.
    pub(super) fn row_like(&self, row: u32) -> u32 {
        match self {
            // Each is drawn anew.
            Self::Law { .. } | Self::Filter(_) => 0,
            Self::Regimes(chain) => chain.row_like(row),
        }
    }

    /// Rows that move together, on average, as the range of their sums goes.
    pub(super) fn block_length(&self) -> f64 {
        match self {
            Self::Law { .. } | Self::Filter(_) => 1.0,
            Self::Regimes(chain) => chain.variance_factor(),
        }
    }

    /// Steps that spread as those of paths that draw from `steps` may.
    pub(super) fn spread(&self, steps: Vec<i64>) -> Vec<i64> {
        match self {
            Self::Law { .. } | Self::Regimes(_) => steps,
            Self::Filter(fitted) => fitted.spread(&steps),
        }
    }
}

/// Each row of a law anew.
fn of_law(trades: Vec<i64>) -> Drawn {
    Drawn::plain(Rows { trades, days: Vec::new() }, Process::Iid(Iid::new(LAW_ROWS)))
}

/// Each residual anew.
fn filtered(rows: Rows, filter: Filter) -> Drawn {
    Drawn { process: Process::Iid(Iid::new(rows.len())), rows, filter: Some(filter) }
}

fn enough(past: &[i64], model: &str, least: usize) -> Result<(), FieldError> {
    if past.len() >= least {
        return Ok(());
    }
    Err(fault(&format!("\"{model}\" needs at least {least} rows; the history has {}", past.len())))
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
