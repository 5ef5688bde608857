//! When a breach is rare enough to be looked for by splitting, and how often that is repeated.

use super::Plan;
use crate::Tally;

/// Fewer paths than these are no search for rare events.
const PATHS_MIN: u64 = 100_000;

/// Breaches of a million paths from which on their share is sure enough: a hundred are known to 10 %.
const SEEN_ENOUGH: u64 = 100;
const OF_PATHS: u64 = 1_000_000;

/// Path ids that a repetition takes, for progress: about what its paths are when a breach comes once in 10⁵ paths.
pub(crate) const REPETITION_PATHS: u64 = 8 * crate::rare::PARTICLES as u64;

/// Paths to one repetition: so the paths of all repetitions, at most 21 a particle, are at most a third of the plan's own (two
/// thirds of the fewest), and where a breach comes once in 10⁶ a sixth.
const PATHS_EACH: u64 = 8_192;

/// Repetitions whose spread tells their error: with fewer, intervals would hold the truth less often than they say.
const REPETITIONS_MIN: u64 = 24;

/// More add nothing that a reader would see: a chance of 10⁻⁶ is known to some 3 % with these.
const REPETITIONS_MAX: u64 = 256;

impl Plan {
    /// Repetitions of the splitting beside the paths of `merged`: none where breaches are many enough to be counted, or
    /// nothing can break an account.
    pub(crate) fn repetitions_beside(&self, merged: &Tally) -> u32 {
        let (paths, broken) = (merged.paths(), merged.broken());
        if broken * OF_PATHS >= SEEN_ENOUGH * paths { 0 } else { self.repetitions_with(paths) }
    }

    /// The most repetitions that there may be.
    pub(super) fn most_repetitions(&self) -> u32 {
        self.repetitions_with(self.paths)
    }

    fn repetitions_with(&self, paths: u64) -> u32 {
        let holds_at_start = self.start.x > self.start.floor;
        if paths < PATHS_MIN || !self.has_losing_trade() || !holds_at_start {
            return 0;
        }
        (paths / PATHS_EACH).clamp(REPETITIONS_MIN, REPETITIONS_MAX) as u32
    }
}
