//! What a lane holds, and choices without a branch.

use crate::random::{Streams, Words};

/// Paths side by side.
pub(crate) const LANES: usize = 32;

/// One number for each lane.
pub(crate) type Numbers = [i32; LANES];

/// No event yet. Others are `step · EVENTS` and one of the three below, so that the first is the least.
pub(super) const NO_EVENT: u32 = u32::MAX;
/// Kinds of events, and one more: a power of two.
pub(super) const EVENTS: u32 = 4;
/// The total-drawdown rule broke the account; or a day did, and it is not known yet by which rule.
pub(super) const BROKE: u32 = 0;
/// The daily-loss rule broke it.
pub(super) const LOST_DAY: u32 = 1;
/// It passed.
pub(super) const PASSED: u32 = 2;

/// All ones or all zeros: a choice without a branch.
#[inline(always)]
pub(crate) fn mask(is_so: bool) -> u32 {
    u32::from(is_so).wrapping_neg()
}

/// What lies so that no vector of it crosses the border of two cache lines.
#[derive(Clone, Debug)]
#[repr(align(64))]
pub(super) struct Aligned<T>(pub(super) T);

/// [`LANES`] accounts on their way; aligned, so that no vector of them lies across two cache lines.
#[derive(Clone, Debug)]
#[repr(align(64))]
pub(super) struct Lanes {
    pub(super) streams: Streams,
    /// The row that comes next.
    pub(super) rows: Words,
    pub(super) x: Numbers,
    pub(super) peak: Numbers,
    /// The highest day's close, where rows are days.
    pub(super) day_peak: Numbers,
    /// The greatest distance of a close below its peak.
    pub(super) depth: Numbers,
    /// What ended the path, and when.
    pub(super) event: Words,
    /// Which path it is, counted from the batch's first.
    pub(super) path: Words,
}

/// One lane's share of [`Lanes`].
#[derive(Clone, Copy, Debug)]
pub(super) struct LanePath {
    stream: [u32; 4],
    row: u32,
    pub(super) x: i32,
    pub(super) peak: i32,
    pub(super) day_peak: i32,
    pub(super) depth: i32,
    pub(super) event: u32,
    pub(super) path: u32,
}

impl LanePath {
    /// The step of its event.
    #[inline(always)]
    pub(super) fn step(&self) -> u32 {
        self.event / EVENTS
    }
}

impl Lanes {
    /// What a lane holds.
    #[inline(always)]
    pub(super) fn lift(&self, lane: usize) -> LanePath {
        LanePath {
            stream: self.streams.lift(lane),
            row: self.rows[lane],
            x: self.x[lane],
            peak: self.peak[lane],
            day_peak: self.day_peak[lane],
            depth: self.depth[lane],
            event: self.event[lane],
            path: self.path[lane],
        }
    }

    /// Puts a path into a lane.
    #[inline(always)]
    pub(super) fn put(&mut self, lane: usize, path: &LanePath) {
        self.streams.put(lane, path.stream);
        self.rows[lane] = path.row;
        self.x[lane] = path.x;
        self.peak[lane] = path.peak;
        self.day_peak[lane] = path.day_peak;
        self.depth[lane] = path.depth;
        self.event[lane] = path.event;
        self.path[lane] = path.path;
    }
}
