//! Payouts that leave the account, and what they do to its floor.

use super::{Applied, Terms};
use crate::AfterPayout;
use crate::money::{MAX_BALANCE, UNITS_PER_DOLLAR};
use crate::scale::Scale;

/// A high-water mark above every close, so that no close raises the floor again; far enough from the ends of `i64` that
/// distances from it do not overflow.
pub(crate) const MARK_LOCKED: i64 = 1 << 61;

/// What the rules take out of an account that asks for a payout; see [`AfterPayout`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Withdrawals {
    pub(crate) terms: Terms,
    pub(crate) scale: Scale,
    /// Where the floor stands from the first payout on, if they move it: the starting balance's state.
    pub(crate) locks_at: Option<i64>,
}

/// One request that was granted; units of 10⁻⁴ dollars.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Granted {
    /// What the trader is paid.
    pub(crate) payout: f64,
    /// The profit that it is a share of, which leaves the account.
    pub(crate) taken: f64,
}

impl Withdrawals {
    /// By the rules; `None` where payouts leave the account as it is.
    pub(crate) fn new(terms: Terms, applied: &Applied, scale: Scale) -> Option<Self> {
        let locks_at = match applied.payout.as_ref().and_then(|schedule| schedule.after)? {
            AfterPayout::BalanceStays => return None,
            AfterPayout::BalanceFalls => None,
            AfterPayout::FloorLocks => Some(scale.state(applied.starting_balance)),
        };
        Some(Self { terms, scale, locks_at })
    }

    /// What an unbroken account at the state `x` above `floor` is granted: never so much that what is left is at its
    /// floor, the floor as it stands after the payout. One past the largest balance that is counted is granted nothing.
    pub(crate) fn request(&self, x: i64, floor: i64) -> Option<Granted> {
        let units = self.scale.balance_units(x);
        let above_floor = units - self.scale.balance_units(self.floor_after(floor)) - 1;
        if units == MAX_BALANCE || above_floor <= 0 {
            return None;
        }
        self.terms.granted(units as f64, above_floor as f64)
    }

    /// The floor after a payout.
    pub(crate) fn floor_after(&self, floor: i64) -> i64 {
        self.locks_at.map_or(floor, |lock| floor.max(lock))
    }

    /// The state `x` once `taken` units have left it.
    pub(crate) fn lowered(&self, x: i64, taken: f64) -> i64 {
        match self.scale {
            Scale::Money => x - taken as i64,
            Scale::Log { .. } => {
                let units = self.scale.balance_units(x) as f64 - taken;
                self.scale.state(units / UNITS_PER_DOLLAR)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Granted, Terms, Withdrawals};
    use crate::scale::Scale;

    #[test]
    fn a_payout_that_moves_the_floor_leaves_more_than_that_floor() {
        // 11,000 dollars above a floor of 9,000; all of the profit above 10,000 is the trader's.
        let terms = Terms::of_split(1.0, 1e8);
        let taken = |locks_at| {
            let withdrawals = Withdrawals { terms, scale: Scale::Money, locks_at };
            withdrawals.request(110_000_000, 90_000_000)
        };
        assert_eq!(taken(None), Some(Granted { payout: 1e7, taken: 1e7 }));
        assert_eq!(taken(Some(100_000_000)), Some(Granted { payout: 9_999_999.0, taken: 9_999_999.0 }));
    }
}
