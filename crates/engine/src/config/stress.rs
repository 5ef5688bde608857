//! What is made worse about a history before anything is drawn from it.

use serde::{Deserialize, Serialize};

use super::FieldError;
use super::validate::fault;
use crate::Sizing;
use crate::money::MAX_DOLLARS;

/// Deviations farther than ten times the history's own are no stress of it.
const MAX_VOLATILITY: f64 = 10.0;

/// A shift of a trade's return by more than the whole balance is a mistake of units.
const MAX_SHIFT: f64 = 1.0;

/// A stressed history: each closing trade's change is moved away from the mean of all, then shifted, then lowered by its
/// slippage. A change is a fraction of the balance before the trade where returns compound, and an amount of dollars where
/// dollars add up; −1 and less ruins the account where returns compound, as anywhere. Its worst week may be made to come again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schemas", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Stress {
    /// Times as far from the mean of all, which is kept; above 0, at most 10. 1 leaves them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schemas", schema(exclusive_minimum = 0.0, maximum = 10.0))]
    pub volatility: Option<f64>,
    /// Added to each: a fraction of the balance within ± 1, or dollars with sizing `fixed`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schemas", schema(minimum = -10000000000.0, maximum = 10000000000.0))]
    pub mean_shift: Option<f64>,
    /// US dollars lost on each trade beside what its pnl holds, whatever the sizing; where returns compound, on the balance on
    /// which the trade was made. Not below 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schemas", schema(minimum = 0.0, maximum = 10000000000.0))]
    pub slippage: Option<f64>,
    /// Whether every path goes through the history's worst week once, at a time of its own. The week is the seven consecutive
    /// UTC days of the history that made least, as the other stresses have them; it takes the place of as many rows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub worst_week: Option<bool>,
}

impl Stress {
    pub(super) fn validate(&self, sizing: Option<Sizing>) -> Result<(), FieldError> {
        if let Some(volatility) = self.volatility
            && !(volatility > 0.0 && volatility <= MAX_VOLATILITY)
        {
            let message = format!("must be above 0 and at most {MAX_VOLATILITY}; it is {volatility}");
            return Err(fault("stress.volatility", &message));
        }
        let (most, unit) = match sizing {
            Some(Sizing::Fixed) => (MAX_DOLLARS, "dollars"),
            Some(Sizing::Proportional) | None => (MAX_SHIFT, "the balance"),
        };
        if let Some(shift) = self.mean_shift
            && !(-most..=most).contains(&shift)
        {
            let message = format!("must be a number within ±{most}, of {unit}; it is {shift}");
            return Err(fault("stress.meanShift", &message));
        }
        match self.slippage {
            Some(slippage) if !(0.0..=MAX_DOLLARS).contains(&slippage) => {
                let message =
                    format!("must be a number of dollars from 0 to {MAX_DOLLARS}; it is {slippage}");
                Err(fault("stress.slippage", &message))
            }
            _ => Ok(()),
        }
    }
}
