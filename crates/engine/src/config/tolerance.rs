//! How sure a figure is to be, instead of how many paths.

use serde::{Deserialize, Serialize};

use super::validate::{fault, integer};
use super::{FieldError, MAX_PATHS, whole};

/// Paths until a figure is sure enough: simulated up to fixed counts, each twice the one before, until the standard error
/// of the figure is small enough or the budget of paths is spent.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schemas", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Tolerance {
    /// The figure.
    pub metric: Metric,
    /// The standard error at and below which it is sure enough, in the figure's own unit (a share, dollars, a fraction of the
    /// balance); above 0.
    #[cfg_attr(feature = "schemas", schema(exclusive_minimum = 0.0, examples(0.001)))]
    pub standard_error: f64,
    /// The budget: 1 to 100,000,000 paths. By default 16,777,216, or fewer where their steps would be more than one job may take.
    #[serde(default, deserialize_with = "whole::or_null", skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schemas", schema(minimum = 1, maximum = 100000000))]
    pub max_paths: Option<u64>,
}

/// A figure whose standard error is known, by its name in the result. Quantiles are not among them: their intervals are order
/// statistics and never narrower than a bin.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schemas", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub enum Metric {
    /// The account breaks by the horizon.
    BreachProbability,
    /// The balance is 0 or less at the horizon.
    RuinProbability,
    /// The account passes by the horizon; only where there is something to pass.
    PassProbability,
    /// The account neither breaks nor passes by the horizon.
    NeitherProbability,
    /// What the trader is paid, US dollars; only where something is paid out.
    ExpectedPayout,
    /// The same with a request every 7 calendar days.
    ExpectedPayoutWeekly,
    /// Of the horizon return.
    MeanReturn,
    /// Of the horizon return.
    Variance,
    /// Of the horizon return.
    StandardDeviation,
    /// Mean over paths of the greatest drawdown.
    MaxDrawdown,
    /// Of the horizon return.
    SharpeRatio,
    /// Of the horizon return.
    SortinoRatio,
    /// The mean of the worst 5 % of probability mass, US dollars.
    SignedCvar95,
    /// The mean of the worst 1 %.
    SignedCvar99,
}

impl Tolerance {
    pub(super) fn validate(&self, paths: Option<u64>) -> Result<(), FieldError> {
        if paths.is_some() {
            return Err(fault("paths", "must be absent with config.tolerance, which says how many paths"));
        }
        if !(self.standard_error > 0.0 && self.standard_error.is_finite()) {
            let message = format!("must be above 0; it is {}", self.standard_error);
            return Err(fault("tolerance.standardError", &message));
        }
        integer("tolerance.maxPaths", self.max_paths, 1, MAX_PATHS)
    }
}
