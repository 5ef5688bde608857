//! The steps of a round, and what passes at them.

use super::floor::narrow;
use super::rounds::{ROUND, Round};
use crate::plan::Plan;

/// The steps of a round, and from where on an account passes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Steps {
    done: u32,
    until: u32,
    pass: PassAt,
}

impl Steps {
    /// Those of `round`, under what passes.
    #[inline(always)]
    pub(super) fn of(round: &Round, pass: PassAt) -> Self {
        Self { done: round.done, until: round.until, pass }
    }

    /// How many.
    #[inline(always)]
    pub(super) fn count(self) -> usize {
        ((self.until - self.done) as usize).min(ROUND)
    }

    /// Each, and its place in the round.
    #[inline(always)]
    pub(super) fn each(self) -> impl Iterator<Item = (usize, u32)> {
        (0..self.count()).zip(self.done + 1..)
    }

    /// The state from which on an account passes at `step`.
    #[inline(always)]
    pub(super) fn passes_at(self, step: u32) -> i32 {
        if step >= self.pass.from_step { self.pass.at } else { i32::MAX }
    }
}

/// What an account passes with.
#[derive(Clone, Copy, Debug)]
pub(super) struct PassAt {
    /// Its state, or a higher one.
    at: i32,
    /// The first step at which it may.
    from_step: u32,
}

impl PassAt {
    /// `None` where the step from which enough trades are done differs from path to path.
    pub(super) fn of(plan: &Plan) -> Option<Self> {
        let Some(pass) = plan.limits.pass else {
            return Some(Self { at: i32::MAX, from_step: u32::MAX });
        };
        let trades_a_row = match plan.rows.days.as_slice() {
            [] => 1,
            [first, rest @ ..] => {
                let is_even = pass.min_trades == 0 || rest.iter().all(|day| day.trades == first.trades);
                is_even.then_some(u64::from(first.trades))?
            }
        };
        let step = pass.min_trades.div_ceil(trades_a_row).max(u64::from(pass.min_rows));
        Some(Self { at: narrow(pass.at), from_step: u32::try_from(step).unwrap_or(u32::MAX) })
    }
}
