//! How a plan's paths are cut.

use super::Plan;

/// The most shards of one plan, however small they are asked to be.
const MAX_SHARDS: u64 = 65_536;

/// A run of path ids, `first_path .. first_path + paths`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shard {
    /// Id of the first path.
    pub first_path: u64,
    /// How many.
    pub paths: u64,
}

impl Plan {
    /// Cuts the paths into shards of about `path_steps` each (at least one path, at most 65,536 shards); every path is
    /// in exactly one.
    pub fn shards(&self, path_steps: u64) -> Vec<Shard> {
        let size = (path_steps / u64::from(self.steps())).max(self.paths.div_ceil(MAX_SHARDS)).max(1);
        (0..self.paths.div_ceil(size))
            .map(|index| {
                let first_path = index * size;
                Shard { first_path, paths: size.min(self.paths - first_path) }
            })
            .collect()
    }
}
