//! What the paths of a shard add up to: integers only, so merging commutes.

/// Counts, histograms and sums of the paths simulated so far.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tally {}

impl Tally {
    /// Adds another shard's tally of the same plan; any order gives the same bits.
    pub fn merge(&mut self, _other: &Self) {}
}
