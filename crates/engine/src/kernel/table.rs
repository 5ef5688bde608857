//! What a row does to an account.

use super::account::Close;
use super::{Account, Depth};
use crate::history::rows::{Day, Rows};
use crate::rules::floor::{Floor, FloorRule, Follows};

/// The rows and the floor, as a kernel reads them.
pub(crate) trait Table {
    /// Moves the account by one row.
    fn advance<D: Depth>(&self, row: u32, account: &mut Account<D>) -> Close;
    /// Trades in a row.
    fn trades(&self, row: u32) -> u64;
}

/// Rows that are trades.
#[derive(Clone, Copy, Debug)]
pub(crate) struct TradeTable<'a, F> {
    steps: &'a [i64],
    floor: F,
}

impl<'a, F: Floor> TradeTable<'a, F> {
    /// Over the trades of `rows`, above `floor`.
    pub(crate) fn new(rows: &'a Rows, floor: F) -> Self {
        Self { steps: &rows.trades, floor }
    }
}

impl<F: Floor> Table for TradeTable<'_, F> {
    #[inline(always)]
    fn advance<D: Depth>(&self, row: u32, account: &mut Account<D>) -> Close {
        trade(self.steps[row as usize], &self.floor, account)
    }

    #[inline(always)]
    fn trades(&self, _row: u32) -> u64 {
        1
    }
}

/// One trade; no branch but the break, for a new peak is hard to predict.
#[inline(always)]
fn trade<D: Depth>(step: i64, floor: &impl Floor, account: &mut Account<D>) -> Close {
    account.x += step;
    account.floor = floor.at_close(account.floor, account.peak, account.x);
    account.peak = account.peak.max(account.x);
    account.depth = account.depth.deepened(account.peak, account.x);
    if account.x <= account.floor { Close::Broken } else { Close::Holds }
}

/// Rows that are days.
#[derive(Clone, Copy, Debug)]
pub(crate) struct DayTable<'a> {
    days: &'a [Day],
    steps: &'a [i64],
    floor: FloorRule,
}

impl<'a> DayTable<'a> {
    /// Over the days of `rows`, above `floor`.
    pub(crate) fn new(rows: &'a Rows, floor: FloorRule) -> Self {
        Self { days: &rows.days, steps: &rows.trades, floor }
    }

    /// Trade by trade: exact under any rule.
    fn replay<D: Depth>(&self, day: &Day, account: &mut Account<D>) -> Close {
        let (first, trades) = (day.first as usize, day.trades as usize);
        for &step in &self.steps[first..first + trades] {
            if trade(step, &self.floor, account) == Close::Broken {
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
    fn advance<D: Depth>(&self, row: u32, account: &mut Account<D>) -> Close {
        let day = &self.days[row as usize];
        let (low, high) = (account.x + day.low, account.x + day.high);
        let peak = account.peak.max(high);
        let raised = self.floor.at_close(account.floor, account.peak, high);
        let fall = day.fall.max(account.peak - low);
        if low <= raised || account.depth.may_deepen(account.peak, fall) {
            if self.replay(day, account) == Close::Broken {
                return Close::Broken;
            }
        } else {
            account.x += day.step;
            account.peak = peak;
            account.floor = raised;
        }
        if self.floor.follows == Follows::DayClose && account.x > account.day_peak {
            account.day_peak = account.x;
            account.floor = self.floor.level(account.x);
        }
        Close::Holds
    }

    #[inline(always)]
    fn trades(&self, row: u32) -> u64 {
        u64::from(self.days[row as usize].trades)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{Strategy, any, prop, prop_assert_eq, proptest};

    use super::{Account, DayTable, Depth, FloorRule, Follows, Table, TradeTable};
    use crate::history::rebuild::Closed;
    use crate::history::rows::Rows;
    use crate::kernel::account::Close;
    use crate::kernel::{LogDepth, MoneyDepth};
    use crate::rules::Start;
    use crate::rules::floor::Drop;

    fn floor_rule() -> impl Strategy<Value = FloorRule> {
        let follows = prop::sample::select(vec![Follows::Nothing, Follows::EveryClose, Follows::DayClose]);
        let drop = prop::sample::select(vec![Drop::Distance(40), Drop::MoneyFraction { keep: 950_000_000 }]);
        let ceiling = prop::sample::select(vec![960, 1_010, i64::MAX]);
        (follows, drop, ceiling).prop_map(|(follows, drop, ceiling)| {
            let ceiling = if follows == Follows::Nothing { 960 } else { ceiling };
            FloorRule { follows, drop, ceiling, ruin: 0 }
        })
    }

    /// The state after each day, trade by trade: what the quick test for whole days must not change.
    fn trade_by_trade<D: Depth>(
        rows: &Rows,
        floor: &FloorRule,
        mut account: Account<D>,
    ) -> Vec<(i64, i64, i64, u64)> {
        let table = TradeTable::new(rows, *floor);
        let mut seen = Vec::new();
        for day in &rows.days {
            let broken = (day.first..day.first + day.trades)
                .any(|trade| table.advance(trade, &mut account) == Close::Broken);
            if !broken && floor.follows == Follows::DayClose && account.x > account.day_peak {
                account.day_peak = account.x;
                account.floor = floor.level(account.x);
            }
            seen.push((account.x, account.peak, account.floor, account.depth.fraction()));
            if broken {
                break;
            }
        }
        seen
    }

    fn day_by_day<D: Depth>(
        rows: &Rows,
        floor: &FloorRule,
        mut account: Account<D>,
    ) -> Vec<(i64, i64, i64, u64)> {
        let table = DayTable::new(rows, *floor);
        let mut seen = Vec::new();
        for day in 0..rows.days.len() as u32 {
            let close = table.advance(day, &mut account);
            seen.push((account.x, account.peak, account.floor, account.depth.fraction()));
            if close == Close::Broken {
                break;
            }
        }
        seen
    }

    proptest! {
        #[test]
        fn a_day_is_its_trades(
            steps in prop::collection::vec((0_i64..12, -30_i64..32), 1..60), floor in floor_rule(), peak in 1_000_i64..1_030,
        ) {
            let mut utc_day = 0;
            let closed: Vec<Closed> = steps.iter().map(|&(gap, step)| {
                utc_day += i64::from(gap == 0);
                Closed { step, utc_day }
            }).collect();
            let rows = Rows::by_day(&closed);
            let start = Start { x: 1_000, peak, floor: floor.level(peak) };
            prop_assert_eq!(
                day_by_day(&rows, &floor, Account::<LogDepth>::open(start)),
                trade_by_trade(&rows, &floor, Account::<LogDepth>::open(start))
            );
            prop_assert_eq!(
                day_by_day(&rows, &floor, Account::<MoneyDepth>::open(start)),
                trade_by_trade(&rows, &floor, Account::<MoneyDepth>::open(start))
            );
        }

        #[test]
        fn the_drawdown_of_money_is_the_deepest_ratio(steps in prop::collection::vec(any::<i8>(), 1..50)) {
            let (mut x, mut peak, mut deepest) = (10_000_i64, 10_000_i64, 0.0_f64);
            let mut depth = MoneyDepth::NONE;
            for step in steps {
                x += i64::from(step);
                peak = peak.max(x);
                deepest = deepest.max((peak - x) as f64 / peak as f64);
                depth = depth.deepened(peak, x);
            }
            prop_assert_eq!(depth.fraction(), (deepest * 1e9).round() as u64);
        }
    }
}
