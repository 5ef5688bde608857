//! How fast calls may go out: so many a second, evenly, and a tenth of a second's worth at once.
//!
//! GCRA, the virtual-scheduling form (ITU-T I.371): calls have places on a line of time, `1 / rate` apart. Who asks is
//! told how long to wait for the next free place and has it; a place too far off is not taken.

use std::num::NonZeroU32;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use async_trait::async_trait;

/// Gives each call its place.
#[async_trait]
pub trait Pace: Send + Sync + 'static {
    /// How long to wait for one's turn, which is then taken; `None` where that is longer than `wait_max`.
    async fn turn(&self, wait_max: Duration) -> Option<Duration>;
}

/// So many calls a second.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate(pub NonZeroU32);

impl Rate {
    /// Between two places.
    pub fn interval(self) -> Duration {
        Duration::from_secs(1) / self.0.get()
    }

    /// How far calls may run ahead of their places: what is not used for a while may go at once.
    pub fn slack(self) -> Duration {
        self.interval() * (self.burst() - 1)
    }

    /// Calls that may go at once; in any second at most the rate and these.
    pub fn burst(self) -> u32 {
        (self.0.get() / 10).max(1)
    }
}

/// The pace of this process alone.
#[derive(Debug)]
pub struct LocalPace {
    rate: Rate,
    next_place: Mutex<Option<Instant>>,
}

impl LocalPace {
    /// Nothing has gone out yet.
    pub fn new(rate: Rate) -> Self {
        Self { rate, next_place: Mutex::default() }
    }

    /// [`Pace::turn`], at `now`.
    pub fn turn_at(&self, now: Instant, wait_max: Duration) -> Option<Duration> {
        let mut next_place = self.next_place.lock().unwrap_or_else(PoisonError::into_inner);
        let place = next_place.map_or(now, |place| place.max(now));
        let wait = place.saturating_duration_since(now + self.rate.slack());
        if wait > wait_max {
            return None;
        }
        *next_place = Some(place + self.rate.interval());
        Some(wait)
    }
}

#[async_trait]
impl Pace for LocalPace {
    async fn turn(&self, wait_max: Duration) -> Option<Duration> {
        self.turn_at(Instant::now(), wait_max)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn pace(rate: u32) -> LocalPace {
        LocalPace::new(Rate(NonZeroU32::new(rate).expect("not zero")))
    }

    #[test]
    fn a_tenth_of_a_second_goes_at_once_and_the_rest_evenly() {
        let (pace, now) = (pace(20), Instant::now());
        let waits: Vec<_> =
            (0..5).map(|_| pace.turn_at(now, Duration::MAX).expect("no limit").as_millis()).collect();
        assert_eq!(waits, [0, 0, 50, 100, 150]);
    }

    #[test]
    fn a_turn_too_far_off_is_not_taken() {
        let (pace, now) = (pace(1), Instant::now());
        let wait_max = Duration::from_secs(1);
        assert_eq!(pace.turn_at(now, wait_max), Some(Duration::ZERO));
        assert_eq!(pace.turn_at(now, wait_max), Some(Duration::from_secs(1)));
        assert_eq!(pace.turn_at(now, wait_max), None);
        assert_eq!(pace.turn_at(now + Duration::from_secs(1), wait_max), Some(Duration::from_secs(1)));
    }

    proptest! {
        #[test]
        fn no_second_holds_more_than_the_rate_and_the_burst(
            rate in 1..500u32,
            gaps_ms in prop::collection::vec(0..400u64, 1..300),
        ) {
            let (pace, mut now) = (pace(rate), Instant::now());
            let mut gone = Vec::new();
            for gap in gaps_ms {
                now += Duration::from_millis(gap);
                gone.push(now + pace.turn_at(now, Duration::MAX).expect("no limit"));
            }
            for (at, first) in gone.iter().enumerate() {
                let within = gone[at..].iter().filter(|then| **then < *first + Duration::from_secs(1)).count();
                // Intervals are whole nanoseconds, so a second may hold one more of them.
                prop_assert!(within as u32 <= rate + pace.rate.burst() + 1, "{within} of {rate}");
            }
        }
    }
}
