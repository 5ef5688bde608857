//! How large a shard is, by how quickly others came back. Pure.

use std::time::Duration;

/// What a shard should take: long beside the way there and back (some milliseconds), short beside what is lost with a
/// replica.
const TARGET: Duration = Duration::from_secs(2);
/// Below this a shard is not cut further to keep more replicas busy.
const LEAST: Duration = Duration::from_millis(500);
/// What each call takes beside its paths: the way, the plan, the weights.
const OVERHEAD_S: f64 = 0.02;
/// What a core does in a second, about: only a unit, which cancels where two shards are compared.
const CORE_RATE: f64 = 200e6;
/// A rate is believed within these: beyond them it is a clock's fault, or an answer's that was kept.
const RATE_MIN: f64 = 10e6;
const RATE_MAX: f64 = 20e9;
/// The weight of the newest measurement.
const NEWEST: f64 = 0.2;

/// The path-steps that one call does in a second, as measured of late.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rate(f64);

impl Rate {
    /// What is assumed before anything is measured, path-steps a second.
    pub(super) fn assumed(rate: f64) -> Self {
        Self(rate)
    }

    /// A shard of so many path-steps took `took`.
    pub(super) fn measured(&mut self, path_steps: u64, took: Duration) {
        let seconds = (took.as_secs_f64() - OVERHEAD_S).max(took.as_secs_f64() / 10.0).max(1e-6);
        let rate = (path_steps as f64 / seconds).clamp(RATE_MIN, RATE_MAX);
        self.0 = self.0 * (1.0 - NEWEST) + rate * NEWEST;
    }

    /// The path-steps of a shard of a job of `path_steps` in all: [`TARGET`] of work, less where that left replicas idle,
    /// but not below [`LEAST`].
    pub(super) fn shard_path_steps(self, path_steps: u64, replicas: u32) -> u64 {
        let worth = |time: Duration| self.0 * time.as_secs_f64();
        let a_share = path_steps as f64 / f64::from(replicas.max(1));
        a_share.clamp(worth(LEAST), worth(TARGET)).ceil() as u64
    }
}

/// How many times as long as on one core a shard took.
pub(super) fn slowness(path_steps: u64, took: Duration) -> f64 {
    took.as_secs_f64() / (OVERHEAD_S + path_steps as f64 / CORE_RATE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_large_job_is_cut_into_shards_of_the_target_and_a_small_one_is_shared_out() {
        let rate = Rate::assumed(200e6);
        assert_eq!(rate.shard_path_steps(100_000_000_000, 4), 400_000_000);
        assert_eq!(rate.shard_path_steps(1_000_000_000, 4), 250_000_000);
        assert_eq!(rate.shard_path_steps(10_000_000, 4), 100_000_000, "half a second is not worth sharing");
        assert_eq!(rate.shard_path_steps(100_000_000_000, 0), 400_000_000);
    }

    #[test]
    fn it_follows_what_is_measured_within_reason() {
        let mut rate = Rate::assumed(200e6);
        for _ in 0..60 {
            rate.measured(400_000_000, Duration::from_secs(8));
        }
        let slow = rate.shard_path_steps(u64::MAX, 1);
        assert!((99_000_000..102_000_000).contains(&slow), "{slow}");
        for _ in 0..100 {
            rate.measured(u64::MAX, Duration::ZERO);
        }
        assert!(rate.shard_path_steps(u64::MAX, 1) <= (RATE_MAX * TARGET.as_secs_f64()) as u64);
        for _ in 0..100 {
            rate.measured(1, Duration::from_secs(100));
        }
        let least = rate.shard_path_steps(u64::MAX, 1) as f64;
        assert!((least / (RATE_MIN * TARGET.as_secs_f64()) - 1.0).abs() < 0.01, "{least}");
    }
}
