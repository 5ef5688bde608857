//! The parameters of what was fitted.

use serde::Serialize;

use crate::models::FittedChain;
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
        }),
        Fitted::Regimes(chain) => Some(FittedLaw {
            model: Model::Regimes,
            mean: chain.mean / unit,
            deviation: chain.deviation / unit,
            degrees_of_freedom: None,
            skewness: None,
            regimes: Some(regimes(chain, unit)),
        }),
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
