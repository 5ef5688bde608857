//! When a shard under way is sent once more, elsewhere, by how long the others took. Pure.

use std::time::Duration;

/// A shard that flies so many times as long as half of the others did is sent once more, elsewhere.
pub(super) const HEDGE_FACTOR: u32 = 3;
/// Never sooner: what is over in a moment is not worth a second call.
pub(super) const HEDGE_MIN: Duration = Duration::from_secs(1);
/// Never later: no shard is cut to take longer.
pub(super) const HEDGE_MAX: Duration = Duration::from_secs(30);
/// So many shards must be done before their median says anything.
pub(super) const HEDGE_SAMPLE: usize = 3;
/// The durations that the median is of: the latest.
const DURATIONS_MAX: usize = 63;

/// How long the latest shards took that were answered.
#[derive(Debug)]
pub(super) struct Durations {
    took: Vec<Duration>,
    hedge_min: Duration,
}

impl Durations {
    pub(super) fn new(hedge_min: Duration) -> Self {
        Self { took: Vec::new(), hedge_min }
    }

    pub(super) fn add(&mut self, took: Duration) {
        if self.took.len() == DURATIONS_MAX {
            self.took.remove(0);
        }
        self.took.push(took);
    }

    /// How long a call may fly alone.
    pub(super) fn hedge_after(&self) -> Duration {
        if self.took.len() < HEDGE_SAMPLE {
            return HEDGE_MAX;
        }
        let mut sorted = self.took.clone();
        sorted.sort_unstable();
        (sorted[sorted.len() / 2] * HEDGE_FACTOR).clamp(self.hedge_min.min(HEDGE_MAX), HEDGE_MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_three_times_the_median_of_the_latest_within_reason() {
        let mut durations = Durations::new(HEDGE_MIN);
        let after = |durations: &mut Durations, took_ms, count| {
            (0..count).for_each(|_| durations.add(Duration::from_millis(took_ms)));
            durations.hedge_after()
        };
        assert_eq!(after(&mut durations, 2_000, 2), HEDGE_MAX, "too few");
        assert_eq!(after(&mut durations, 9_000, 1), Duration::from_secs(6));
        assert_eq!(after(&mut durations, 10, 32), HEDGE_MIN, "the old ones are outnumbered");
        assert_eq!(after(&mut durations, 100_000, DURATIONS_MAX), HEDGE_MAX);
        assert_eq!(durations.took.len(), DURATIONS_MAX);
    }
}
