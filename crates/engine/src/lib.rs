//! Exact, mergeable Monte Carlo simulation of a trading account under a firm's rules.
//!
//! The walk: an [`InputData`] and a [`SimulationConfig`] become a [`Plan`] (rows, rules, steps, seed); the
//! plan is cut into [`Shard`]s of path ids; [`run_shard`] turns a shard into a [`Tally`] of integers;
//! tallies merge to the same bits in any order; [`report()`] turns the merged tally into the result. How many paths and
//! what else is needed may depend on what was found: [`Plan::next_stage`] hands out the shards, stage by stage.
//!
//! # How a path is walked
//! A history is a table of rows, closing trades or UTC days, and an index process says which row comes next. A law fitted to
//! the history is a table too, of equiprobable rows, and a stress is worked into the trades before they are rows. A row
//! is an integer: log-equity × 2²⁴ where returns compound, 10⁻⁴ dollars where dollars add up; so a path is a sum of
//! integers, and a tally holds counts and exact sums. Path `i` draws from a stream of its own, a function of the seed
//! and `i`. Therefore neither shards, threads, their order nor the machine change a bit of the result.
//!
//! # What ends a path
//! - **Breach**: a close at or below the total-drawdown floor, or a balance of 0 (ruin); when one move crosses both, the
//!   higher is the cause. A floor at or above the balance at the start breaks every path at step 0. Where rows are days,
//!   also a close within a day at which the day has lost what one day may lose at most.
//! - **Pass**, where there is anything to pass: the first row's close at which the minimum of trades (and of days, where
//!   rows are days) is done and the balance is at the target, or above the starting balance where there is none, with no
//!   day of more than its part in the profit where a consistency rule says so. A breach within the row beats it. A pass is absorbing: the path stops and keeps the balance that it passed with.
//! - **Time limit**: the account is closed, neither passed nor broken.
//!
//! A path that ended keeps its balance to the horizon, and every distribution is over all paths.
//!
//! # What is paid
//! An unbroken account asks at the close of the row that ends every so many calendar days, and at the horizon's end; a
//! passed or closed one goes on asking with the balance that it kept. What it is paid counts as withdrawn in the
//! platform's formula, does not lower the balance, and is kept where the account breaks later.
//!
//! This crate is pure: no I/O, no clock, no environment, no threads, no async.
#![warn(missing_docs)]

mod config;
mod exponential;
mod history;
mod instructions;
mod kernel;
mod lattice;
mod models;
mod money;
mod plan;
mod random;
mod rare;
mod report;
mod rules;
mod run;
mod scale;
#[cfg(feature = "schemas")]
mod schemas;
mod subject;
mod tally;
mod watch;
pub mod wire;

pub use config::{
    AfterPayout, Consistency, DailyLoss, DailyLossReference, Drawdown, DrawdownKind, FieldError, Level, Lock,
    MAX_PATHS, Metric, Model, PayoutSchedule, ProfitTarget, RuleSet, Rules, RulesPreset, SimulationConfig,
    Sizing, Stress, Tolerance,
};
pub use history::{EpochMs, InputData, MAX_TRADES, PnlData, TierTerms, Trade};
pub use instructions::Instructions;
pub use lattice::{ExactLaw, exact_law};
pub use plan::{Plan, PlanError, Shard};
pub use report::{
    BreachCauses, ConfidenceIntervals, Distribution, Estimate, EventTime, EventTimeErrors, Exact,
    ExactProbability, Execution, FanChart, FanErrors, FittedLaw, FittedRegime, FittedRegimes,
    FittedVolatility, Histogram, Intervals, MonteCarloErrors, Percentiles, Precision, RareBreach, RareMethod,
    Report, RiskMetrics, VolatilityLaw, WorstWeek, report, result_digest,
};
pub use run::{Cancelled, Control, run_shard, run_shard_by};
pub use subject::Subject;
pub use tally::Tally;

/// Changes whenever the same request would give other bits; part of every result.
pub const ENGINE_VERSION: &str = "6";
