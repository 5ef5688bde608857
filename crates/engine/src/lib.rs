//! Exact, mergeable Monte Carlo simulation of a trading account under a firm's rules.
//!
//! The walk: an [`InputData`] and a [`SimulationConfig`] become a [`Plan`] (rows, rules, steps, seed); the
//! plan is cut into [`Shard`]s of path ids; [`run_shard`] turns a shard into a [`Tally`] of integers;
//! tallies merge to the same bits in any order; [`report()`] turns the merged tally into the result.
//!
//! This crate is pure: no I/O, no clock, no environment, no threads, no async.
#![warn(missing_docs)]

mod config;
mod history;
mod kernel;
mod models;
mod money;
mod plan;
mod random;
mod report;
mod rules;
mod run;
mod scale;
mod subject;
mod tally;

pub use config::{
    Consistency, DailyLoss, DailyLossReference, Drawdown, DrawdownKind, FieldError, Level, Lock, MAX_PATHS,
    Model, PayoutSchedule, ProfitTarget, RuleSet, Rules, RulesPreset, SimulationConfig, Sizing,
};
pub use history::{EpochMs, InputData, MAX_TRADES, PnlData, TierTerms, Trade};
pub use plan::{Plan, PlanError, Shard};
pub use report::{
    BreachCauses, ConfidenceIntervals, Distribution, Estimate, EventTime, Execution, FanChart, Histogram,
    MonteCarloErrors, Percentiles, Report, RiskMetrics, report, result_digest,
};
pub use run::{Cancelled, Control, run_shard};
pub use subject::Subject;
pub use tally::Tally;

/// Changes whenever the same request would give other bits; part of every result.
pub const ENGINE_VERSION: &str = "1";
