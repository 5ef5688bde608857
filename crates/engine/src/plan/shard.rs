//! How a plan's paths are cut.

use std::ops::Range;

use super::{Plan, REPLICATE_PATHS};

/// The most shards of one plan, however small they are asked to be.
const MAX_SHARDS: u64 = 65_536;

/// A run of path ids, `first_path .. first_path + paths`. The ids of the result's paths come first; those on weighted
/// histories follow, 512 each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shard {
    /// Id of the first path.
    pub first_path: u64,
    /// How many.
    pub paths: u64,
}

impl Plan {
    /// Cuts the paths into shards of about `path_steps` each (at least one path, or one weighted history; at most 65,536
    /// shards and as many as there are weighted histories); every path is in exactly one. With a tolerance these are the
    /// most that it may take; [`Self::next_stage`] says which of them are needed.
    pub fn shards(&self, path_steps: u64) -> Vec<Shard> {
        let mut shards = self.own_shards(0..self.paths, path_steps);
        shards.extend(self.history_shards(self.histories, path_steps));
        shards
    }

    /// The shards of some of the result's own paths.
    pub(super) fn own_shards(&self, paths: Range<u64>, path_steps: u64) -> Vec<Shard> {
        cut(paths, self.shard_paths(path_steps)).collect()
    }

    /// The shards of the first `histories` weighted histories.
    pub(super) fn history_shards(&self, histories: u32, path_steps: u64) -> Vec<Shard> {
        let whole_histories = (self.shard_paths(path_steps) / REPLICATE_PATHS).max(1) * REPLICATE_PATHS;
        let end = self.paths + u64::from(histories) * REPLICATE_PATHS;
        cut(self.paths..end, whole_histories).collect()
    }

    fn shard_paths(&self, path_steps: u64) -> u64 {
        (path_steps / u64::from(self.steps())).max(self.paths.div_ceil(MAX_SHARDS)).max(1)
    }

    /// Whether a shard holds some of this plan's paths, and weighted histories whole or not at all.
    pub fn has(&self, shard: Shard) -> bool {
        let Some(end) = shard.first_path.checked_add(shard.paths) else { return false };
        let is_cut = |at: u64| at <= self.paths || (at - self.paths).is_multiple_of(REPLICATE_PATHS);
        shard.paths > 0 && end <= self.paths_in_all() && is_cut(shard.first_path) && is_cut(end)
    }

    /// The weighted histories in one of this plan's shards.
    pub(crate) fn replicates_of(&self, shard: Shard) -> Range<u32> {
        let index = |at: u64| (at.saturating_sub(self.paths) / REPLICATE_PATHS) as u32;
        index(shard.first_path)..index(shard.first_path.saturating_add(shard.paths))
    }
}

fn cut(paths: Range<u64>, size: u64) -> impl Iterator<Item = Shard> {
    (0..(paths.end - paths.start).div_ceil(size)).map(move |index| {
        let first_path = paths.start + index * size;
        Shard { first_path, paths: size.min(paths.end - first_path) }
    })
}
