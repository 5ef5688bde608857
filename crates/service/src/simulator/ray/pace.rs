//! How many shards are in flight at once, for all jobs of this process: more while answers are quick, half as many where
//! Ray pushes back. Pure; the arithmetic is that of congestion windows (additive increase, multiplicative decrease).

use std::time::Instant;

/// The most in flight: each answer may take some megabytes, see `transport::ANSWER_BYTES_MAX`, and there are 512 MiB.
pub(super) const IN_FLIGHT_MAX: usize = 64;
/// For each replica: one that it has in hand, and one that is there when that ends. With fewer, replicas idle while
/// shards travel, and a cluster that grows by its queues never grows.
const IN_FLIGHT_PER_REPLICA: f64 = 2.0;
/// Answers this much slower than the quickest say that shards wait for each other at the other side: two of a replica
/// of one core take twice as long, and so much is meant.
const SLOWNESS_HELD: f64 = 2.5;
/// The quickest is forgotten by so much with each answer: other jobs have other shards, and clusters shrink.
const FORGETTING: f64 = 1.002;

/// The cap, and what it goes by.
#[derive(Clone, Debug)]
pub(super) struct Pace {
    cap: f64,
    /// What the replicas that are known of can have; slow answers alone do not take the cap below it.
    floor: f64,
    /// The least slowness of late.
    best: Option<f64>,
    /// Shards sent before this met a cap that has been cut since.
    cut: Option<Instant>,
}

impl Default for Pace {
    /// As for one replica.
    fn default() -> Self {
        Self { cap: IN_FLIGHT_PER_REPLICA, floor: IN_FLIGHT_PER_REPLICA, best: None, cut: None }
    }
}

impl Pace {
    /// The most shards in flight; at least 1.
    pub(super) fn cap(&self) -> usize {
        (self.cap as usize).clamp(1, IN_FLIGHT_MAX)
    }

    /// So many replicas are there; they may all work at once, unless they have pushed back already.
    pub(super) fn has_replicas(&mut self, replicas: u32) {
        self.floor = (f64::from(replicas) * IN_FLIGHT_PER_REPLICA).clamp(1.0, IN_FLIGHT_MAX as f64);
        if self.cut.is_none() {
            self.cap = self.cap.max(self.floor);
        }
    }

    /// An answer took `slowness` times what such a shard should take; `was_full` where the cap kept others waiting. A
    /// cap that nobody reaches says nothing, and does not grow.
    pub(super) fn answered(&mut self, slowness: f64, was_full: bool) {
        let best = self.best.map_or(slowness, |best| (best * FORGETTING).min(slowness));
        self.best = Some(best);
        let is_held = slowness <= best * SLOWNESS_HELD;
        if was_full && (is_held || self.cap < self.floor) {
            self.cap = (self.cap + 1.0 / self.cap).min(IN_FLIGHT_MAX as f64);
        } else if !is_held && self.cap > self.floor {
            self.cap = (self.cap - 1.0 / self.cap).max(self.floor);
        }
    }

    /// A shard that was sent at `sent` met a 429, a 503 or silence. What was under way when the cap was cut does not cut
    /// it again.
    pub(super) fn pushed_back(&mut self, sent: Instant, now: Instant) {
        if self.cut.is_none_or(|cut| sent >= cut) {
            self.cap = (self.cap / 2.0).max(1.0);
            self.cut = Some(now);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proptest::prelude::*;

    use super::*;

    fn quick(pace: &mut Pace, answers: usize) {
        for _ in 0..answers {
            pace.answered(1.0, true);
        }
    }

    #[test]
    fn it_grows_by_one_with_each_round_of_quick_answers() {
        let mut pace = Pace::default();
        assert_eq!(pace.cap(), 2);
        quick(&mut pace, 3);
        assert_eq!(pace.cap(), 3);
        quick(&mut pace, 4);
        assert_eq!(pace.cap(), 4);
        quick(&mut pace, 10_000);
        assert_eq!(pace.cap(), IN_FLIGHT_MAX);
    }

    #[test]
    fn a_cap_that_nobody_reaches_stays_and_one_that_makes_answers_slow_shrinks_to_what_replicas_can_have() {
        let mut pace = Pace::default();
        for _ in 0..100 {
            pace.answered(1.0, false);
        }
        assert_eq!(pace.cap(), 2);
        quick(&mut pace, 200);
        let before = pace.cap();
        for _ in 0..before * 2 {
            pace.answered(3.0, true);
        }
        assert!(pace.cap() < before, "{} of {before}", pace.cap());
        let shrunk = pace.cap();
        for _ in 0..100 {
            pace.answered(2.4, true);
        }
        assert!(pace.cap() > shrunk, "latency that holds is no reason to shrink");
        pace.has_replicas(3);
        for _ in 0..600 {
            pace.answered(100.0, true);
        }
        assert_eq!(pace.cap(), 6, "a noisy machine is no reason to leave replicas idle");
    }

    #[test]
    fn a_push_back_halves_it_once_a_round() {
        let (mut pace, begin) = (Pace::default(), Instant::now());
        quick(&mut pace, 60);
        let before = pace.cap();
        let later = begin + Duration::from_secs(1);
        for _ in 0..before {
            pace.pushed_back(begin, later);
        }
        assert_eq!(pace.cap(), before / 2);
        pace.pushed_back(later, later);
        assert_eq!(pace.cap(), before / 4);
        for _ in 0..50 {
            pace.pushed_back(later, later);
        }
        assert_eq!(pace.cap(), 1);
        pace.answered(100.0, true);
        assert_eq!(pace.cap(), 2, "it finds back to what the replicas can have");
    }

    #[test]
    fn replicas_raise_it_until_they_push_back() {
        let mut pace = Pace::default();
        pace.has_replicas(12);
        assert_eq!(pace.cap(), 24);
        pace.has_replicas(3);
        assert_eq!(pace.cap(), 24);
        pace.has_replicas(5_000);
        assert_eq!(pace.cap(), IN_FLIGHT_MAX);
        let now = Instant::now();
        pace.pushed_back(now, now);
        pace.has_replicas(5_000);
        assert_eq!(pace.cap(), IN_FLIGHT_MAX / 2);
    }

    proptest! {
        #[test]
        fn it_stays_within_its_bounds(events in prop::collection::vec((0..4_u8, 0.01..1e6_f64), 0..500)) {
            let (mut pace, mut now) = (Pace::default(), Instant::now());
            for (event, number) in events {
                match event {
                    0 => pace.pushed_back(now, now),
                    1 => pace.has_replicas(number as u32),
                    _ => pace.answered(number, event == 2),
                }
                now += Duration::from_millis(1);
                prop_assert!((1..=IN_FLIGHT_MAX).contains(&pace.cap()));
            }
        }
    }
}
