//! From a merged tally to the result that readers see.

mod build;
mod digest;
mod distribution;
mod estimates;
mod exact;
mod fan;
mod fitted;
mod history;
mod levels;
mod outcomes;
mod precision;
mod rare;
mod rules;
mod shape;
mod worst_week;

pub(crate) use build::replicate;
pub use build::report;
pub use digest::result_digest;
pub use fitted::{FittedLaw, FittedRegime, FittedRegimes, FittedVolatility, VolatilityLaw};
pub(crate) use history::unseen_loss_bound;
pub use precision::Precision;
pub(crate) use precision::is_sure_enough;
#[cfg(test)]
pub(crate) use rare::summed as summed_repetitions;
pub use rare::{RareBreach, RareMethod};
pub use shape::{
    BreachCauses, ConfidenceIntervals, Distribution, Estimate, EventTime, EventTimeErrors, Exact,
    ExactProbability, Execution, FanChart, FanErrors, Histogram, Intervals, MonteCarloErrors, Percentiles,
    Report, RiskMetrics, WorstWeek,
};
