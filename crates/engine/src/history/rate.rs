//! How often the account traded, and so how many rows a horizon holds.

use super::rebuild::Closed;
use crate::Level;

/// The trader's rate, from the first to the last closing trade, both days included.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Rate {
    trades: u64,
    active_days: u64,
    span_days: u64,
}

impl Rate {
    /// Of trades that are in order and not empty.
    pub(crate) fn of(closed: &[Closed]) -> Self {
        let (first, last) = (closed[0].utc_day, closed[closed.len() - 1].utc_day);
        Self {
            trades: closed.len() as u64,
            active_days: closed.chunk_by(|a, b| a.utc_day == b.utc_day).count() as u64,
            span_days: last.abs_diff(first) + 1,
        }
    }

    /// Closing trades a calendar day.
    pub(crate) fn trades_per_day(&self) -> f64 {
        self.trades as f64 / self.span_days as f64
    }

    /// Trading days a calendar day.
    pub(crate) fn active_share(&self) -> f64 {
        self.active_days as f64 / self.span_days as f64
    }

    /// Rows in `days` calendar days: trades or trading days, to the nearest, at least one.
    pub(crate) fn steps(&self, level: Level, days: u32) -> u64 {
        rounded(u64::from(days) * self.rows(level), self.span_days)
    }

    /// Whether `days` calendar days hold no more than one row on average.
    pub(crate) fn at_most_one_row(&self, level: Level, days: u32) -> bool {
        u64::from(days) * self.rows(level) <= self.span_days
    }

    fn rows(&self, level: Level) -> u64 {
        match level {
            Level::Trade => self.trades,
            Level::Day => self.active_days,
        }
    }
}

/// `numerator / denominator` to the nearest integer, halves up, at least 1.
fn rounded(numerator: u64, denominator: u64) -> u64 {
    ((2 * numerator + denominator) / (2 * denominator)).max(1)
}
