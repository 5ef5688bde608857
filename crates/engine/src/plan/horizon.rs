//! How far ahead, in which rows.

use crate::config::MAX_STEPS;
use crate::history::rate::Rate;
use crate::{FieldError, Level, SimulationConfig};

/// Calendar days ahead unless asked otherwise.
const DEFAULT_DAYS: u32 = 30;

/// The level is chosen as if this many paths were asked for, so that asking for more never changes the model.
const NOMINAL_PATHS: u64 = 1_000_000;

/// Beyond this many nominal path-steps, rows become days.
const TRADE_LEVEL_WORK_MAX: u64 = 20_000_000_000;

/// How far ahead.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Horizon {
    /// Rows are trades or days.
    pub(crate) level: Level,
    /// Rows in one path.
    pub(crate) steps: u32,
    /// The step after which the account is closed: `steps`, or the time limit before it.
    pub(crate) last_step: u32,
    /// Calendar days; by the trader's rate where only the steps were given.
    pub(crate) days: f64,
}

impl Horizon {
    /// By the configuration and the trader's rate. Steps given without a level are trades.
    ///
    /// # Errors
    /// Names the level, where trades were asked for and are too many.
    pub(crate) fn new(
        config: &SimulationConfig,
        rate: &Rate,
        time_limit_days: Option<u32>,
    ) -> Result<Self, FieldError> {
        let days = config.horizon_days.unwrap_or(DEFAULT_DAYS);
        let by_trade = rate.trade_steps(days);
        let too_many = config.steps.is_none() && by_trade * NOMINAL_PATHS > TRADE_LEVEL_WORK_MAX;
        let level = config.level.unwrap_or(if too_many { Level::Day } else { Level::Trade });
        let rows_in = |days| match level {
            Level::Trade => rate.trade_steps(days),
            Level::Day => rate.day_steps(days),
        };
        let steps = config.steps.map_or_else(|| rows_in(days), u64::from);
        if steps > u64::from(MAX_STEPS) {
            return Err(FieldError {
                field: "config.level".to_owned(),
                message: format!(
                    "{steps} trades in {days} days are more than the {MAX_STEPS} rows of one path; use \"day\""
                ),
            });
        }
        let rows_per_day = match level {
            Level::Trade => rate.trades_per_day(),
            Level::Day => rate.active_share(),
        };
        let last_step = time_limit_days.map_or(steps, |limit| rows_in(limit).min(steps));
        Ok(Self {
            level,
            steps: steps as u32,
            last_step: last_step as u32,
            days: match (config.horizon_days, config.steps) {
                (None, Some(steps)) => f64::from(steps) / rows_per_day,
                _ => f64::from(days),
            },
        })
    }
}
