//! The account that a path walks.

use super::Depth;
use crate::rules::Start;

/// What a row's close leaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Close {
    /// The account trades on.
    Holds,
    /// The account is at or below its floor.
    Broken,
    /// The account has lost more than one day may, and no floor that it crossed with it stands higher.
    DayLost,
}

/// Why a path ended before its last step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cause {
    /// The total-drawdown rule.
    Drawdown,
    /// The daily-loss rule.
    DailyLoss,
    /// A balance of 0, where no rule's floor stood higher.
    Ruin,
    /// It passed.
    Pass,
}

/// How a path ended.
#[derive(Clone, Copy, Debug)]
pub(crate) struct End {
    /// Rows done.
    pub(crate) step: u32,
    /// Why, where it was before the last row or at it.
    pub(crate) cause: Option<Cause>,
}

impl End {
    /// Whether the account broke.
    pub(crate) fn broken(&self) -> bool {
        matches!(self.cause, Some(Cause::Drawdown | Cause::DailyLoss | Cause::Ruin))
    }
}

/// A path's state.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Account<D> {
    /// The balance.
    pub(crate) x: i64,
    /// The highest close so far.
    pub(crate) peak: i64,
    /// The highest day's close so far, which an end-of-day floor follows.
    pub(crate) day_peak: i64,
    /// Breached at and below.
    pub(crate) floor: i64,
    /// The greatest drawdown so far.
    pub(crate) depth: D,
}

impl<D: Depth> Account<D> {
    /// At the start of a path; a drawdown that already stands counts.
    pub(crate) fn open(start: Start) -> Self {
        Self {
            x: start.x,
            peak: start.peak,
            day_peak: start.peak,
            floor: start.floor,
            depth: D::at(start.peak, start.x),
        }
    }
}
