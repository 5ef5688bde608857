//! The worst week of a history.

use std::ops::{Range, RangeInclusive};

use super::rebuild::Closed;
use super::rows::{Day, Rows};

/// Calendar days of a week.
const DAYS: i64 = 7;

/// The seven consecutive UTC days within a history in which its trades made least, and what they made.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Week {
    /// Counted from 1970-01-01; fewer than seven where the history is shorter.
    pub(crate) utc_days: RangeInclusive<i64>,
    /// The first of its rows in the history.
    pub(crate) first_row: u32,
    /// The rows, of the history's kind; what is trades under rows that are days is the history's own.
    pub(crate) rows: Rows,
    /// Closing trades.
    pub(crate) trades: u32,
    /// The sum of its steps; the fixed point's own where a trade ruins.
    pub(crate) sum: i64,
}

impl Week {
    /// Of the trades `closed`, in order and not empty, of which `rows` are made; the first of several that made as little.
    pub(crate) fn worst(closed: &[Closed], rows: &Rows) -> Self {
        // The trades of each trading day: (day, first trade, the first after it).
        let mut days: Vec<(i64, usize, usize)> = Vec::new();
        for trades in closed.chunk_by(|a, b| a.utc_day == b.utc_day) {
            let first = days.last().map_or(0, |day| day.2);
            days.push((trades[0].utc_day, first, first + trades.len()));
        }
        let (oldest, newest) = (days[0].0, days[days.len() - 1].0);
        let latest = (newest - DAYS + 1).max(oldest);
        // A week holds other trading days than the one before it where one comes in or one goes out.
        let begins = days.iter().flat_map(|day| [day.0 - DAYS + 1, day.0 + 1]).chain([oldest]);
        let mut begins: Vec<i64> = begins.filter(|day| (oldest..=latest).contains(day)).collect();
        begins.sort_unstable();
        begins.dedup();

        let mut sums = vec![0_i128];
        for trade in closed {
            sums.push(sums[sums.len() - 1] + i128::from(trade.step));
        }
        let weeks = begins.into_iter().filter_map(|begin| {
            let from = days.partition_point(|day| day.0 < begin);
            let until = days.partition_point(|day| day.0 < begin + DAYS);
            let within = days[from..until].first().zip(days[from..until].last());
            within.map(|(first, last)| (begin, from..until, first.1..last.2))
        });
        let made = |trades: &Range<usize>| sums[trades.end] - sums[trades.start];
        let (begin, days, trades) =
            weeks.min_by_key(|(.., trades)| made(trades)).expect("the oldest day has trades");
        let sum = made(&trades);
        let range = if rows.days.is_empty() { trades.clone() } else { days };
        Self {
            utc_days: begin..=(begin + DAYS - 1).min(newest),
            first_row: range.start as u32,
            rows: rows.picked(&(range.start as u32..range.end as u32).collect::<Vec<_>>()),
            trades: trades.len() as u32,
            sum: sum.clamp(i64::MIN.into(), i64::MAX.into()) as i64,
        }
    }

    /// The last of its rows in the history.
    pub(crate) fn last_row(&self) -> u32 {
        self.first_row + self.rows.len() - 1
    }

    /// How far the week takes a path down and up on its way, from its open.
    pub(crate) fn extremes(&self) -> (i64, i64) {
        let mut at = 0_i64;
        let mut extremes = (0, 0);
        for step in self.rows.steps() {
            at = at.saturating_add(step);
            extremes = (at.min(extremes.0), at.max(extremes.1));
        }
        extremes
    }
}

impl Rows {
    /// These rows, then the week's, then these again.
    pub(crate) fn around(&self, week: &Rows) -> Self {
        let twice = |own: &[i64], week: &[i64]| [own, week, own].concat();
        if week.days.is_empty() {
            Self { trades: twice(&self.trades, &week.trades), days: Vec::new() }
        } else {
            let days: Vec<Day> = [self.days.as_slice(), &week.days, &self.days].concat();
            Self { trades: self.trades.clone(), days }
        }
    }

    /// These rows twice.
    pub(crate) fn twice(&self) -> Self {
        if self.days.is_empty() {
            Self { trades: self.trades.repeat(2), days: Vec::new() }
        } else {
            Self { trades: self.trades.clone(), days: self.days.repeat(2) }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{ProptestConfig, prop, prop_assert_eq, proptest};

    use super::{Closed, Rows, Week};

    fn week(trades: &[(i64, i64)]) -> (Week, Week) {
        let closed: Vec<Closed> = trades.iter().map(|&(utc_day, step)| Closed { step, utc_day }).collect();
        let of = |rows| Week::worst(&closed, &rows);
        (of(Rows::by_trade(&closed)), of(Rows::by_day(&closed)))
    }

    #[test]
    fn by_hand() {
        // Days 3 to 9 hold −4 and −5; +2 on the day after comes too late, as does +3 on the day before.
        let trades = [(1, 9), (2, 3), (3, 4), (3, -8), (9, -5), (10, 2), (20, -8)];
        let (by_trade, by_day) = week(&trades);
        assert_eq!((by_trade.utc_days.clone(), by_trade.sum, by_trade.trades), (3..=9, -9, 3));
        assert_eq!((by_trade.first_row, by_trade.rows.trades.as_slice()), (2, [4, -8, -5].as_slice()));
        assert_eq!((by_day.utc_days.clone(), by_day.sum, by_day.trades), (3..=9, -9, 3));
        assert_eq!((by_day.first_row, by_day.rows.steps()), (2, vec![-4, -5]));
        assert_eq!(by_trade.extremes(), (-9, 4));
        assert_eq!(by_day.extremes(), (-9, 0));
    }

    #[test]
    fn a_history_of_less_than_a_week_is_its_worst() {
        let (week, _) = week(&[(5, -3), (5, 4), (8, 6)]);
        assert_eq!((week.utc_days, week.sum, week.trades), (5..=8, 7, 3));
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn no_seven_days_made_less(steps in prop::collection::vec((0_i64..9, -50_i64..50), 1..40)) {
            let mut day = 0;
            let trades: Vec<(i64, i64)> = steps.into_iter().map(|(gap, step)| {
                day += gap;
                (day, step)
            }).collect();
            let (oldest, newest) = (trades[0].0, day);
            let made = |begin: i64| {
                let within = trades.iter().filter(|trade| (begin..begin + 7).contains(&trade.0));
                (within.clone().count() > 0).then(|| within.map(|trade| trade.1).sum::<i64>())
            };
            let least = (oldest..=(newest - 6).max(oldest)).filter_map(made).min();
            let (week, _) = week(&trades);
            prop_assert_eq!(Some(week.sum), least);
            prop_assert_eq!(made(*week.utc_days.start()), least);
            prop_assert_eq!(week.rows.trades.iter().sum::<i64>(), week.sum);
        }
    }
}
