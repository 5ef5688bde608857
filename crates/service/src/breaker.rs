//! The breaker: leaves a neighbour alone that fails all the time. A pure state machine; time comes in.
//!
//! ```text
//!         so many failures in a row            the pause is over
//!  Closed ───────────────────────▶ Open ◀────────────────────────▶ HalfOpen
//!    ▲                                   the probe failed, or         │
//!    └──────────────────────────────────────────────────────────────┘
//!                              the probe was answered
//! ```

use std::time::{Duration, Instant};

/// The first pause; doubles with each probe that fails.
const PAUSE_BASE: Duration = Duration::from_secs(1);
/// The longest: a neighbour that is back is noticed within it.
const PAUSE_MAX: Duration = Duration::from_secs(15);
/// A probe that has not reported by then was dropped with its caller; another may go.
const PROBE_MAX: Duration = Duration::from_secs(15);

/// Whether calls go out.
#[derive(Debug)]
pub(crate) struct Breaker {
    /// Failed tries in a row that open it; at least 1.
    failures_max: u32,
    state: State,
}

#[derive(Debug)]
enum State {
    Closed { failures: u32 },
    Open { until: Instant, pause: Duration },
    HalfOpen { since: Instant, pause: Duration },
}

/// Leave to try once; to be handed back with what came of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Leave {
    /// As always.
    Usual,
    /// The one try that decides whether the breaker closes.
    Probe,
}

/// The time for which nothing goes out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct LeftAlone(pub(crate) Duration);

impl Default for State {
    fn default() -> Self {
        Self::Closed { failures: 0 }
    }
}

impl Breaker {
    /// A closed one, which opens at the last of `failures_max` failures in a row.
    pub(crate) fn opening_after(failures_max: u32) -> Self {
        Self { failures_max, state: State::default() }
    }

    /// Leave to try now.
    pub(crate) fn admit(&mut self, now: Instant) -> Result<Leave, LeftAlone> {
        let (due, pause) = match self.state {
            State::Closed { .. } => return Ok(Leave::Usual),
            State::Open { until, pause } => (until, pause),
            State::HalfOpen { since, pause } => (since + PROBE_MAX, pause),
        };
        if now < due {
            return Err(LeftAlone(due - now));
        }
        self.state = State::HalfOpen { since: now, pause };
        Ok(Leave::Probe)
    }

    /// What came of a try. Those that went out before it opened say nothing new.
    pub(crate) fn record(&mut self, leave: Leave, was_answered: bool, now: Instant) {
        self.state = match (&self.state, leave, was_answered) {
            (State::Closed { .. }, _, true) | (State::HalfOpen { .. }, Leave::Probe, true) => {
                State::default()
            }
            (&State::Closed { failures }, _, false) if failures + 1 < self.failures_max => {
                State::Closed { failures: failures + 1 }
            }
            (State::Closed { .. }, _, false) => State::Open { until: now + PAUSE_BASE, pause: PAUSE_BASE },
            (&State::HalfOpen { pause, .. }, Leave::Probe, false) => {
                let pause = (pause * 2).min(PAUSE_MAX);
                State::Open { until: now + pause, pause }
            }
            (State::Open { .. }, ..) | (State::HalfOpen { .. }, Leave::Usual, _) => return,
        };
    }

    /// For how long nothing goes out, unless it is closed; zero once a probe may go or is under way.
    pub(crate) fn open_for(&self, now: Instant) -> Option<Duration> {
        match self.state {
            State::Closed { .. } => None,
            State::Open { until, .. } => Some(until.saturating_duration_since(now)),
            State::HalfOpen { .. } => Some(Duration::ZERO),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const FAILURES_MAX: u32 = 9;

    fn opened(now: Instant) -> Breaker {
        let mut breaker = Breaker::opening_after(FAILURES_MAX);
        for _ in 0..FAILURES_MAX {
            assert_eq!(breaker.admit(now), Ok(Leave::Usual));
            breaker.record(Leave::Usual, false, now);
        }
        breaker
    }

    #[test]
    fn it_opens_at_the_last_of_so_many_failures_in_a_row() {
        let now = Instant::now();
        let mut breaker = Breaker::opening_after(FAILURES_MAX);
        for _ in 0..3 {
            for _ in 1..FAILURES_MAX {
                breaker.record(Leave::Usual, false, now);
            }
            breaker.record(Leave::Usual, true, now);
        }
        assert_eq!(breaker.open_for(now), None, "an answer in between begins the count anew");
        assert_eq!(opened(now).admit(now), Err(LeftAlone(PAUSE_BASE)));
    }

    #[test]
    fn one_probe_decides_and_each_that_fails_doubles_the_pause() {
        let mut now = Instant::now();
        let mut breaker = opened(now);
        let mut pause = PAUSE_BASE;
        for _ in 0..8 {
            assert!(breaker.admit(now + pause - Duration::from_millis(1)).is_err());
            now += pause;
            assert_eq!(breaker.admit(now), Ok(Leave::Probe));
            assert!(breaker.admit(now).is_err(), "one at a time");
            breaker.record(Leave::Probe, false, now);
            pause = (pause * 2).min(PAUSE_MAX);
            assert_eq!(breaker.open_for(now), Some(pause));
        }
        assert_eq!(pause, PAUSE_MAX);
        now += pause;
        assert_eq!(breaker.admit(now), Ok(Leave::Probe));
        breaker.record(Leave::Probe, true, now);
        assert_eq!(breaker.admit(now), Ok(Leave::Usual));
        assert_eq!(breaker.open_for(now), None);
    }

    #[test]
    fn what_went_out_before_changes_nothing_and_a_lost_probe_is_replaced() {
        let now = Instant::now();
        let mut breaker = opened(now);
        breaker.record(Leave::Usual, true, now);
        assert!(breaker.admit(now).is_err(), "open");
        let then = now + PAUSE_BASE;
        assert_eq!(breaker.admit(then), Ok(Leave::Probe));
        for was_answered in [true, false] {
            breaker.record(Leave::Usual, was_answered, then);
            assert!(breaker.admit(then).is_err(), "half-open");
        }
        assert_eq!(breaker.admit(then + PROBE_MAX), Ok(Leave::Probe));
    }

    proptest! {
        /// However tries go and return, an open breaker lets out at most one try a pause, and always one in the end.
        #[test]
        fn it_never_hammers_and_never_sticks(steps in prop::collection::vec((0..3_000u64, any::<bool>()), 1..200)) {
            let mut now = Instant::now();
            let mut breaker = opened(now);
            let mut last_probe = None;
            for (wait_ms, is_answered) in steps {
                now += Duration::from_millis(wait_ms);
                match breaker.admit(now) {
                    Ok(Leave::Probe) => {
                        prop_assert!(last_probe.is_none_or(|last| now - last >= PAUSE_BASE));
                        last_probe = Some(now);
                        breaker.record(Leave::Probe, is_answered, now);
                    }
                    Ok(Leave::Usual) => breaker.record(Leave::Usual, is_answered, now),
                    Err(LeftAlone(wait)) => prop_assert!(wait <= PAUSE_MAX),
                }
                if breaker.open_for(now).is_none() {
                    last_probe = None;
                }
            }
            prop_assert!(breaker.admit(now + PAUSE_MAX).is_ok());
        }
    }
}
