//! The result's fields (contracts §5 and §7), camelCase in JSON.

use serde::Serialize;

use super::fitted::FittedLaw;
use super::precision::Precision;
use super::rare::RareBreach;
#[cfg(feature = "schemas")]
use super::rules::RulesAsApplied;
use crate::tally::PERCENTILES;
use crate::{Level, Model, Sizing, Stress};

/// How the work was carried out; no part of the digest.
#[derive(Clone, Debug)]
pub struct Execution {
    /// `local`, `ray`, …
    pub executed_on: String,
    /// Wall time.
    pub simulation_time_seconds: f64,
}

/// What a simulation found. Money is US dollars; distributions are over all paths, broken ones included.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(feature = "schemas", derive(utoipa::ToSchema), schema(as = SimulationResult))]
#[serde(rename_all = "camelCase")]
pub struct Report {
    /// Risk of the horizon, in both dialects.
    pub risk_metrics: RiskMetrics,
    /// Quantiles of the horizon return, in both dialects.
    pub confidence_intervals: ConfidenceIntervals,
    /// Of the horizon return.
    pub variance: f64,
    /// Of the horizon return.
    pub standard_deviation: f64,
    /// Of the horizon return.
    pub mean_return: f64,
    /// Paths.
    pub paths_simulated: u64,
    /// Whether the wanted standard error was reached; absent where the number of paths was fixed.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schemas", schema(nullable = false))]
    pub precision: Option<Precision>,
    /// Wall time; no part of the digest.
    pub simulation_time_seconds: f64,
    /// Closing trades in the history.
    pub trades_analyzed: u64,
    /// The balance at the simulation's start.
    pub current_balance: f64,
    /// The highest balance until then.
    pub peak_balance: f64,

    /// The account breaks by the horizon, by a rule or by ruin.
    pub breach_probability: Estimate,
    /// The chance of a breach where too few paths broke for their share to say much, by splitting; absent elsewhere.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schemas", schema(nullable = false))]
    pub rare_breach: Option<RareBreach>,
    /// What broke them.
    pub breach_causes: BreachCauses,
    /// The balance is 0 or less at the horizon.
    pub ruin_probability: Estimate,
    /// The account passes by the horizon; absent where there is nothing to pass.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schemas", schema(nullable = false))]
    pub pass_probability: Option<Estimate>,
    /// The account neither breaks nor passes by the horizon.
    pub neither_probability: Estimate,
    /// The probabilities again, computed without sampling; absent where no lattice applies.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schemas", schema(nullable = false))]
    pub exact: Option<Exact>,
    /// What the trader is paid, which is what the firm is expected to pay: by the rules' schedule, or else once at the
    /// horizon's end.
    pub expected_payout: Estimate,
    /// The same with a request every 7 calendar days and at the horizon's end, by the platform's formula; absent where
    /// nothing is paid out, or where payouts leave the account.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schemas", schema(nullable = false))]
    pub expected_payout_weekly: Option<Estimate>,
    /// When accounts break; absent where none did.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schemas", schema(nullable = false))]
    pub time_to_breach: Option<EventTime>,
    /// When accounts pass; absent where none did.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schemas", schema(nullable = false))]
    pub time_to_pass: Option<EventTime>,
    /// Percentiles of the final balance, the horizon return and the greatest drawdown.
    pub percentiles: Distribution<Percentiles<f64>>,
    /// Histograms of the final balance and the greatest drawdown.
    pub histograms: Distribution<Histogram>,
    /// The balance on the way.
    pub fan: FanChart,
    /// Intervals (95 %) of the numbers above, the history's beside the Monte Carlo one; each null where the paths are too few.
    pub monte_carlo_errors: MonteCarloErrors,

    /// Rows in one path.
    pub steps: u32,
    /// Calendar days.
    pub horizon_days: f64,
    /// Rows are trades or days.
    pub level: Level,
    /// Closing trades a calendar day in the history.
    pub trades_per_day: f64,
    /// Which row comes next.
    pub model: Model,
    /// The law that was fitted, where the model is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schemas", schema(nullable = false))]
    pub fitted: Option<FittedLaw>,
    /// Mean block length in rows.
    pub block_length: f64,
    /// Whether returns compound or dollars add up.
    pub sizing: Sizing,
    /// What was made worse about the history; absent where nothing was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schemas", schema(nullable = false))]
    pub stress: Option<Stress>,
    /// The week of the history that every path goes through once more; absent where that was not asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schemas", schema(nullable = false))]
    pub worst_week: Option<WorstWeek>,
    /// The rules as applied.
    #[cfg_attr(feature = "schemas", schema(value_type = RulesAsApplied))]
    pub rules: serde_json::Value,
    /// Of all random streams.
    pub seed: u64,
    /// Weighted histories behind the history intervals; 0 where none were asked for.
    pub history_replicates: u32,
    /// Of this crate.
    pub engine_version: &'static str,
    /// Where; no part of the digest.
    pub executed_on: String,
    /// What was assumed, as sentences.
    pub assumptions: Vec<String>,
    /// What should make a reader doubt, as sentences.
    pub warnings: Vec<String>,
    /// SHA-256, lower-case hex: see [`result_digest`](crate::result_digest).
    pub result_digest: String,
}

/// Seven consecutive days of the history.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(feature = "schemas", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct WorstWeek {
    /// Its first UTC day, `YYYY-MM-DD`.
    #[cfg_attr(feature = "schemas", schema(format = Date))]
    pub first_day: String,
    /// Its last; the history's own, where that is shorter than a week.
    #[cfg_attr(feature = "schemas", schema(format = Date))]
    pub last_day: String,
    /// Its rows.
    pub rows: u32,
    /// Its closing trades.
    pub trades: u32,
    /// What they made: a fraction of the balance where returns compound, US dollars where dollars add up.
    pub change: f64,
}

/// Losses are positive dollars; `signed…` are the same numbers where a loss may be negative, a gain.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(feature = "schemas", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct RiskMetrics {
    /// The 95 % quantile of the horizon loss, never below 0.
    pub value_at_risk95: f64,
    /// The 99 % quantile of the horizon loss, never below 0.
    pub value_at_risk99: f64,
    /// The mean of the worst 5 % of probability mass, never below 0.
    pub expected_shortfall: f64,
    /// `valueAtRisk95`.
    pub var95: f64,
    /// `valueAtRisk99`.
    pub var99: f64,
    /// `expectedShortfall`.
    pub cvar95: f64,
    /// The mean of the worst 1 % of probability mass, never below 0.
    pub cvar99: f64,
    /// `var95` with its sign.
    pub signed_var95: f64,
    /// `var99` with its sign.
    pub signed_var99: f64,
    /// `cvar95` with its sign.
    pub signed_cvar95: f64,
    /// `cvar99` with its sign.
    pub signed_cvar99: f64,
    /// Mean over paths of the greatest `(peak − balance) / peak`.
    pub max_drawdown: f64,
    /// Mean / deviation of the horizon return × √(365 / horizonDays); null where the deviation is 0.
    #[cfg_attr(feature = "schemas", schema(required = true))]
    pub sharpe_ratio: Option<f64>,
    /// The same with the downside deviation about 0; null where that is 0.
    #[cfg_attr(feature = "schemas", schema(required = true))]
    pub sortino_ratio: Option<f64>,
}

/// Fractions of the current balance.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(feature = "schemas", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct ConfidenceIntervals {
    /// The 2.5 % quantile of the horizon return.
    pub return95_lower: f64,
    /// The 97.5 % quantile.
    pub return95_upper: f64,
    /// The 0.5 % quantile.
    pub return99_lower: f64,
    /// The 99.5 % quantile.
    pub return99_upper: f64,
    /// `return95Lower`.
    pub ci95_lower: f64,
    /// `return95Upper`.
    pub ci95_upper: f64,
    /// `return99Lower`.
    pub ci99_lower: f64,
    /// `return99Upper`.
    pub ci99_upper: f64,
}

/// A value and its two 95 % intervals: the Monte Carlo error's, which more paths make narrower, and the history's, which
/// only a longer history does.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[cfg_attr(feature = "schemas", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct Estimate {
    /// The value.
    pub value: f64,
    /// The Monte Carlo interval's lower end.
    pub lower: f64,
    /// The Monte Carlo interval's upper end.
    pub upper: f64,
    /// The history interval's lower end; absent where weighted histories were not asked for, or gave no value.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schemas", schema(nullable = false))]
    pub history_lower: Option<f64>,
    /// The history interval's upper end.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schemas", schema(nullable = false))]
    pub history_upper: Option<f64>,
    /// How many times as wide the history's interval is as the Monte Carlo one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schemas", schema(nullable = false))]
    pub error_ratio: Option<f64>,
}

impl Estimate {
    /// A value without any error yet.
    pub(super) fn of(value: f64) -> Self {
        Self {
            value,
            lower: value,
            upper: value,
            history_lower: None,
            history_upper: None,
            error_ratio: None,
        }
    }

    /// The same in other units: `unit` is affine and rises.
    pub(super) fn mapped(self, unit: impl Fn(f64) -> f64) -> Self {
        Self {
            value: unit(self.value),
            lower: unit(self.lower),
            upper: unit(self.upper),
            history_lower: self.history_lower.map(&unit),
            history_upper: self.history_upper.map(&unit),
            error_ratio: self.error_ratio,
        }
    }
}

/// Probabilities by dynamic programming over all paths at once: they hold no Monte Carlo error.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[cfg_attr(feature = "schemas", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct Exact {
    /// The account breaks by the horizon.
    pub breach_probability: ExactProbability,
    /// The account passes by the horizon; absent where there is nothing to pass.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schemas", schema(nullable = false))]
    pub pass_probability: Option<ExactProbability>,
}

/// A probability computed without sampling, and how the sampled one compares with it.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[cfg_attr(feature = "schemas", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct ExactProbability {
    /// The probability.
    pub value: f64,
    /// Its numerical error, absolute.
    pub error: f64,
    /// (sampled − exact) / √(exact (1 − exact) / paths); null where that is 0.
    #[cfg_attr(feature = "schemas", schema(required = true))]
    pub standard_errors: Option<f64>,
}

/// Broken paths by cause; when one move crosses two floors, the higher is the cause.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schemas", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct BreachCauses {
    /// By the total-drawdown rule.
    pub drawdown: u64,
    /// By the daily-loss rule.
    pub daily_loss: u64,
    /// By ruin, where no rule's floor stood above it.
    pub ruin: u64,
}

/// When an event came, among the paths on which it did, in rows.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[cfg_attr(feature = "schemas", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct EventTime {
    /// Mean.
    pub mean_steps: f64,
    /// Smallest step by which half of them had come.
    pub median_steps: u32,
}

/// An [`EventTime`] with its errors.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[cfg_attr(feature = "schemas", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct EventTimeErrors {
    /// Of `meanSteps`, by the spread among the paths with the event.
    pub mean_steps: Estimate,
    /// Of `medianSteps`, by order statistics.
    pub median_steps: Estimate,
}

/// The same of the final balance (dollars), the horizon return (fraction; percentiles only) and the greatest drawdown
/// (fraction).
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(feature = "schemas", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct Distribution<T> {
    /// Dollars.
    pub final_balance: T,
    /// Fraction of the current balance.
    #[serde(rename = "return", skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schemas", schema(nullable = false))]
    pub horizon_return: Option<T>,
    /// Fraction of the peak.
    pub drawdown: T,
}

/// Each the smallest x with F(x) ≥ q.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[cfg_attr(feature = "schemas", derive(utoipa::ToSchema))]
pub struct Percentiles<T = f64> {
    /// 1 %.
    pub p1: T,
    /// 5 %.
    pub p5: T,
    /// 25 %.
    pub p25: T,
    /// 50 %.
    pub p50: T,
    /// 75 %.
    pub p75: T,
    /// 95 %.
    pub p95: T,
    /// 99 %.
    pub p99: T,
}

impl<T> Percentiles<T> {
    /// Computes each from its quantile in thousandths.
    pub(crate) fn each(at: impl FnMut(u16) -> T) -> Self {
        Self::of(PERCENTILES.map(at))
    }

    /// In the order of [`PERCENTILES`].
    pub(crate) fn of([p1, p5, p25, p50, p75, p95, p99]: [T; PERCENTILES.len()]) -> Self {
        Self { p1, p5, p25, p50, p75, p95, p99 }
    }
}

/// Paths in equal bins.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(feature = "schemas", derive(utoipa::ToSchema))]
pub struct Histogram {
    /// The bins' borders, one more than bins.
    pub edges: Vec<f64>,
    /// Paths in each bin; each bin holds its lower border, the last one its upper border too.
    pub counts: Vec<u64>,
}

/// One entry for each of at most 65 steps, the start included.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(feature = "schemas", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct FanChart {
    /// Rows done.
    pub steps: Vec<u32>,
    /// Percentiles of the balance, US dollars.
    #[serde(flatten)]
    pub balance: Percentiles<Vec<f64>>,
    /// The floor at the start, US dollars, 0 without one: the lowest that it can stand, for a trailing floor only rises.
    pub floor: Vec<f64>,
    /// Share of paths broken by then.
    pub breached: Vec<f64>,
    /// Share of paths passed by then; absent where there is nothing to pass.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schemas", schema(nullable = false))]
    pub passed: Option<Vec<f64>>,
}

/// Both intervals (95 %) of a [`FanChart`]'s series.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(feature = "schemas", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct FanErrors {
    /// Of the percentiles of the balance, US dollars.
    #[serde(flatten)]
    pub balance: Percentiles<Intervals>,
    /// Of `breached`.
    pub breached: Intervals,
    /// Of `passed`; absent where there is nothing to pass.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schemas", schema(nullable = false))]
    pub passed: Option<Intervals>,
}

/// The ends of both intervals of a series, an entry for each of its own.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(feature = "schemas", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct Intervals {
    /// The Monte Carlo intervals' lower ends.
    pub lower: Vec<f64>,
    /// The Monte Carlo intervals' upper ends.
    pub upper: Vec<f64>,
    /// The history intervals' lower ends; absent where weighted histories were not asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schemas", schema(nullable = false))]
    pub history_lower: Option<Vec<f64>>,
    /// The history intervals' upper ends.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schemas", schema(nullable = false))]
    pub history_upper: Option<Vec<f64>>,
}

/// The Monte Carlo intervals: quantiles by order statistics, their bins' width included; the rest by means of 32 sub-batches
/// by path id (Student's t, 31 degrees of freedom).
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(feature = "schemas", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct MonteCarloErrors {
    /// Of `signedVar95`.
    pub signed_var95: Estimate,
    /// Of `signedVar99`.
    pub signed_var99: Estimate,
    /// Of `return95Lower`.
    pub return95_lower: Estimate,
    /// Of `return95Upper`.
    pub return95_upper: Estimate,
    /// Of `return99Lower`.
    pub return99_lower: Estimate,
    /// Of `return99Upper`.
    pub return99_upper: Estimate,
    /// Of `meanReturn`.
    #[cfg_attr(feature = "schemas", schema(required = true))]
    pub mean_return: Option<Estimate>,
    /// Of `variance`.
    #[cfg_attr(feature = "schemas", schema(required = true))]
    pub variance: Option<Estimate>,
    /// Of `standardDeviation`.
    #[cfg_attr(feature = "schemas", schema(required = true))]
    pub standard_deviation: Option<Estimate>,
    /// Of `maxDrawdown`.
    #[cfg_attr(feature = "schemas", schema(required = true))]
    pub max_drawdown: Option<Estimate>,
    /// Of `sharpeRatio`.
    #[cfg_attr(feature = "schemas", schema(required = true))]
    pub sharpe_ratio: Option<Estimate>,
    /// Of `sortinoRatio`.
    #[cfg_attr(feature = "schemas", schema(required = true))]
    pub sortino_ratio: Option<Estimate>,
    /// Of `signedCvar95`: asymptotic, the tail's own variance and the quantile's.
    pub signed_cvar95: Estimate,
    /// Of `signedCvar99`.
    pub signed_cvar99: Estimate,
    /// Of `percentiles`.
    pub percentiles: Distribution<Percentiles<Estimate>>,
    /// Of `fan`.
    pub fan: FanErrors,
    /// Of `timeToBreach`; absent where fewer than five paths broke.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schemas", schema(nullable = false))]
    pub time_to_breach: Option<EventTimeErrors>,
    /// Of `timeToPass`; absent where fewer than five paths passed.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schemas", schema(nullable = false))]
    pub time_to_pass: Option<EventTimeErrors>,
}
