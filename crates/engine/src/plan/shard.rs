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
    /// shards and as many as there are weighted histories); every path is in exactly one.
    pub fn shards(&self, path_steps: u64) -> Vec<Shard> {
        let size = (path_steps / u64::from(self.steps())).max(self.paths.div_ceil(MAX_SHARDS)).max(1);
        let whole_histories = (size / REPLICATE_PATHS).max(1) * REPLICATE_PATHS;
        let (own, all) = (0..self.paths, self.paths..self.paths_in_all());
        cut(own, size).chain(cut(all, whole_histories)).collect()
    }
}

fn cut(paths: Range<u64>, size: u64) -> impl Iterator<Item = Shard> {
    (0..(paths.end - paths.start).div_ceil(size)).map(move |index| {
        let first_path = paths.start + index * size;
        Shard { first_path, paths: size.min(paths.end - first_path) }
    })
}
