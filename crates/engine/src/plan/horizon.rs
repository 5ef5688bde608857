//! How far ahead, in which rows.

use crate::config::MAX_STEPS;
use crate::history::rate::Rate;
use crate::{FieldError, Level, RuleSet, SimulationConfig};

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
    /// Rows are days because the rules need them, and nobody said otherwise.
    pub(crate) days_by_rules: bool,
    /// Rows in one path.
    pub(crate) steps: u32,
    /// The step after which the account is closed: `steps`, or the time limit before it.
    pub(crate) last_step: u32,
    /// Calendar days; by the trader's rate where only the steps were given.
    pub(crate) days: f64,
}

impl Horizon {
    /// By the configuration and the trader's rate. Without a level, rows are days where a rule looks at days or where
    /// trades would be too many, and else trades; steps given without a level are such rows.
    ///
    /// # Errors
    /// Names the level, where trades were asked for and are too many.
    pub(crate) fn new(config: &SimulationConfig, rate: &Rate) -> Result<Self, FieldError> {
        let rules = config.custom_rules();
        let days_by_rules = config.level.is_none() && rules.is_some_and(RuleSet::needs_days);
        // The time limit matters where there is something to pass.
        let time_limit_days = rules.filter(|rules| rules.has_pass()).and_then(|rules| rules.time_limit_days);
        let days = config.horizon_days.unwrap_or(DEFAULT_DAYS);
        let by_trade = rate.steps(Level::Trade, days);
        let too_many = config.steps.is_none() && by_trade * NOMINAL_PATHS > TRADE_LEVEL_WORK_MAX;
        let level = config.level.unwrap_or(if too_many || days_by_rules { Level::Day } else { Level::Trade });
        let rows_in = |days| rate.steps(level, days);
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
            days_by_rules,
            steps: steps as u32,
            last_step: last_step as u32,
            days: match (config.horizon_days, config.steps) {
                (None, Some(steps)) => f64::from(steps) / rows_per_day,
                _ => f64::from(days),
            },
        })
    }
    /// The rows at whose close a request is made: those that end every `every_days` calendar days, by the trader's rate
    /// to the nearest row and at least the first, and the last row. Requests that fall on one row are one.
    pub(crate) fn request_rows(&self, rate: &Rate, every_days: u32) -> Vec<u32> {
        // Then every row ends some period; with more than one row to each, there are fewer requests than rows.
        if rate.at_most_one_row(self.level, every_days) {
            return (1..=self.steps).collect();
        }
        let rows = (1..).map(|request| rate.steps(self.level, request * every_days) as u32);
        let mut rows: Vec<u32> = rows.take_while(|&row| row < self.steps).collect();
        rows.dedup();
        rows.push(self.steps);
        rows
    }
}
