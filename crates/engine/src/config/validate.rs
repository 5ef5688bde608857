//! The ranges of a request that do not need the history.

use super::{
    AfterPayout, DailyLoss, Drawdown, DrawdownKind, FieldError, Level, MAX_PATHS, Model, PayoutSchedule,
    RuleSet, Rules, SimulationConfig,
};
use crate::money::MAX_DOLLARS;

/// The longest horizon, calendar days.
const MAX_HORIZON_DAYS: u32 = 365;

/// The most rows of one path; bounds what a path may add up to, and the table of event steps.
pub(crate) const MAX_STEPS: u32 = 100_000;

/// The largest seed: JSON readers keep integers exact up to here.
const MAX_SEED: u64 = (1 << 53) - 1;

/// With fewer weighted histories the ends of a 95 % interval are the outermost of them.
const MIN_REPLICATES: u32 = 40;

/// Weighted histories are paths on top of those asked for: about a million at most.
const MAX_REPLICATES: u32 = 2_000;

/// No profit target above a thousand times the starting balance.
const MAX_TARGET_FRACTION: f64 = 1_000.0;

impl SimulationConfig {
    /// Checks every range that does not need the history.
    ///
    /// # Errors
    /// Names the first field that is out of its range, as a path below `config`.
    pub fn validate(&self) -> Result<(), FieldError> {
        integer("paths", self.paths, 1, MAX_PATHS)?;
        self.tolerance.map_or(Ok(()), |tolerance| tolerance.validate(self.paths))?;
        integer("horizonDays", self.horizon_days.map(u64::from), 1, u64::from(MAX_HORIZON_DAYS))?;
        integer("steps", self.steps.map(u64::from), 1, u64::from(MAX_STEPS))?;
        integer("seed", self.seed, 0, MAX_SEED)?;
        if let Some(replicates) = self.history_replicates
            && replicates != 0
            && !(MIN_REPLICATES..=MAX_REPLICATES).contains(&replicates)
        {
            let message = format!(
                "must be 0, or an integer from {MIN_REPLICATES} to {MAX_REPLICATES}; it is {replicates}"
            );
            return Err(fault("historyReplicates", &message));
        }
        if let Some(length) = self.block_length {
            if !(length.is_finite() && length >= 1.0) {
                return Err(fault(
                    "blockLength",
                    &format!("must be a number of rows, at least 1; it is {length}"),
                ));
            }
            if self.model == Some(Model::Circular) && length.fract() != 0.0 {
                let message = format!("must be whole rows with the model \"circular\"; it is {length}");
                return Err(fault("blockLength", &message));
            }
            let blocks = matches!(self.model, None | Some(Model::Stationary | Model::Circular));
            if !blocks && length != 1.0 {
                return Err(fault(
                    "blockLength",
                    "must be 1 or absent with a model that has no blocks (\"stationary\" and \"circular\" have)",
                ));
            }
        }
        let days_by_rules = self.level.is_none() && self.custom_rules().is_some_and(RuleSet::needs_days);
        if let Some(model) = self.model
            && model.needs_trades()
            && (self.level == Some(Level::Day) || days_by_rules)
        {
            return Err(model.without_days());
        }
        self.stress.map_or(Ok(()), |stress| stress.validate(self.sizing))?;
        match &self.rules {
            Some(Rules::Custom(rules)) => rules.validate(),
            Some(Rules::Preset(_)) | None => Ok(()),
        }
    }
}

impl SimulationConfig {
    /// Checks what no range says of payouts: that the cap leaves room for the minimum, and that none leaves an account that
    /// has still something to pass.
    ///
    /// # Errors
    /// Names the cap, or what happens after a payout.
    pub(crate) fn validate_payouts(&self) -> Result<(), FieldError> {
        let Some(rules) = self.custom_rules() else { return Ok(()) };
        match &rules.payout {
            Some(PayoutSchedule { cap: Some(cap), minimum, .. }) if cap < minimum => {
                let message = format!("must not be below the minimum of {minimum}; it is {cap}");
                Err(fault("rules.payout.cap", &message))
            }
            Some(PayoutSchedule {
                after: Some(AfterPayout::BalanceFalls | AfterPayout::FloorLocks), ..
            }) if rules.has_pass() => Err(fault(
                "rules.payout.after",
                "must be \"balanceStays\" or absent where there is something to pass",
            )),
            _ => Ok(()),
        }
    }
}

impl RuleSet {
    fn validate(&self) -> Result<(), FieldError> {
        self.drawdown.as_ref().map_or(Ok(()), Drawdown::validate)?;
        self.daily_loss.as_ref().map_or(Ok(()), DailyLoss::validate)?;
        if let Some(target) = &self.profit_target {
            let path = "rules.profitTarget";
            one_of(path, target.fraction, target.amount)?;
            above("fraction", path, target.fraction, MAX_TARGET_FRACTION)?;
            above("amount", path, target.amount, MAX_DOLLARS)?;
        }
        integer("rules.timeLimitDays", self.time_limit_days.map(u64::from), 1, u64::from(u32::MAX))?;
        above("fraction", "rules.consistency", self.consistency.as_ref().map(|rule| rule.fraction), 1.0)?;
        if let Some(split) = self.profit_split
            && !(0.0..=1.0).contains(&split)
        {
            return Err(fault("rules.profitSplit", &format!("must be a number from 0 to 1; it is {split}")));
        }
        self.payout.as_ref().map_or(Ok(()), PayoutSchedule::validate)
    }
}

impl Drawdown {
    fn validate(&self) -> Result<(), FieldError> {
        let path = "rules.drawdown";
        one_of(path, self.fraction, self.amount)?;
        share(path, self.fraction)?;
        above("amount", path, self.amount, MAX_DOLLARS)?;
        let Some(lock) = &self.lock else { return Ok(()) };
        if self.kind == DrawdownKind::Static {
            return Err(fault(
                "rules.drawdown.lock",
                "must be absent with the kind \"static\", whose floor never rises",
            ));
        }
        if lock.offset.abs() <= MAX_DOLLARS {
            Ok(())
        } else {
            let message = format!("must be a number of dollars within ±{MAX_DOLLARS}; it is {}", lock.offset);
            Err(fault("rules.drawdown.lock.offset", &message))
        }
    }
}

impl DailyLoss {
    fn validate(&self) -> Result<(), FieldError> {
        one_of("rules.dailyLoss", self.fraction, self.amount)?;
        share("rules.dailyLoss", self.fraction)?;
        above("amount", "rules.dailyLoss", self.amount, MAX_DOLLARS)
    }
}

impl PayoutSchedule {
    fn validate(&self) -> Result<(), FieldError> {
        integer("rules.payout.everyDays", Some(u64::from(self.every_days)), 1, u64::from(MAX_HORIZON_DAYS))?;
        for (field, value) in [("minimum", self.minimum), ("buffer", self.buffer.unwrap_or(0.0))] {
            if !(0.0..=MAX_DOLLARS).contains(&value) {
                let message = format!("must be a number of dollars from 0 to {MAX_DOLLARS}; it is {value}");
                return Err(fault(&format!("rules.payout.{field}"), &message));
            }
        }
        above("cap", "rules.payout", self.cap, MAX_DOLLARS)
    }
}

pub(super) fn integer(field: &str, value: Option<u64>, least: u64, most: u64) -> Result<(), FieldError> {
    match value {
        Some(value) if value < least || value > most => {
            Err(fault(field, &format!("must be an integer from {least} to {most}; it is {value}")))
        }
        _ => Ok(()),
    }
}

fn one_of(rule: &str, fraction: Option<f64>, amount: Option<f64>) -> Result<(), FieldError> {
    if fraction.is_some() == amount.is_some() {
        Err(fault(rule, "must have exactly one of \"fraction\" and \"amount\""))
    } else {
        Ok(())
    }
}

fn share(rule: &str, fraction: Option<f64>) -> Result<(), FieldError> {
    match fraction {
        Some(value) if !(value > 0.0 && value < 1.0) => {
            Err(fault(&format!("{rule}.fraction"), &format!("must be above 0 and below 1; it is {value}")))
        }
        _ => Ok(()),
    }
}

fn above(field: &str, rule: &str, value: Option<f64>, most: f64) -> Result<(), FieldError> {
    match value {
        Some(value) if !(value > 0.0 && value <= most) => Err(fault(
            &format!("{rule}.{field}"),
            &format!("must be above 0 and at most {most}; it is {value}"),
        )),
        _ => Ok(()),
    }
}

pub(super) fn fault(field: &str, message: &str) -> FieldError {
    FieldError { field: format!("config.{field}"), message: message.to_owned() }
}
