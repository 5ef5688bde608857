//! What a row does to an account.

use super::account::Close;
use super::{Account, Depth};
use crate::history::rows::{Day, Rows};
use crate::rules::floor::{FloorRule, Follows};

/// The rows, as a kernel reads them.
pub(crate) trait Table {
    /// Moves the account by one row.
    fn advance<D: Depth>(&self, row: u32, floor: &FloorRule, account: &mut Account<D>) -> Close;
    /// Trades in a row.
    fn trades(&self, row: u32) -> u64;
}

/// Rows that are trades.
#[derive(Clone, Copy, Debug)]
pub(crate) struct TradeTable<'a> {
    steps: &'a [i64],
}

impl<'a> TradeTable<'a> {
    /// Over the trades of `rows`.
    pub(crate) fn new(rows: &'a Rows) -> Self {
        Self { steps: &rows.trades }
    }
}

impl Table for TradeTable<'_> {
    #[inline(always)]
    fn advance<D: Depth>(&self, row: u32, floor: &FloorRule, account: &mut Account<D>) -> Close {
        trade(self.steps[row as usize], floor, account)
    }

    #[inline(always)]
    fn trades(&self, _row: u32) -> u64 {
        1
    }
}

/// One trade. A floor that follows every close stands below the peak, so a new peak never breaks.
#[inline(always)]
fn trade<D: Depth>(step: i64, floor: &FloorRule, account: &mut Account<D>) -> Close {
    account.x += step;
    if account.x > account.peak {
        account.peak = account.x;
        if floor.follows == Follows::EveryClose {
            account.floor = floor.level(account.peak);
        }
        return Close::Holds;
    }
    account.depth = account.depth.deepened(account.peak, account.x);
    if account.x <= account.floor { Close::Broken } else { Close::Holds }
}

/// Rows that are days.
#[derive(Clone, Copy, Debug)]
pub(crate) struct DayTable<'a> {
    days: &'a [Day],
    steps: &'a [i64],
}

impl<'a> DayTable<'a> {
    /// Over the days of `rows`.
    pub(crate) fn new(rows: &'a Rows) -> Self {
        Self { days: &rows.days, steps: &rows.trades }
    }

    /// Trade by trade: exact under any rule.
    fn replay<D: Depth>(&self, day: &Day, floor: &FloorRule, account: &mut Account<D>) -> Close {
        let (first, trades) = (day.first as usize, day.trades as usize);
        for &step in &self.steps[first..first + trades] {
            if trade(step, floor, account) == Close::Broken {
                return Close::Broken;
            }
        }
        Close::Holds
    }
}

impl Table for DayTable<'_> {
    /// A day whose lowest point stays above the highest floor that the day can raise breaks nothing, and one whose
    /// deepest fall is no record changes no drawdown: it is one addition. Every other day is replayed.
    #[inline(always)]
    fn advance<D: Depth>(&self, row: u32, floor: &FloorRule, account: &mut Account<D>) -> Close {
        let day = &self.days[row as usize];
        let (low, high) = (account.x + day.low, account.x + day.high);
        let peak = account.peak.max(high);
        let raised = if high > account.peak && floor.follows == Follows::EveryClose {
            floor.level(peak)
        } else {
            account.floor
        };
        let fall = day.fall.max(account.peak - low);
        if low <= raised || account.depth.may_deepen(account.peak, fall) {
            if self.replay(day, floor, account) == Close::Broken {
                return Close::Broken;
            }
        } else {
            account.x += day.step;
            account.peak = peak;
            account.floor = raised;
        }
        if floor.follows == Follows::DayClose && account.x > account.day_peak {
            account.day_peak = account.x;
            account.floor = floor.level(account.x);
        }
        Close::Holds
    }

    #[inline(always)]
    fn trades(&self, row: u32) -> u64 {
        u64::from(self.days[row as usize].trades)
    }
}
