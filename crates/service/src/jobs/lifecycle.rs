//! The job machine: `step(state, event, situation)` decides, everything else obeys.
//!
//! ```text
//!            Claimed                 Simulated
//! Pending ────────────▶ Running ────────────────▶ Completed
//!    ▲                     │ Faulted (cannot be cured, attempts used up, too old), LeaseExpired (attempts used up)
//!    └─────────────────────┴────────────────────▶ Failed
//!      Faulted, Released, LeaseExpired
//! ```

use std::fmt;

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
            Self::Failed { .. } => "failed",
        }
    }
}

impl Event {
    fn name(&self) -> &'static str {
        match self {
            Self::Claimed => "claimed",
            Self::Simulated => "completed",
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
