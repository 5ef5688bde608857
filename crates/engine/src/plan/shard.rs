//! How a plan's paths are cut.

use std::ops::Range;

use super::{Plan, REPETITION_PATHS, REPLICATE_PATHS};

/// The most shards of one plan, however small they are asked to be.
const MAX_SHARDS: u64 = 65_536;

/// A run of path ids, `first_path .. first_path + paths`. The ids of the result's paths come first; those on weighted
/// histories follow, 512 each; then those of repetitions that look for rare breaches, 1,024 each, whatever paths they walk.
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
    /// most that it may take. [`Self::next_stage`] says which of them are needed, and what else is where breaches are
    /// rare.
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

    /// The shards of the first `repetitions` repetitions that look for rare breaches.
    pub(super) fn repetition_shards(&self, repetitions: u32, path_steps: u64) -> Vec<Shard> {
        let whole_repetitions = (self.shard_paths(path_steps) / REPETITION_PATHS).max(1) * REPETITION_PATHS;
        let first = self.first_path_of_repetitions();
        cut(first..first + u64::from(repetitions) * REPETITION_PATHS, whole_repetitions).collect()
    }

    fn shard_paths(&self, path_steps: u64) -> u64 {
        (path_steps / u64::from(self.steps())).max(self.paths.div_ceil(MAX_SHARDS)).max(1)
    }

    /// Whether a shard holds some of this plan's paths, and weighted histories and repetitions whole or not at all.
    pub fn has(&self, shard: Shard) -> bool {
        let Some(end) = shard.first_path.checked_add(shard.paths) else { return false };
        let (histories, repetitions) = (self.paths, self.first_path_of_repetitions());
        let is_cut = |at: u64| {
            at <= histories
                || at <= repetitions && (at - histories).is_multiple_of(REPLICATE_PATHS)
                || at > repetitions && (at - repetitions).is_multiple_of(REPETITION_PATHS)
        };
        shard.paths > 0 && end <= self.paths_in_all() && is_cut(shard.first_path) && is_cut(end)
    }

    /// The result's own paths in one of this plan's shards.
    pub(crate) fn own_paths_of(&self, shard: Shard) -> Shard {
        let first_path = shard.first_path.min(self.paths);
        Shard { first_path, paths: (shard.first_path + shard.paths).min(self.paths) - first_path }
    }

    /// The weighted histories in one of this plan's shards.
    pub(crate) fn replicates_of(&self, shard: Shard) -> Range<u32> {
        wholes(shard, self.paths..self.first_path_of_repetitions(), REPLICATE_PATHS)
    }

    /// The repetitions that look for rare breaches in one of this plan's shards.
    pub(crate) fn repetitions_of(&self, shard: Shard) -> Range<u32> {
        wholes(shard, self.first_path_of_repetitions()..u64::MAX, REPETITION_PATHS)
    }
}

/// The indices of what takes `size` ids each, from the start of `ids` on.
fn wholes(shard: Shard, ids: Range<u64>, size: u64) -> Range<u32> {
    let index = |at: u64| ((at.clamp(ids.start, ids.end) - ids.start) / size) as u32;
    index(shard.first_path)..index(shard.first_path.saturating_add(shard.paths))
}

fn cut(paths: Range<u64>, size: u64) -> impl Iterator<Item = Shard> {
    (0..(paths.end - paths.start).div_ceil(size)).map(move |index| {
        let first_path = paths.start + index * size;
        Shard { first_path, paths: size.min(paths.end - first_path) }
    })
}
