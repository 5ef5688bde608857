//! What the fan's stops of a round see of one group of lanes.

use super::lane::{LANES, Numbers};
use super::rounds::ROUND;
use crate::tally::Bins;

/// The bins of a group's lanes at one stop.
pub(super) type Seen = [u16; LANES];

/// The stops of a round: each one's step and bins, and where the bins that its lanes are in are noted.
pub(super) struct Stops<'s> {
    /// The steps.
    steps: &'s [u32],
    bins: &'s [Bins; ROUND],
    /// The groups' bins: a row of `chunks` groups a stop.
    seen: &'s mut [Seen],
    chunks: usize,
    /// Stops seen so far.
    at: usize,
}

impl<'s> Stops<'s> {
    /// The stops at `steps`, at most [`ROUND`] of them, in the order of their `bins`; the group's own place is the first of
    /// each row of `seen`.
    #[inline(always)]
    pub(super) fn new(
        steps: &'s [u32],
        bins: &'s [Bins; ROUND],
        seen: &'s mut [Seen],
        chunks: usize,
    ) -> Self {
        Self { steps, bins, seen, chunks, at: 0 }
    }

    /// Notes the states `x` after `step`, where a stop is there; steps come in their order.
    #[inline(always)]
    pub(super) fn see(&mut self, step: u32, x: &Numbers) {
        if self.steps.get(self.at) == Some(&step) {
            self.seen[self.at * self.chunks] = self.bins[self.at & (ROUND - 1)].index_each(x);
            self.at += 1;
        }
    }
}
