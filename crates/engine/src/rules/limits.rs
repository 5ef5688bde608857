//! The rules as the integers that a kernel compares with.

use super::Applied;
use super::daily_loss::DailyLimit;
use super::floor::{BILLION, Drop, FloorRule, Follows};
use crate::money;
use crate::scale::Scale;
use crate::{Consistency, DailyLossReference, DrawdownKind};

/// Where every path starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Start {
    /// The balance.
    pub(crate) x: i64,
    /// The highest balance so far.
    pub(crate) peak: i64,
    /// The floor.
    pub(crate) floor: i64,
}

/// When a path passes: at the first close at which all of it holds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Pass {
    /// The balance at and above which there is profit enough.
    pub(crate) at: i64,
    /// Trades done.
    pub(crate) min_trades: u64,
    /// Rows done: trading days, where rows are days.
    pub(crate) min_rows: u32,
    /// No day of too great a part in the profit; only where rows are days.
    pub(crate) consistency: Option<ConsistencyRule>,
}

/// The best day's profit is at most a fraction of the whole: in dollars, so a compounding state is turned into them.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct ConsistencyRule {
    /// Turns states into balances.
    pub(crate) scale: Scale,
    /// The starting balance, units of 10⁻⁴ dollars.
    starting_units: i64,
    /// The fraction, exact to nine decimals.
    billionths: i64,
}

impl ConsistencyRule {
    fn new(rule: &Consistency, applied: &Applied, scale: Scale) -> Self {
        Self {
            scale,
            starting_units: money::units(applied.starting_balance),
            billionths: (rule.fraction * BILLION as f64).round() as i64,
        }
    }

    /// Whether `best_day` is small enough at a balance of `units`, both in units of 10⁻⁴ dollars.
    pub(crate) fn allows(&self, best_day: i64, units: i64) -> bool {
        let profit = i128::from(units - self.starting_units);
        i128::from(best_day) * BILLION <= i128::from(self.billionths) * profit
    }
}

/// What ends a path.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Limits {
    /// The total-drawdown floor, ruin included.
    pub(crate) floor: FloorRule,
    /// What a day may lose, where that is limited.
    pub(crate) daily_loss: Option<DailyLimit>,
    /// When a path passes, where there is anything to pass.
    pub(crate) pass: Option<Pass>,
}

impl Limits {
    /// The rules in the units of `scale`.
    pub(crate) fn new(applied: &Applied, scale: Scale) -> Self {
        let pass = applied.pass.as_ref().map(|pass| Pass {
            at: match pass.target_balance {
                Some(target) => scale.state(target),
                None => scale.state(applied.starting_balance) + 1,
            },
            min_trades: u64::from(pass.min_trades),
            min_rows: pass.min_days,
            consistency: pass.consistency.as_ref().map(|rule| ConsistencyRule::new(rule, applied, scale)),
        });
        Self { floor: floor(applied, scale), daily_loss: daily_loss(applied, scale), pass }
    }

    /// Where every path starts.
    pub(crate) fn start(&self, applied: &Applied, scale: Scale) -> Start {
        let peak = scale.state(applied.peak_balance);
        Start { x: scale.state(applied.balance), peak, floor: self.floor.level(peak) }
    }
}

fn floor(applied: &Applied, scale: Scale) -> FloorRule {
    let ruin = scale.ruin();
    let Some(rule) = &applied.drawdown else {
        return FloorRule { follows: Follows::Nothing, drop: Drop::Distance(0), ceiling: ruin, ruin };
    };
    let drop = match (rule.fraction, rule.amount) {
        (Some(fraction), _) => Drop::fraction(scale, fraction),
        (None, amount) => Drop::amount(scale, amount.unwrap_or(0.0)),
    };
    let follows = match rule.kind {
        DrawdownKind::Static => Follows::Nothing,
        DrawdownKind::Trailing => Follows::EveryClose,
        DrawdownKind::TrailingEndOfDay => Follows::DayClose,
    };
    let ceiling = match (rule.kind, &rule.lock) {
        (DrawdownKind::Static, _) => drop.below(scale.state(applied.starting_balance)),
        (_, Some(lock)) => scale.state(applied.starting_balance + lock.offset),
        (_, None) => i64::MAX,
    };
    FloorRule { follows, drop, ceiling, ruin }
}

fn daily_loss(applied: &Applied, scale: Scale) -> Option<DailyLimit> {
    let rule = applied.daily_loss.as_ref()?;
    let drop = match (rule.fraction, rule.of) {
        (Some(fraction), DailyLossReference::DayStart) => Drop::fraction(scale, fraction),
        (Some(fraction), DailyLossReference::Initial) => {
            Drop::amount(scale, fraction * applied.starting_balance)
        }
        (None, _) => Drop::amount(scale, rule.amount.unwrap_or(0.0)),
    };
    Some(DailyLimit::new(drop))
}
