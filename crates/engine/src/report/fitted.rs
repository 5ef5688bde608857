//! The parameters of what was fitted.

use serde::Serialize;

use crate::models::{FittedChain, FittedFilter};
use crate::money::UNITS_PER_DOLLAR;
use crate::plan::Fitted;
use crate::scale::{LOG_ONE, Scale};
use crate::{Model, Plan};

/// What was fitted to the history's rows: of log-returns where returns compound, of US dollars where dollars add up.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(feature = "schemas", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct FittedLaw {
    /// Its family.
    pub model: Model,
    /// The history's own, of a row.
    pub mean: f64,
    /// The history's own, by division by the number of its rows.
    pub deviation: f64,
    /// ν, the likeliest of a grid from 3 to 100; absent from a normal law.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schemas", schema(nullable = false))]
    pub degrees_of_freedom: Option<f64>,
    /// Hansen's λ, the likeliest sixteenth within ± 0.75: above 0 where gains spread farther than losses; of a skewed law
    /// alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schemas", schema(nullable = false))]
    pub skewness: Option<f64>,
    /// The two regimes; of the model `regimes` alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schemas", schema(nullable = false))]
    pub regimes: Option<FittedRegimes>,
    /// How the deviation moves; of the model `filtered` alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schemas", schema(nullable = false))]
    pub volatility: Option<FittedVolatility>,
}

/// A hidden Markov chain of two normal laws, by maximum likelihood.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(feature = "schemas", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct FittedRegimes {
    /// Two, the one that spreads less first.
    pub states: Vec<FittedRegime>,
    /// By how much the log-likelihood is above that of one normal law.
    pub log_likelihood_gain: f64,
    /// By how much the BIC (Schwarz 1978) is below that of one normal law.
    pub bic_gain: f64,
    /// By how much it is below that of two normal laws of which each row takes one by a chance of its own: below 0, the history
    /// does not show regimes that last.
    pub bic_gain_over_mixture: f64,
}

/// One regime.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[cfg_attr(feature = "schemas", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct FittedRegime {
    /// Of a row.
    pub mean: f64,
    /// Of a row.
    pub deviation: f64,
    /// Rows from entering it to leaving it, on average.
    pub mean_stay: f64,
    /// The share of rows in it in the long run.
    pub share: f64,
    /// How likely the history ends in it: the paths begin with one step from there.
    pub now: f64,
}

/// Where the deviation of the next row comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schemas", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub enum VolatilityLaw {
    /// GARCH(1, 1) by quasi-likelihood, its long-run variance the history's own.
    Garch,
    /// RiskMetrics' exponential weights, λ = 0.94; the history has fewer than 100 rows.
    Ewma,
}

/// How the variance of a row follows: `σ² = omega + alpha · (row before − mean)² + beta · σ² before`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[cfg_attr(feature = "schemas", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct FittedVolatility {
    /// Which law.
    pub law: VolatilityLaw,
    /// Of the unit's square.
    pub omega: f64,
    /// What the row before adds.
    pub alpha: f64,
    /// What stays of the variance before.
    pub beta: f64,
    /// alpha + beta: the share of a distance from the long run's variance that is left a row later; 1 with exponential weights.
    pub persistence: f64,
    /// Of the next row, to be held against `deviation`, the long run's.
    pub deviation_now: f64,
    /// By how much the log-likelihood is above that of a deviation that stays; absent with exponential weights.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schemas", schema(nullable = false))]
    pub log_likelihood_gain: Option<f64>,
    /// By how much the BIC (Schwarz 1978) is below that of a deviation that stays: below 0, the history does not show that it
    /// moves; absent with exponential weights.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schemas", schema(nullable = false))]
    pub bic_gain: Option<f64>,
}

/// The parameters of what a plan fitted, where it did.
pub(super) fn of(plan: &Plan) -> Option<FittedLaw> {
    let unit = match plan.scale {
        Scale::Log { .. } => LOG_ONE,
        Scale::Money => UNITS_PER_DOLLAR,
    };
    match plan.fitted.as_ref()? {
        Fitted::Law { model, law, .. } => Some(FittedLaw {
            model: *model,
            mean: law.mean / unit,
            deviation: law.deviation / unit,
            degrees_of_freedom: law.degrees_of_freedom(),
            skewness: (*model == Model::Skewed).then(|| law.asymmetry()),
            regimes: None,
            volatility: None,
        }),
        Fitted::Regimes(chain) => Some(FittedLaw {
            model: Model::Regimes,
            mean: chain.mean / unit,
            deviation: chain.deviation / unit,
            degrees_of_freedom: None,
            skewness: None,
            regimes: Some(regimes(chain, unit)),
            volatility: None,
        }),
        Fitted::Filter(fitted) => Some(FittedLaw {
            model: Model::Filtered,
            mean: fitted.mean / unit,
            deviation: fitted.deviation / unit,
            degrees_of_freedom: None,
            skewness: None,
            regimes: None,
            volatility: Some(volatility(fitted, unit)),
        }),
    }
}

fn volatility(fitted: &FittedFilter, unit: f64) -> FittedVolatility {
    let deviation = fitted.deviation / unit;
    FittedVolatility {
        law: if fitted.log_likelihood_gain.is_some() { VolatilityLaw::Garch } else { VolatilityLaw::Ewma },
        omega: fitted.garch.omega * deviation * deviation,
        alpha: fitted.garch.alpha,
        beta: fitted.garch.beta,
        persistence: fitted.garch.persistence(),
        deviation_now: fitted.variance_now.sqrt() * deviation,
        log_likelihood_gain: fitted.log_likelihood_gain,
        bic_gain: fitted.bic_gain(),
    }
}

fn regimes(chain: &FittedChain, unit: f64) -> FittedRegimes {
    let state = |state: usize| FittedRegime {
        mean: chain.hidden.means[state] / unit,
        deviation: chain.hidden.deviations[state] / unit,
        mean_stay: 1.0 / chain.hidden.leaves[state],
        share: chain.shares()[state],
        now: chain.seen.last[state],
    };
    FittedRegimes {
        states: vec![state(0), state(1)],
        log_likelihood_gain: chain.log_likelihood_gain,
        bic_gain: chain.bic_gain,
        bic_gain_over_mixture: chain.bic_gain_over_mixture,
    }
}
