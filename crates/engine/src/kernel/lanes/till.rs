//! Payouts to paths side by side.

use super::lane::{LANES, Numbers};
use crate::rules::{Paid, Payouts, Terms};
use crate::scale::log_balance;

/// Amounts of [`LANES`] accounts, whole units of 10⁻⁴ dollars.
pub(super) type Units = [f64; LANES];

/// What [`LANES`] accounts have been paid; see [`Paid`].
#[derive(Clone, Copy, Debug)]
pub(super) struct Purses {
    pub(super) scheduled: Units,
    pub(super) weekly: Units,
}

impl Purses {
    pub(super) const EMPTY: Self = Self { scheduled: [0.0; LANES], weekly: [0.0; LANES] };

    /// What a lane's account has been paid.
    #[inline(always)]
    pub(super) fn lift(&self, lane: usize) -> Paid {
        Paid { scheduled: self.scheduled[lane], weekly: self.weekly[lane] }
    }

    /// Puts an account's payouts into a lane.
    #[inline(always)]
    pub(super) fn put(&mut self, lane: usize, paid: Paid) {
        (self.scheduled[lane], self.weekly[lane]) = (paid.scheduled, paid.weekly);
    }
}

/// The balances of accounts at the states `x`, where `base` dollars are the state 0.
#[inline(always)]
pub(super) fn units_each(base: f64, x: &Numbers) -> Units {
    let mut units = [0.0; LANES];
    for lane in 0..LANES {
        units[lane] = log_balance(base, f64::from(x[lane]));
    }
    units
}

/// Pays accounts whose states compound.
#[derive(Clone, Copy, Debug)]
pub(super) struct Till {
    payouts: Payouts,
}

impl Till {
    pub(super) fn new(payouts: Payouts) -> Self {
        Self { payouts }
    }

    /// Pays accounts of so many `units` what they may ask for by the schedule asked for, by the week, or by both.
    #[inline(always)]
    pub(super) fn pay_each(&self, (scheduled, weekly): (bool, bool), units: &Units, purses: &mut Purses) {
        if scheduled {
            request_each(&self.payouts.scheduled, &mut purses.scheduled, units);
        }
        if weekly {
            request_each(&self.payouts.weekly, &mut purses.weekly, units);
        }
    }

    /// Pays accounts that stay at so many `units` at each of the requests that they have before them.
    #[inline(always)]
    pub(super) fn pay_rest_each(
        &self,
        (scheduled, weekly): (&Numbers, &Numbers),
        units: &Units,
        purses: &mut Purses,
    ) {
        request_each_again(&self.payouts.scheduled, scheduled, &mut purses.scheduled, units);
        request_each_again(&self.payouts.weekly, weekly, &mut purses.weekly, units);
    }
}

#[inline(always)]
fn request_each(terms: &Terms, paid: &mut Units, units: &Units) {
    for (paid, &units) in paid.iter_mut().zip(units) {
        *paid = terms.after_request(*paid, units);
    }
}

/// Where `times` says how often each asks. An account that stays and was refused once is refused for ever, so the rest is
/// not asked when a round of requests brought nobody anything.
#[inline(always)]
fn request_each_again(terms: &Terms, times: &Numbers, paid: &mut Units, units: &Units) {
    let most = times.iter().fold(0, |most, &times| most.max(times));
    for done in 0..most {
        let before = *paid;
        let mut changed = 0.0;
        for lane in 0..LANES {
            let after = terms.after_request(before[lane], units[lane]);
            paid[lane] = if done < times[lane] { after } else { before[lane] };
            changed += paid[lane] - before[lane];
        }
        if changed == 0.0 {
            return;
        }
    }
}
