//! From a merged tally to the result that readers see.

mod build;
mod digest;
mod distribution;
mod estimates;
mod fan;
mod outcomes;
mod rules;
mod shape;

pub use build::report;
pub use digest::result_digest;
pub use shape::{
    BreachCauses, ConfidenceIntervals, Distribution, Estimate, EventTime, Execution, FanChart, Histogram,
    MonteCarloErrors, Percentiles, Report, RiskMetrics,
};
