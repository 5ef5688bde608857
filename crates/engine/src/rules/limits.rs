//! The rules as the integers that a kernel compares with.

use super::Applied;
use super::floor::{Drop, FloorRule, Follows};
use crate::DrawdownKind;
use crate::scale::Scale;

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

/// When a path passes: at the first close at which all three hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Pass {
    /// The balance at and above which there is profit enough.
    pub(crate) at: i64,
    /// Trades done.
    pub(crate) min_trades: u64,
    /// Rows done: trading days, where rows are days.
    pub(crate) min_rows: u32,
}

/// What ends a path.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Limits {
    /// The total-drawdown floor, ruin included.
    pub(crate) floor: FloorRule,
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
        });
        Self { floor: floor(applied, scale), pass }
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
