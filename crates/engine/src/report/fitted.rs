//! The parameters of a fitted law.

use serde::Serialize;

use crate::money::UNITS_PER_DOLLAR;
use crate::plan::Fitted;
use crate::scale::{LOG_ONE, Scale};
use crate::{Model, Plan};

/// The law from which trades are drawn: of log-returns where returns compound, of US dollars where dollars add up.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[cfg_attr(feature = "schemas", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct FittedLaw {
    /// Its family.
    pub model: Model,
    /// The history's own.
    pub mean: f64,
    /// The history's own, by division by the number of its trades.
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
}

/// The parameters of a plan's law, where it has one.
pub(super) fn of(plan: &Plan) -> Option<FittedLaw> {
    let Fitted { model, law, .. } = plan.fitted.as_ref()?;
    let unit = match plan.scale {
        Scale::Log { .. } => LOG_ONE,
        Scale::Money => UNITS_PER_DOLLAR,
    };
    Some(FittedLaw {
        model: *model,
        mean: law.mean / unit,
        deviation: law.deviation / unit,
        degrees_of_freedom: law.degrees_of_freedom(),
        skewness: (*model == Model::Skewed).then(|| law.asymmetry()),
    })
}
