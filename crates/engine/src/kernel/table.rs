//! What a row does to an account.

use super::account::Close;
use super::{Account, Depth};
use crate::history::rows::{Day, Rows};
use crate::rules::daily_loss::DailyLoss;
use crate::rules::floor::{Floor, FloorRule, Follows};

/// The rows and the floor, as a kernel reads them.
pub(crate) trait Table {
    /// What a path remembers beside its account.
    type Memory: Clone;
    /// At the start of a path.
    fn open(&self) -> Self::Memory;
    /// Moves the account by one row.
    fn advance<D: Depth>(&self, row: u32, memory: &mut Self::Memory, account: &mut Account<D>) -> Close;
    /// Trades in a row.
    fn trades(&self, row: u32) -> u64;
}

/// How far rows that are trades move a path.
pub(crate) trait Steps {
    /// What the path remembers of the rows before.
    type Memory: Clone;
    /// At its start.
    fn open(&self) -> Self::Memory;
    /// By one row.
    fn step(&self, row: u32, memory: &mut Self::Memory) -> i64;
}

/// As they are written, whatever came before.
impl Steps for &[i64] {
    type Memory = ();

    #[inline(always)]
    fn open(&self) {}

    #[inline(always)]
    fn step(&self, row: u32, (): &mut ()) -> i64 {
        self[row as usize]
    }
}

/// Rows that are trades.
#[derive(Clone, Copy, Debug)]
pub(crate) struct TradeTable<S, F> {
    steps: S,
    floor: F,
}

impl<S: Steps, F: Floor> TradeTable<S, F> {
    /// Over the trades of `steps`, above `floor`.
    pub(crate) fn new(steps: S, floor: F) -> Self {
        Self { steps, floor }
    }
}

impl<S: Steps, F: Floor> Table for TradeTable<S, F> {
    type Memory = S::Memory;

    #[inline(always)]
    fn open(&self) -> S::Memory {
        self.steps.open()
    }

    #[inline(always)]
    fn advance<D: Depth>(&self, row: u32, memory: &mut S::Memory, account: &mut Account<D>) -> Close {
        trade(self.steps.step(row, memory), &self.floor, account)
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
pub(crate) struct DayTable<'a, L> {
    days: &'a [Day],
    steps: &'a [i64],
    floor: FloorRule,
    daily_loss: L,
}

impl<'a, L: DailyLoss> DayTable<'a, L> {
    /// Over the days of `rows`, above `floor`.
    pub(crate) fn new(rows: &'a Rows, floor: FloorRule, daily_loss: L) -> Self {
        Self { days: &rows.days, steps: &rows.trades, floor, daily_loss }
    }

    /// Trade by trade: exact under any rule. Inlined, for an account whose address is known to others would not stay in
    /// registers on the days that need no replay.
    #[inline(always)]
    fn replay<D: Depth>(&self, day: &Day, account: &mut Account<D>) -> Close {
        let open = account.x;
        let (first, trades) = (day.first as usize, day.trades as usize);
        for index in first..first + trades {
            let close = trade(self.steps[index], &self.floor, account);
            if self.daily_loss.breaks_at(index, open) {
                // When one move crosses two floors, the higher is the cause.
                let below_floor = close == Close::Broken && account.floor >= self.daily_loss.floor(open);
                return if below_floor { Close::Broken } else { Close::DayLost };
            }
            if close == Close::Broken {
                return close;
            }
        }
        Close::Holds
    }
}

impl<L: DailyLoss> Table for DayTable<'_, L> {
    type Memory = ();

    #[inline(always)]
    fn open(&self) {}

    /// A day whose lowest point stays above the highest floor that the day can raise, with no close that loses too much
    /// for one day, breaks nothing, and one whose deepest fall is no record changes no drawdown: it is one addition.
    /// Every other day is replayed.
    #[inline(always)]
    fn advance<D: Depth>(&self, row: u32, (): &mut (), account: &mut Account<D>) -> Close {
        let day = &self.days[row as usize];
        let (low, high) = (account.x + day.low, account.x + day.high);
        let peak = account.peak.max(high);
        let raised = self.floor.at_close(account.floor, account.peak, high);
        let fall = day.fall.max(account.peak - low);
        let may_break = low <= raised || self.daily_loss.breaks_in(row, account.x);
        if may_break || account.depth.may_deepen(account.peak, fall) {
            let close = self.replay(day, account);
            if close != Close::Holds {
                return close;
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
    use crate::rules::daily_loss::{DailyLimit, DailyThresholds, Unlimited};
    use crate::rules::floor::Drop;
    use crate::scale::Scale;

    fn floor_rule() -> impl Strategy<Value = FloorRule> {
        let follows = prop::sample::select(vec![Follows::Nothing, Follows::EveryClose, Follows::DayClose]);
        let drop = prop::sample::select(vec![Drop::Distance(40), Drop::MoneyFraction { keep: 950_000_000 }]);
        let ceiling = prop::sample::select(vec![960, 1_010, i64::MAX]);
        (follows, drop, ceiling).prop_map(|(follows, drop, ceiling)| {
            let ceiling = if follows == Follows::Nothing { 960 } else { ceiling };
            FloorRule { follows, drop, ceiling, ruin: 0 }
        })
    }

    /// A day's limit of each kind, each about 25 units: dollars of money, a fraction of money, a fraction of
    /// log-equity (a distance as well), dollars under compounding returns.
    fn daily_drop() -> impl Strategy<Value = Option<Drop>> {
        let scale = Scale::Log { base: 1e6 };
        let drops = vec![
            Drop::Distance(25),
            Drop::MoneyFraction { keep: 975_000_000 },
            Drop::LogAmount { scale, base: 1e6, amount: 1.5 },
        ];
        prop::option::of(prop::sample::select(drops))
    }

    /// What is seen of an account after a day: state, peak, floor, drawdown, and what the day left.
    type Seen = (i64, i64, i64, u64, Close);

    fn seen<D: Depth>(account: &Account<D>, close: Close) -> Seen {
        (account.x, account.peak, account.floor, account.depth.fraction(), close)
    }

    /// The state after each day, trade by trade: what the quick test for whole days must not change.
    fn trade_by_trade<D: Depth>(
        rows: &Rows,
        floor: &FloorRule,
        daily: Option<Drop>,
        mut account: Account<D>,
    ) -> Vec<Seen> {
        let table = TradeTable::new(rows.trades.as_slice(), *floor);
        let mut days = Vec::new();
        for day in &rows.days {
            let day_floor = daily.map_or(i64::MIN, |drop| drop.below(account.x));
            let close = (day.first..day.first + day.trades)
                .map(|trade| match table.advance(trade, &mut (), &mut account) {
                    Close::Broken if account.floor >= day_floor => Close::Broken,
                    _ if account.x <= day_floor => Close::DayLost,
                    close => close,
                })
                .find(|&close| close != Close::Holds)
                .unwrap_or(Close::Holds);
            if close == Close::Holds && floor.follows == Follows::DayClose && account.x > account.day_peak {
                account.day_peak = account.x;
                account.floor = floor.level(account.x);
            }
            days.push(seen(&account, close));
            if close != Close::Holds {
                break;
            }
        }
        days
    }

    fn day_by_day<D: Depth>(
        rows: &Rows,
        floor: &FloorRule,
        daily: Option<Drop>,
        mut account: Account<D>,
    ) -> Vec<Seen> {
        let thresholds = daily.map(|drop| DailyThresholds::new(DailyLimit::new(drop), rows));
        let mut days = Vec::new();
        for day in 0..rows.days.len() as u32 {
            let close = match &thresholds {
                None => DayTable::new(rows, *floor, Unlimited).advance(day, &mut (), &mut account),
                Some(limited) => DayTable::new(rows, *floor, limited).advance(day, &mut (), &mut account),
            };
            days.push(seen(&account, close));
            if close != Close::Holds {
                break;
            }
        }
        days
    }

    proptest! {
        #[test]
        fn a_day_is_its_trades(
            steps in prop::collection::vec((0_i64..12, -30_i64..32), 1..60),
            floor in floor_rule(),
            daily in daily_drop(),
            peak in 1_000_i64..1_030,
        ) {
            let mut utc_day = 0;
            let closed: Vec<Closed> = steps.iter().map(|&(gap, step)| {
                utc_day += i64::from(gap == 0);
                Closed { step, utc_day }
            }).collect();
            let rows = Rows::by_day(&closed);
            let start = Start { x: 1_000, peak, floor: floor.level(peak) };
            prop_assert_eq!(
                day_by_day(&rows, &floor, daily, Account::<LogDepth>::open(start)),
                trade_by_trade(&rows, &floor, daily, Account::<LogDepth>::open(start))
            );
            prop_assert_eq!(
                day_by_day(&rows, &floor, daily, Account::<MoneyDepth>::open(start)),
                trade_by_trade(&rows, &floor, daily, Account::<MoneyDepth>::open(start))
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
