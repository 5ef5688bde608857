//! The job machine: `step(state, event, situation)` decides, everything else obeys.
//!
//! ```text
//!            Claimed                 Simulated
//! Pending ────────────▶ Running ────────────────▶ Completed
//!    ▲                     │ Faulted (cannot be cured, attempts used up, too old), LeaseExpired (attempts used up)
//!    └─────────────────────┴────────────────────▶ Failed
//!      Faulted, Released, LeaseExpired
//! ```
//!
//! A running job of the daily run may also end as Skipped: there was nothing to simulate, and nothing went wrong.

use std::fmt;

use super::skip::SkipReason;

/// Attempts that a job may use up by its own faults before it fails; five separate a bad moment from a bad job.
pub const ATTEMPTS_MAX: u32 = 5;
/// First back-off; doubles with each attempt or snooze.
pub const BACKOFF_BASE_MS: u64 = 1_000;
/// Longest back-off: a neighbour that is back is noticed within a minute.
pub const BACKOFF_MAX_MS: u64 = 60_000;
/// A job whose neighbour stays down is given up after a day: by then the daily run has superseded it.
pub const SNOOZE_AGE_MAX_MS: i64 = 24 * 3_600 * 1_000;

/// Where a job stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    /// Waits until it is due.
    Pending {
        /// Attempts charged so far.
        attempts: u32,
        /// Snoozes in a row.
        snoozes: u32,
        /// Time from now until it may be claimed.
        due_in_ms: u64,
        /// Why it came back, if it did.
        last_error: Option<String>,
    },
    /// Claimed by a worker; this attempt is already charged, so that a crash counts.
    Running {
        /// Attempts charged so far, this one included.
        attempts: u32,
        /// Snoozes in a row before this attempt.
        snoozes: u32,
    },
    /// Has a result. Final.
    Completed,
    /// Has no result, because there was nothing to simulate; no fault of anybody. Final.
    Skipped {
        /// Why.
        reason: SkipReason,
    },
    /// Has none and never will. Final.
    Failed {
        /// A sentence for a person.
        reason: String,
    },
}

/// What happens to a job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// A worker took it.
    Claimed,
    /// Its simulation is done.
    Simulated,
    /// There is nothing to simulate, and whoever ordered it had reckoned with that.
    Skipped(SkipReason),
    /// Something went wrong.
    Faulted(Fault),
    /// The worker gave it back unharmed: a shutdown.
    Released,
    /// The worker fell silent, or the attempt passed its deadline.
    LeaseExpired,
}

/// What went wrong, by what it means for the job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// May pass; charged as an attempt.
    Retry(String),
    /// A neighbour is down; not charged.
    Snooze(String),
    /// Cannot be cured.
    Terminal(String),
}

/// What `step` may know beside state and event.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Situation {
    /// Since the job was created.
    pub age_ms: i64,
    /// A fresh random number in 0 .. 1, for full jitter.
    pub jitter: f64,
}

/// The event does not belong to the state.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a job that is {state} cannot be {event}")]
pub struct Illegal {
    state: &'static str,
    event: &'static str,
}

/// The job's next state.
///
/// # Errors
/// [`Illegal`] where the event does not belong to the state; final states refuse every event.
pub fn step(state: &State, event: &Event, situation: Situation) -> Result<State, Illegal> {
    match (state, event) {
        (&State::Pending { attempts, snoozes, .. }, Event::Claimed) => {
            Ok(State::Running { attempts: attempts + 1, snoozes })
        }
        (State::Running { .. }, Event::Simulated) => Ok(State::Completed),
        (State::Running { .. }, &Event::Skipped(reason)) => Ok(State::Skipped { reason }),
        (&State::Running { attempts, snoozes }, Event::Released) => {
            Ok(State::Pending { attempts: uncharged(attempts), snoozes, due_in_ms: 0, last_error: None })
        }
        (&State::Running { attempts, .. }, Event::LeaseExpired) => Ok(after_silence(attempts)),
        (&State::Running { attempts, snoozes }, Event::Faulted(fault)) => {
            Ok(after_fault(attempts, snoozes, fault, situation))
        }
        _ => Err(Illegal { state: state.name(), event: event.name() }),
    }
}

fn after_fault(attempts: u32, snoozes: u32, fault: &Fault, situation: Situation) -> State {
    match fault {
        Fault::Terminal(reason) => State::Failed { reason: reason.clone() },
        Fault::Retry(reason) if attempts >= ATTEMPTS_MAX => {
            State::Failed { reason: format!("gave up after {attempts} attempts; the last one: {reason}") }
        }
        Fault::Retry(reason) => State::Pending {
            attempts,
            snoozes: 0,
            due_in_ms: backoff_ms(attempts.saturating_sub(1), situation.jitter),
            last_error: Some(reason.clone()),
        },
        Fault::Snooze(reason) if situation.age_ms >= SNOOZE_AGE_MAX_MS => {
            State::Failed { reason: format!("gave up after a day of waiting; the last cause: {reason}") }
        }
        Fault::Snooze(reason) => State::Pending {
            attempts: uncharged(attempts),
            snoozes: snoozes.saturating_add(1),
            due_in_ms: backoff_ms(snoozes, situation.jitter),
            last_error: Some(reason.clone()),
        },
    }
}

fn after_silence(attempts: u32) -> State {
    let reason = "the worker fell silent or passed the attempt's deadline";
    if attempts >= ATTEMPTS_MAX {
        State::Failed { reason: format!("gave up after {attempts} attempts; the last one: {reason}") }
    } else {
        State::Pending { attempts, snoozes: 0, due_in_ms: 0, last_error: Some(reason.into()) }
    }
}

fn uncharged(attempts: u32) -> u32 {
    attempts.saturating_sub(1)
}

/// Exponential back-off with jitter over its upper half, so that it never hammers and never bunches.
fn backoff_ms(doublings: u32, jitter: f64) -> u64 {
    let ceiling = BACKOFF_BASE_MS.saturating_mul(1 << doublings.min(16)).min(BACKOFF_MAX_MS);
    let spread = (ceiling / 2) as f64 * jitter.clamp(0.0, 1.0);
    ceiling / 2 + spread as u64
}

impl State {
    fn name(&self) -> &'static str {
        match self {
            Self::Pending { .. } => "pending",
            Self::Running { .. } => "running",
            Self::Completed => "completed",
            Self::Skipped { .. } => "skipped",
            Self::Failed { .. } => "failed",
        }
    }
}

impl Event {
    fn name(&self) -> &'static str {
        match self {
            Self::Claimed => "claimed",
            Self::Simulated => "completed",
            Self::Skipped(_) => "skipped",
            Self::Faulted(_) => "faulted",
            Self::Released => "released",
            Self::LeaseExpired => "expired",
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Retry(reason) | Self::Snooze(reason) | Self::Terminal(reason) => f.write_str(reason),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const FRESH: Situation = Situation { age_ms: 0, jitter: 0.5 };
    const DUE: State = State::Pending { attempts: 0, snoozes: 0, due_in_ms: 0, last_error: None };

    fn running(attempts: u32, snoozes: u32) -> State {
        State::Running { attempts, snoozes }
    }

    fn faulted(fault: fn(String) -> Fault) -> Event {
        Event::Faulted(fault("cause".into()))
    }

    #[test]
    fn the_straight_way() {
        let claimed = step(&DUE, &Event::Claimed, FRESH).unwrap();
        assert_eq!(claimed, running(1, 0));
        assert_eq!(step(&claimed, &Event::Simulated, FRESH).unwrap(), State::Completed);
    }

    #[test]
    fn nothing_to_simulate_is_an_end_and_no_fault() {
        for reason in SkipReason::ALL {
            let skipped = step(&running(1, 3), &Event::Skipped(reason), FRESH).unwrap();
            assert_eq!(skipped, State::Skipped { reason });
            assert!(step(&DUE, &Event::Skipped(reason), FRESH).is_err(), "only a running job finds that out");
            assert_eq!(SkipReason::parse(reason.code()), Some(reason));
        }
    }

    #[test]
    fn a_fault_of_the_job_is_charged_and_the_fifth_is_the_last() {
        let State::Pending { attempts, due_in_ms, last_error, .. } =
            step(&running(4, 0), &faulted(Fault::Retry), FRESH).unwrap()
        else {
            panic!("the fourth attempt is not the last")
        };
        assert_eq!((attempts, due_in_ms), (4, 6_000), "8 s, the upper half jittered by 0.5");
        assert_eq!(last_error.as_deref(), Some("cause"));
        let failed = step(&running(5, 0), &faulted(Fault::Retry), FRESH).unwrap();
        assert_eq!(failed, State::Failed { reason: "gave up after 5 attempts; the last one: cause".into() });
    }

    #[test]
    fn a_neighbour_that_is_down_is_not_charged_until_the_job_is_a_day_old() {
        let State::Pending { attempts, snoozes, due_in_ms, .. } =
            step(&running(2, 30), &faulted(Fault::Snooze), FRESH).unwrap()
        else {
            panic!("a snooze is not the end")
        };
        assert_eq!((attempts, snoozes, due_in_ms), (1, 31, 45_000), "60 s at most");
        let old = Situation { age_ms: SNOOZE_AGE_MAX_MS, ..FRESH };
        assert!(matches!(
            step(&running(2, 30), &faulted(Fault::Snooze), old).unwrap(),
            State::Failed { reason } if reason.contains("a day")
        ));
    }

    #[test]
    fn a_shutdown_is_not_charged_and_a_crash_is() {
        let released = step(&running(3, 1), &Event::Released, FRESH).unwrap();
        assert_eq!(released, State::Pending { attempts: 2, snoozes: 1, due_in_ms: 0, last_error: None });
        assert!(matches!(
            step(&running(3, 1), &Event::LeaseExpired, FRESH).unwrap(),
            State::Pending { attempts: 3, due_in_ms: 0, .. }
        ));
        assert!(matches!(step(&running(5, 0), &Event::LeaseExpired, FRESH).unwrap(), State::Failed { .. }));
    }

    #[test]
    fn an_event_out_of_place_is_refused() {
        let failed = State::Failed { reason: "x".into() };
        for (state, event) in [
            (&DUE, Event::Simulated),
            (&DUE, Event::Released),
            (&DUE, Event::LeaseExpired),
            (&running(1, 0), Event::Claimed),
            (&State::Completed, Event::Claimed),
            (&State::Completed, Event::Simulated),
            (&State::Skipped { reason: SkipReason::AccountNotFound }, Event::Claimed),
            (&failed, Event::Claimed),
            (&failed, Event::LeaseExpired),
        ] {
            assert!(step(state, &event, FRESH).is_err(), "{state:?} {event:?}");
        }
        assert_eq!(
            step(&State::Completed, &Event::Claimed, FRESH).unwrap_err().to_string(),
            "a job that is completed cannot be claimed"
        );
    }

    fn any_event() -> impl Strategy<Value = Event> {
        prop_oneof![
            4 => Just(Event::Claimed),
            1 => Just(Event::Simulated),
            1 => Just(Event::Skipped(SkipReason::NoClosingTrades)),
            2 => Just(faulted(Fault::Retry)),
            2 => Just(faulted(Fault::Snooze)),
            1 => Just(faulted(Fault::Terminal)),
            2 => Just(Event::Released),
            2 => Just(Event::LeaseExpired),
        ]
    }

    proptest! {
        #[test]
        fn whatever_happens_a_job_is_bounded_and_its_end_is_final(
            events in prop::collection::vec((any_event(), 0.0..1.0f64, 0..2 * SNOOZE_AGE_MAX_MS), 1..60)
        ) {
            let mut state = DUE;
            for (event, jitter, age_ms) in events {
                let ended = matches!(state, State::Completed | State::Skipped { .. } | State::Failed { .. });
                match step(&state, &event, Situation { age_ms, jitter }) {
                    Ok(_) if ended => prop_assert!(false, "{state:?} moved on {event:?}"),
                    Ok(next) => state = next,
                    Err(_) => continue,
                }
                match &state {
                    State::Pending { attempts, due_in_ms, .. } => {
                        prop_assert!(*attempts < ATTEMPTS_MAX + 1 && *due_in_ms <= BACKOFF_MAX_MS);
                    }
                    State::Running { attempts, .. } => prop_assert!((1..=ATTEMPTS_MAX).contains(attempts)),
                    State::Completed | State::Skipped { .. } | State::Failed { .. } => {}
                }
            }
        }
    }
}
