//! What a path is paid, and when.

use super::{Applied, Granted, MIN_PAYOUT, Withdrawals};
use crate::exponential::whole;
use crate::money::units;
use crate::scale::Scale;

/// Calendar days between the requests behind `expectedPayoutWeekly`.
pub(crate) const WEEK: u32 = 7;

/// A step at which paths are looked at: for the fan, to be paid, or for both.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stop {
    /// Rows done.
    pub(crate) step: u32,
    /// Which of the fan's stops it is.
    pub(crate) fan: Option<usize>,
    /// A request by the schedule asked for, or at the horizon's end where there is none.
    pub(crate) scheduled: bool,
    /// A request by the week.
    pub(crate) weekly: bool,
}

impl Stop {
    /// The stops of the fan and of both schedules, ascending; each list is ascending.
    pub(crate) fn all(fan: &[u32], scheduled: &[u32], weekly: &[u32]) -> Vec<Self> {
        let mut steps = [fan, scheduled, weekly].concat();
        steps.sort_unstable();
        steps.dedup();
        let is_in = |steps: &[u32], step| steps.binary_search(&step).ok();
        let stop = |step| Self {
            step,
            fan: is_in(fan, step),
            scheduled: is_in(scheduled, step).is_some(),
            weekly: is_in(weekly, step).is_some(),
        };
        steps.into_iter().map(stop).collect()
    }

    /// The same requests as at `stops`, with another fan.
    pub(crate) fn at_the_fan_of(fan: &[u32], stops: &[Self]) -> Vec<Self> {
        let steps = |chosen: fn(&Self) -> bool| {
            stops.iter().filter(|stop| chosen(stop)).map(|stop| stop.step).collect::<Vec<_>>()
        };
        Self::all(fan, &steps(|stop| stop.scheduled), &steps(|stop| stop.weekly))
    }

    /// Whether anyone is paid at it.
    pub(crate) fn pays(self) -> bool {
        self.scheduled || self.weekly
    }
}

/// What was paid so far, by each schedule; whole units of 10⁻⁴ dollars, which `f64` holds exactly below 2⁵³.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Paid {
    /// By the schedule asked for.
    pub(crate) scheduled: f64,
    /// By the week.
    pub(crate) weekly: f64,
}

/// How much a request brings; all amounts in units of 10⁻⁴ dollars.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Terms {
    split: f64,
    /// The balance that stays: starting balance, earlier withdrawals and buffer.
    stays: f64,
    minimum: f64,
    cap: f64,
}

impl Terms {
    /// Of a share of all that is above a balance.
    #[cfg(test)]
    pub(crate) fn of_split(split: f64, stays: f64) -> Self {
        Self { split, stays, minimum: 0.0, cap: f64::INFINITY }
    }

    /// What has been paid after a request at a balance of `units`, by the platform's formula: what was paid before counts
    /// as withdrawn, and does not lower the balance.
    #[inline(always)]
    pub(crate) fn after_request(&self, paid: f64, units: f64) -> f64 {
        let asked = whole(self.split * (units - self.stays - paid).max(0.0)).min(self.cap);
        if asked >= self.minimum { paid + asked } else { paid }
    }

    /// What a request at a balance of `units` is granted where the profit leaves the account, of which no more than `most`
    /// may go; none where that is too little.
    pub(super) fn granted(&self, units: f64, most: f64) -> Option<Granted> {
        let profit = (units - self.stays).min(most);
        let payout = whole(self.split * profit).min(self.cap);
        let taken = (payout / self.split).floor().min(profit);
        (payout > 0.0 && payout >= self.minimum).then_some(Granted { payout, taken })
    }
}

/// The terms of both schedules.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Payouts {
    /// Of the schedule asked for.
    pub(crate) scheduled: Terms,
    /// Of the weekly one: the platform's own.
    pub(crate) weekly: Terms,
    /// What the schedule asked for takes out of the account, where it takes anything; then nothing is paid by the week.
    pub(crate) withdrawals: Option<Withdrawals>,
}

impl Payouts {
    /// By the rules; `None` where nothing is paid out.
    pub(crate) fn new(applied: &Applied, scale: Scale) -> Option<Self> {
        let whole_units = |dollars: f64| units(dollars) as f64;
        let platform = Terms {
            split: applied.profit_split,
            stays: whole_units(applied.starting_balance) + whole_units(applied.withdrawals),
            minimum: whole_units(MIN_PAYOUT),
            cap: f64::INFINITY,
        };
        let scheduled = applied.payout.as_ref().map_or(platform, |schedule| Terms {
            stays: platform.stays + whole_units(schedule.buffer.unwrap_or(0.0)),
            minimum: whole_units(schedule.minimum),
            cap: schedule.cap.map_or(f64::INFINITY, whole_units),
            ..platform
        });
        let withdrawals = Withdrawals::new(scheduled, applied, scale);
        (applied.profit_split > 0.0).then_some(Self { scheduled, weekly: platform, withdrawals })
    }

    /// Pays an unbroken account of `units` what it may ask for at `stop`.
    #[inline(always)]
    pub(crate) fn pay(&self, stop: Stop, units: f64, paid: &mut Paid) {
        if stop.scheduled {
            paid.scheduled = self.scheduled.after_request(paid.scheduled, units);
        }
        if stop.weekly {
            paid.weekly = self.weekly.after_request(paid.weekly, units);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Stop, Terms};

    #[test]
    fn a_request_is_the_platforms_formula() {
        // 0.8 · (balance − 10,000 − what was paid), at least 100, at most 500.
        let terms = Terms { split: 0.8, stays: 1e8, minimum: 1e6, cap: 5e6 };
        assert_eq!(terms.after_request(0.0, 1.0125e8), 1e6, "0.8 · 125 is just enough");
        assert_eq!(terms.after_request(0.0, 1.012_499e8), 0.0);
        assert_eq!(terms.after_request(1e6, 1.05e8), 4.2e6, "0.8 · (500 − 100)");
        assert_eq!(terms.after_request(1e6, 1.1e8), 6e6, "the cap");
        assert_eq!(terms.after_request(1e6, 0.9e8), 1e6, "a loss takes nothing back");
    }

    #[test]
    fn stops_know_what_they_are_for() {
        let stops = Stop::all(&[2, 4], &[4], &[3, 4]);
        let seen: Vec<_> =
            stops.iter().map(|stop| (stop.step, stop.fan, stop.scheduled, stop.weekly)).collect();
        assert_eq!(seen, [(2, Some(0), false, false), (3, None, false, true), (4, Some(1), true, true)]);
        assert_eq!(Stop::at_the_fan_of(&[4], &stops), Stop::all(&[4], &[4], &[3, 4]));
    }
}
