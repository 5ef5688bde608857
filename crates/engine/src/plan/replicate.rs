//! The plan on a history weighted anew.

use super::Plan;
use crate::kernel::LANES;
use crate::models::{Iid, MAX_RANGE, Process, Reweighting, Stationary};
use crate::random::Stream;
use crate::tally::Layout;

/// Paths on each weighted history; it decides results, so it is not the lanes' own number, but a multiple of it.
pub(crate) const REPLICATE_PATHS: u64 = 512;
const _: () = assert!(REPLICATE_PATHS.is_multiple_of(LANES as u64), "no path is left over for one by one");

/// Streams of the weights, apart from all paths'.
const WEIGHT_STREAMS: u64 = 1 << 56;

/// Streams of the paths on weighted histories, apart from the history's own.
const PATH_STREAMS: u64 = 1 << 48;

/// Weighted histories unless the caller says how many: with fewer, the ends of a 95 % interval would hang on a handful of
/// them; more than the larger number would cost more than the paths themselves.
pub(super) fn default_count(paths: u64) -> u32 {
    (paths / 2_048).clamp(200, 400) as u32
}

impl Plan {
    /// The same request on the `index`-th weighted history: other rows, of the same kind and from the same start.
    pub(crate) fn replicate(&self, index: u32) -> Self {
        let reweighting = Reweighting::new(self.rows.len(), self.block_length);
        let order = reweighting.draw(&mut Stream::of_path(self.seed, WEIGHT_STREAMS + u64::from(index)));
        let count = order.len() as u32;
        let process = match self.process {
            Process::Iid(_) => Process::Iid(Iid::new(count)),
            Process::Stationary(_) => {
                let length = reweighting.length_within(self.block_length, order.len());
                Process::Stationary(Stationary::new(count, length.min(MAX_RANGE / f64::from(count))))
            }
        };
        let rows = self.rows.picked(&order);
        let layout = Layout::of_replicate(self.horizon.steps, &rows.steps(), self.block_length, self.start.x);
        Self { process, rows, layout, ..self.clone() }
    }

    /// The id of the first path on the `index`-th weighted history.
    pub(crate) fn first_path_of_replicate(index: u32) -> u64 {
        PATH_STREAMS + u64::from(index) * REPLICATE_PATHS
    }

    /// Weights that a weighted history draws.
    pub(crate) fn weights(&self) -> u32 {
        self.rows.len().div_ceil(self.rows_per_weight())
    }

    /// Rows that share a weight in a weighted history.
    pub(crate) fn rows_per_weight(&self) -> u32 {
        Reweighting::new(self.rows.len(), self.block_length).block
    }
}
