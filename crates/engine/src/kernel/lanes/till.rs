//! Payouts to paths side by side.

use super::lane::{LANES, Numbers};
use crate::rules::{Paid, Payouts, Stop, Terms};
use crate::scale::log_balance;

/// What [`LANES`] accounts have been paid; see [`Paid`].
#[derive(Clone, Debug)]
pub(super) struct Purses {
    scheduled: [f64; LANES],
    weekly: [f64; LANES],
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

/// Pays accounts whose states compound.
#[derive(Clone, Copy, Debug)]
pub(super) struct Till {
    /// US dollars at the state 0.
    pub(super) base: f64,
    pub(super) payouts: Payouts,
}

impl Till {
    /// Pays the accounts at the states `x` what they may ask for at `stop`.
    #[inline(always)]
    pub(super) fn pay_each(&self, stop: Stop, x: &Numbers, purses: &mut Purses) {
        let mut units = [0.0; LANES];
        for (units, &x) in units.iter_mut().zip(x) {
            *units = log_balance(self.base, f64::from(x));
        }
        if stop.scheduled {
            request_each(&self.payouts.scheduled, &mut purses.scheduled, &units);
        }
        if stop.weekly {
            request_each(&self.payouts.weekly, &mut purses.weekly, &units);
        }
    }

    /// Pays an account that stays at the state `x` what it may ask for at each of `stops`.
    pub(super) fn pay_rest(&self, stops: &[Stop], x: i32, mut paid: Paid) -> Paid {
        let units = log_balance(self.base, f64::from(x));
        for &stop in stops {
            self.payouts.pay(stop, units, &mut paid);
        }
        paid
    }
}

#[inline(always)]
fn request_each(terms: &Terms, paid: &mut [f64; LANES], units: &[f64; LANES]) {
    for (paid, &units) in paid.iter_mut().zip(units) {
        *paid = terms.after_request(*paid, units);
    }
}
