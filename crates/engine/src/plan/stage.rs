//! What is simulated one after the other, each stage by what the stages before it found.

use std::borrow::Cow;

use super::{Plan, Shard, caveats};
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
    /// second for them. One with a tolerance has a stage for each look and one for all else. Path ids rise from stage to stage: all below a stage's first are
    /// done, or will never be needed, so a caller that counts paths done may go on from there. At the end all
    /// [`Self::paths_in_all`] are.
    pub fn next_stage(&self, merged: Option<&Tally>, path_steps: u64) -> Vec<Shard> {
        let Some(merged) = merged else {
            return match &self.looks {
                None => self.shards(path_steps),
                Some(_) => self.own_shards(0..self.look_after(0), path_steps),
            };
        };
        let done = merged.paths();
        if let Some(next) = self.next_look(merged) {
            return self.own_shards(done..next, path_steps);
        }
        let mut shards = Vec::new();
        if merged.histories.len() == 0 {
            shards.extend(self.history_shards(self.histories_beside(done), path_steps));
        }
        if merged.rare.each().is_empty() {
            shards.extend(self.repetition_shards(self.repetitions_beside(merged), path_steps));
        }
        shards
    }

    /// The plan as it would be with `paths` paths asked for: what the result says of it, where a tolerance ended there. Path
    /// ids stay as they are.
    pub(crate) fn settled(&self, paths: u64) -> Cow<'_, Self> {
        let histories = self.histories_beside(paths);
        if histories == self.histories {
            return Cow::Borrowed(self);
        }
        let mut settled = Self { histories, ..self.clone() };
        let (planned, told) = (caveats::two_errors(self), caveats::two_errors(&settled));
        settled
            .assumptions
            .iter_mut()
            .filter(|said| **said == planned)
            .for_each(|said| said.clone_from(&told));
        Cow::Owned(settled)
    }

    /// Weighted histories beside `paths` paths.
    fn histories_beside(&self, paths: u64) -> u32 {
        self.looks.as_ref().map_or(self.histories, |looks| looks.histories(paths))
    }
}
