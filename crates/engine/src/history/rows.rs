//! The table that paths draw from: closing trades, or days made of them.

use super::rebuild::Closed;

/// One trading day; heights and depths are measured from the day's open, at its closes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Day {
    /// From open to close.
    pub(crate) step: i64,
    /// The lowest close.
    pub(crate) low: i64,
    /// The highest close.
    pub(crate) high: i64,
    /// The greatest fall from a point within the day (its open included) to a later one; 0 where none.
    pub(crate) fall: i64,
    /// Index of its first trade.
    pub(crate) first: u32,
    /// How many trades.
    pub(crate) trades: u32,
}

/// The rows of a history, oldest first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Rows {
    /// The step of each trade.
    pub(crate) trades: Vec<i64>,
    /// The days that the trades make; empty where rows are trades.
    pub(crate) days: Vec<Day>,
}

impl Rows {
    /// One row a trade.
    pub(crate) fn by_trade(closed: &[Closed]) -> Self {
        Self { trades: closed.iter().map(|trade| trade.step).collect(), days: Vec::new() }
    }

    /// One row a UTC day.
    pub(crate) fn by_day(closed: &[Closed]) -> Self {
        let mut first = 0;
        let days = closed.chunk_by(|a, b| a.utc_day == b.utc_day).map(|trades| {
            let day = day(first, trades);
            first += day.trades;
            day
        });
        Self { days: days.collect(), ..Self::by_trade(closed) }
    }

    /// How many.
    pub(crate) fn len(&self) -> u32 {
        if self.days.is_empty() { self.trades.len() as u32 } else { self.days.len() as u32 }
    }

    /// These rows, by index, in this order.
    pub(crate) fn picked(&self, order: &[u32]) -> Self {
        if self.days.is_empty() {
            Self { trades: order.iter().map(|&row| self.trades[row as usize]).collect(), days: Vec::new() }
        } else {
            let days = order.iter().map(|&row| self.days[row as usize]).collect();
            Self { trades: self.trades.clone(), days }
        }
    }

    /// The step of each row.
    pub(crate) fn steps(&self) -> Vec<i64> {
        if self.days.is_empty() {
            self.trades.clone()
        } else {
            self.days.iter().map(|day| day.step).collect()
        }
    }

    /// The farthest that one row moves a path, ruin apart.
    pub(crate) fn farthest(&self) -> i64 {
        if self.days.is_empty() {
            farthest(self.trades.iter().copied())
        } else {
            farthest(self.days.iter().flat_map(|day| [day.step, day.low, day.high, -day.fall]))
        }
    }
}

fn farthest(moves: impl Iterator<Item = i64>) -> i64 {
    moves.filter(|&step| step > crate::scale::RUIN_LINE).map(i64::abs).max().unwrap_or(0)
}

/// A day stops at a trade that ruins the account, so that sums of steps stay bounded.
fn day(first: u32, trades: &[Closed]) -> Day {
    let mut day = Day { step: 0, low: i64::MAX, high: i64::MIN, fall: 0, first, trades: trades.len() as u32 };
    let mut top = 0;
    for trade in trades {
        day.step += trade.step;
        day.low = day.low.min(day.step);
        day.high = day.high.max(day.step);
        top = top.max(day.step);
        day.fall = day.fall.max(top - day.step);
        if trade.step == crate::scale::RUIN_STEP {
            break;
        }
    }
    day
}

#[cfg(test)]
mod tests {
    use super::{Closed, Day, Rows};

    #[test]
    fn days_keep_their_extremes_and_their_deepest_fall() {
        let closed: Vec<Closed> = [(1, 5), (1, -9), (1, 6), (1, 1), (3, -2), (3, -1)]
            .map(|(utc_day, step)| Closed { step, utc_day })
            .into();
        let rows = Rows::by_day(&closed);
        assert_eq!(
            rows.days,
            [
                Day { step: 3, low: -4, high: 5, fall: 9, first: 0, trades: 4 },
                Day { step: -3, low: -3, high: -2, fall: 3, first: 4, trades: 2 },
            ]
        );
        assert_eq!(rows.trades.len(), 6);
    }
}
