//! How sure a figure is, where a tolerance was asked for.

use serde::Serialize;

use super::build::View;
use super::levels::Z95;
use crate::config::{Metric, Tolerance};
use crate::money::UNITS_PER_DOLLAR;
use crate::tally::{Batch, Figure, Moments};
use crate::{Plan, Tally};

/// Paid paths, of equal payouts, below which their spread says too little of itself: a standard error is then known to some
/// 5 %. Unequal payouts count for fewer (Kish, Survey Sampling 1965, §11.7).
const PAID_MIN: f64 = 100.0;

/// Whether the wanted standard error was reached, and with how many paths.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[cfg_attr(feature = "schemas", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct Precision {
    /// The figure.
    pub metric: Metric,
    /// As asked for, in the figure's own unit.
    pub wanted_standard_error: f64,
    /// The Monte Carlo standard error with the paths simulated; null where the figure has no value.
    #[cfg_attr(feature = "schemas", schema(required = true))]
    pub standard_error: Option<f64>,
    /// Whether the figure is sure enough; else the budget of paths was spent before.
    pub reached: bool,
    /// Paths simulated.
    pub paths: u64,
    /// How often it was looked, after the first look each time with twice the paths, or with all of the budget.
    pub looks: u32,
}

/// Whether the figure that the plan's tolerance names is sure enough with the paths of `tally`.
pub(crate) fn is_sure_enough(plan: &Plan, tally: &Tally) -> bool {
    View::new(plan, tally).precision().is_some_and(|precision| precision.reached)
}

impl View<'_> {
    /// Of the figure that the plan's tolerance names, where it has one.
    ///
    /// To stop where an estimated standard error is small enough leaves an interval its coverage as the wanted error shrinks, if
    /// the estimate is consistent: Chow and Robbins, "On the asymptotic theory of fixed-width sequential confidence
    /// intervals for the mean" (Annals of Mathematical Statistics 1965); Glynn and Whitt, "The asymptotic validity of
    /// sequential stopping rules for stochastic simulations" (Annals of Applied Probability 1992). With few paths an estimate
    /// may be small by chance; therefore see [`Self::standard_error`], and an error of 0 is not believed.
    pub(super) fn precision(&self) -> Option<Precision> {
        let Tolerance { metric, standard_error: wanted, .. } = self.plan.looks?.tolerance;
        let figure = figure(metric);
        let error = self.standard_error(figure);
        let small = error.is_some_and(|error| error > 0.0 && error <= wanted);
        Some(Precision {
            metric,
            wanted_standard_error: wanted,
            standard_error: error,
            reached: small && self.rests_on_enough(figure),
            paths: self.paths,
            looks: self.plan.looks_by(self.paths),
        })
    }

    /// A sentence where the budget was spent before the figure was sure enough.
    pub(super) fn warn_of_precision(&self, precision: &Precision, warnings: &mut Vec<String>) {
        if precision.reached {
            return;
        }
        let name = serde_json::to_value(precision.metric).unwrap_or_default();
        let name = name.as_str().unwrap_or_default();
        let (paths, wanted) = (precision.paths, precision.wanted_standard_error);
        warnings.push(match precision.standard_error {
            Some(error) if error > wanted => format!(
                "The budget of {paths} paths was spent before {name} was as sure as wanted: its standard error is {error:.3e}, \
                 wanted was {wanted:.3e}."
            ),
            _ => format!(
                "The budget of {paths} paths was spent before it was known how sure {name} is: too few of them say anything \
                 of it."
            ),
        });
    }

    /// The Monte Carlo standard error; none where the figure has no value or the paths are too few.
    ///
    /// Of a share of paths by Wilson, so that it does not vanish where no event was seen. Of a mean by the deviation of all
    /// paths, which tells more than the 32 sub-batches do. Of other figures by the sub-batches: known to 13 %.
    fn standard_error(&self, figure: Figure) -> Option<f64> {
        let n = self.paths as f64;
        if let Some(events) = self.events(figure) {
            let (share, z2) = (events as f64 / n, Z95 * Z95);
            return Some((share * (1.0 - share) / n + z2 / (4.0 * n * n)).sqrt() / (1.0 + z2 / n));
        }
        let of_mean = |moments: &Moments, unit: f64| {
            (self.paths > 1).then(|| (moments.variance(self.paths) / (n - 1.0)).sqrt() / unit)
        };
        match figure {
            Figure::Payout => of_mean(&self.all.payout, UNITS_PER_DOLLAR),
            Figure::PayoutWeekly => of_mean(&self.all.weekly_payout, UNITS_PER_DOLLAR),
            Figure::MeanReturn => of_mean(&self.all.profit, self.opening),
            Figure::MaxDrawdown => of_mean(&self.all.drawdown, crate::kernel::DEPTH_ONE),
            _ => {
                let estimate = self.estimate(figure)?;
                Some((estimate.upper - estimate.lower) / (2.0 * Z95))
            }
        }
    }

    /// Whether the figure's error is known well enough: a payout that few paths bring is not.
    fn rests_on_enough(&self, figure: Figure) -> bool {
        let paid = |of: fn(&Batch) -> &Moments| {
            let Moments { sum, squares } = *of(&self.all);
            sum as f64 * sum as f64 >= PAID_MIN * squares as f64
        };
        match figure {
            Figure::Payout => paid(|batch| &batch.payout),
            Figure::PayoutWeekly => paid(|batch| &batch.weekly_payout),
            _ => true,
        }
    }
}

fn figure(metric: Metric) -> Figure {
    match metric {
        Metric::BreachProbability => Figure::Breach,
        Metric::RuinProbability => Figure::Ruin,
        Metric::PassProbability => Figure::Pass,
        Metric::NeitherProbability => Figure::Neither,
        Metric::ExpectedPayout => Figure::Payout,
        Metric::ExpectedPayoutWeekly => Figure::PayoutWeekly,
        Metric::MeanReturn => Figure::MeanReturn,
        Metric::Variance => Figure::Variance,
        Metric::StandardDeviation => Figure::StandardDeviation,
        Metric::MaxDrawdown => Figure::MaxDrawdown,
        Metric::SharpeRatio => Figure::Sharpe,
        Metric::SortinoRatio => Figure::Sortino,
        Metric::SignedCvar95 => Figure::SignedCvar95,
        Metric::SignedCvar99 => Figure::SignedCvar99,
    }
}
