//! Who watches a path that is walked by itself: the fan, and whoever pays it.

use crate::Plan;
use crate::kernel::{Account, Depth, Watch};
use crate::money::{MAX_BALANCE, UNITS_PER_DOLLAR};
use crate::rules::{Granted, MARK_LOCKED, Paid, Stop, Withdrawals};
use crate::tally::Fan;

/// Shows one path to the fan, and pays it what leaves its balance as it is.
pub(crate) struct FanAndTill<'a> {
    pub(crate) plan: &'a Plan,
    pub(crate) fan: &'a mut Fan,
    pub(crate) paid: Paid,
}

impl Watch for FanAndTill<'_> {
    #[inline(always)]
    fn see(&mut self, stop: Stop, x: i64) {
        self.see_broken(stop, x);
        if stop.pays() {
            self.paid = pay(self.plan, stop, x, self.paid);
        }
    }

    #[inline(always)]
    fn see_broken(&mut self, stop: Stop, x: i64) {
        if let Some(fan_stop) = stop.fan {
            self.fan.see(fan_stop, x);
        }
    }
}

/// Apart from the steps, which are many to one payout, and by value, so that their state stays in registers.
#[inline(never)]
fn pay(plan: &Plan, stop: Stop, x: i64, mut paid: Paid) -> Paid {
    if let Some(payouts) = &plan.payouts {
        payouts.pay(stop, plan.scale.balance_units(x) as f64, &mut paid);
    }
    paid
}

/// Shows one path to the fan, with what left it counted as still there, and takes payouts out of it.
pub(crate) struct FanAndWithdrawals<'a> {
    pub(crate) withdrawals: &'a Withdrawals,
    pub(crate) fan: &'a mut Fan,
    pub(crate) paid: Paid,
    /// What has left the account, units of 10⁻⁴ dollars.
    pub(crate) taken: f64,
}

impl FanAndWithdrawals<'_> {
    /// The state and the balance in units of 10⁻⁴ dollars of an account at `x`, had nothing left it.
    pub(crate) fn whole(&self, x: i64) -> (i64, i64) {
        let scale = self.withdrawals.scale;
        let units = scale.balance_units(x);
        if self.taken == 0.0 {
            return (x, units);
        }
        let whole = (units + self.taken as i64).min(MAX_BALANCE);
        (scale.state(whole as f64 / UNITS_PER_DOLLAR), whole)
    }
}

impl Watch for FanAndWithdrawals<'_> {
    fn see(&mut self, stop: Stop, x: i64) {
        self.see_broken(stop, x);
    }

    fn see_broken(&mut self, stop: Stop, x: i64) {
        if let Some(fan_stop) = stop.fan {
            self.fan.see(fan_stop, self.whole(x).0);
        }
    }

    fn after_requests<D: Depth>(&mut self, stop: Stop, account: Account<D>) -> Account<D> {
        let request = || self.withdrawals.request(account.x, account.floor);
        let Some(granted) = stop.scheduled.then(request).flatten() else { return account };
        self.paid.scheduled += granted.payout;
        self.taken += granted.taken;
        after(self.withdrawals, granted, account)
    }
}

/// What `granted` leaves of an unbroken account.
fn after<D: Depth>(withdrawals: &Withdrawals, granted: Granted, account: Account<D>) -> Account<D> {
    let lower = |x: i64| withdrawals.lowered(x, granted.taken);
    let floor = withdrawals.floor_after(account.floor);
    let (peak, day_peak) = match withdrawals.locks_at {
        Some(_) => (MARK_LOCKED, MARK_LOCKED),
        None => (account.peak, account.day_peak),
    };
    // A unit of log-equity is more than one of dollars, so rounding could reach the floor.
    Account { x: lower(account.x).max(floor + 1), peak, day_peak, floor, depth: account.depth.lowered(lower) }
}

/// What a request leaves of an unbroken account.
pub(crate) fn after_request<D: Depth>(withdrawals: &Withdrawals, account: Account<D>) -> Account<D> {
    match withdrawals.request(account.x, account.floor) {
        None => account,
        Some(granted) => after(withdrawals, granted, account),
    }
}

#[cfg(test)]
mod tests {
    use super::after_request;
    use crate::kernel::{Account, LogDepth};
    use crate::rules::{Start, Terms, Withdrawals};
    use crate::scale::Scale;

    #[test]
    fn no_payout_breaks_an_account_by_rounding() {
        // A unit of log-equity is some six units of money here: what is left, one of them above the floor, rounds to it.
        let scale = Scale::Log { base: 10_000.0 };
        let (start, floor) = (scale.state(10_000.0), scale.state(9_000.0));
        let withdrawals = Withdrawals { terms: Terms::of_split(1.0, 1e8), scale, locks_at: Some(start) };
        for dollars in [10_100.0, 11_000.0, 12_345.67] {
            let x = scale.state(dollars);
            let account: Account<LogDepth> = Account::open(Start { x, peak: x, floor });
            let after = after_request(&withdrawals, account);
            assert_eq!((after.x, after.floor), (start + 1, start), "{dollars}");
        }
    }
}
