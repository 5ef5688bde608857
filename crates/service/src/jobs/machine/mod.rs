//! The job machine: [`step`] decides, everything else obeys. It reads no clock, draws no number, touches no database.
//!
//! ```text
//!           Claimed                 Ended: simulated ─▶ Completed
//! Pending ───────────▶ Running ──── Ended: skipped ───▶ Skipped
//!   ▲ ▲                 │ ▲ │       Ended: a fault that cannot be cured, the fifth attempt, a day of waiting;
//!   │ │                 │ └─┘       CancelAsked ──────▶ Failed
//!   │ └─────────────────┘ Beat, Fetched                   │ ▲
//!   │  Ended: a fault that may pass, released, silent     │ │ CancelAsked, of a pending job too
//!   └─────────────────────────────────────────────────────┘ │
//!      Retried                                   Pending ───┘
//! ```
//!
//! `docs/jobs.md` says the same for people. The database does it in SQL, under its own clock, and is held to it by
//! `tests/store/model`; `tests/simulation` holds the machine and the worker to what must never happen.

mod ending;
#[cfg(test)]
mod tests;

use super::ids::LeaseToken;
use super::skip::SkipReason;

pub use self::ending::{ATTEMPTS_MAX, BACKOFF_BASE_MS, BACKOFF_MAX_MS, Ending, Fault, SNOOZE_AGE_MAX_MS};

/// Why a job failed that was cancelled.
pub const CANCELLED: &str = "cancelled";

/// A job as far as it moves. Its times are milliseconds on the clock of whoever steps; the truth is the database's, and
/// who cannot know that counts from a moment of the database's: a claim, a look, a write.
#[derive(Clone, Debug, PartialEq)]
pub struct Job {
    /// When it was first claimed, since it was created or a person asked for it anew: its neighbours are waited for a day
    /// from here.
    pub started_at_ms: Option<i64>,
    /// Claims so far; the first one is announced.
    pub claims: u32,
    /// Attempts charged so far, a running one included, so that a crash counts.
    pub attempts: u32,
    /// Snoozes in a row.
    pub snoozes: u32,
    /// Where it stands.
    pub state: State,
}

/// Where a job stands.
#[derive(Clone, Debug, PartialEq)]
pub enum State {
    /// Waits until it is due.
    Pending {
        /// Not to be claimed before.
        due_at_ms: i64,
        /// Why it came back, if it did.
        last_error: Option<String>,
    },
    /// A worker has it.
    Running {
        /// Of the claim; whoever names another one is refused.
        token: LeaseToken,
        /// From then on it may be swept, unless it was extended. Never after the deadline.
        expires_at_ms: i64,
        /// The attempt's end, which no beat can move.
        deadline_at_ms: i64,
        /// Share of the paths done, 0 to 1; never falls within an attempt.
        progress: f64,
    },
    /// Has a result. Final.
    Completed,
    /// Has no result, because there was nothing to simulate; no fault of anybody. Final.
    Skipped {
        /// Why.
        reason: SkipReason,
    },
    /// Has no result. Final, but for a person who asks for it anew.
    Failed {
        /// A sentence for a person.
        reason: String,
    },
}

/// What happens to a job. What a worker says comes under the token of its claim.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// A worker took it.
    Claimed {
        /// New, and nobody else's.
        token: LeaseToken,
        /// Until the first beat must be in.
        lease_ms: u64,
        /// Hard limit of the attempt.
        deadline_ms: u64,
    },
    /// The worker is alive.
    Beat {
        token: LeaseToken,
        /// From now, as far as the deadline.
        lease_ms: u64,
        /// What is no number is no progress.
        progress: f64,
    },
    /// The worker has the account and its history.
    Fetched { token: LeaseToken },
    /// The attempt is over.
    Ended { token: LeaseToken, ending: Ending },
    /// A person does not want it any more.
    CancelAsked,
    /// A person wants it tried anew.
    Retried,
}

/// What is to be done beside writing the job's next state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// In the same transaction: the message that it started goes into the outbox.
    AnnounceStarted,
    /// In the same transaction: the input is stored.
    StoreInput,
    /// In the same transaction: the result is stored.
    StoreResult,
    /// In the same transaction: the message that it is completed goes into the outbox.
    AnnounceCompleted,
    /// After it: somebody may take the job at once.
    WakeWorkers,
    /// After it: whoever simulates it may stop.
    StopWork,
}

/// What `step` may know beside job and event.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Situation {
    /// On the clock of the job's times.
    pub now_ms: i64,
    /// A fresh random number in 0 .. 1, for the back-off.
    pub jitter: f64,
}

/// Nothing changes.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// The claim that it names holds no more; or, of a sweep, the lease still does.
    #[error("the lease was lost")]
    Stale,
    /// The event does not belong to the state.
    #[error("a job that is {state} cannot be {event}")]
    Illegal {
        /// Where the job stands.
        state: &'static str,
        /// What was to happen to it.
        event: &'static str,
    },
}

/// The job after `event`, and what else is to be done.
///
/// # Errors
/// [`Refused::Stale`] where the event names a claim that no longer holds, [`Refused::Illegal`] where it does not belong
/// to the state. What is final refuses every event, but a failed job may be retried.
pub fn step(job: &Job, event: &Event, at: Situation) -> Result<(Job, &'static [Action]), Refused> {
    let now_ms = at.now_ms;
    let stay = |state| Job { state, ..job.clone() };
    match (&job.state, event) {
        (&State::Pending { due_at_ms, .. }, &Event::Claimed { token, lease_ms, deadline_ms })
            if due_at_ms <= now_ms =>
        {
            let state = State::Running {
                token,
                expires_at_ms: now_ms.saturating_add_unsigned(lease_ms.min(deadline_ms)),
                deadline_at_ms: now_ms.saturating_add_unsigned(deadline_ms),
                progress: 0.0,
            };
            let (claims, attempts) = (job.claims + 1, job.attempts + 1);
            let actions: &[_] = if claims == 1 { &[Action::AnnounceStarted] } else { &[] };
            let started_at_ms = job.started_at_ms.or(Some(now_ms));
            Ok((Job { started_at_ms, claims, attempts, ..stay(state) }, actions))
        }
        (
            &State::Running { token, deadline_at_ms, progress: so_far, .. },
            &Event::Beat { token: named, lease_ms, progress },
        ) if named == token && now_ms < deadline_at_ms => {
            let expires_at_ms = now_ms.saturating_add_unsigned(lease_ms).min(deadline_at_ms);
            // `max` passes over what is no number.
            let progress = so_far.max(progress).min(1.0);
            Ok((stay(State::Running { token, expires_at_ms, deadline_at_ms, progress }), &[]))
        }
        (State::Running { token, .. }, Event::Fetched { token: named }) if named == token => {
            Ok((job.clone(), &[Action::StoreInput]))
        }
        (&State::Running { token, expires_at_ms, .. }, Event::Ended { token: named, ending })
            if *named == token && (*ending != Ending::Silent || expires_at_ms <= now_ms) =>
        {
            Ok(ending::end(job, ending, at))
        }
        (_, Event::Beat { .. } | Event::Fetched { .. } | Event::Ended { .. }) => Err(Refused::Stale),
        (State::Pending { .. }, Event::CancelAsked) => Ok((stay(cancelled()), &[])),
        (State::Running { .. }, Event::CancelAsked) => Ok((stay(cancelled()), &[Action::StopWork])),
        (State::Failed { reason }, Event::Retried) => {
            let state = State::Pending { due_at_ms: now_ms, last_error: Some(reason.clone()) };
            let anew = Job { started_at_ms: None, attempts: 0, snoozes: 0, ..stay(state) };
            Ok((anew, &[Action::WakeWorkers]))
        }
        (state, event) => Err(Refused::Illegal { state: state.name(), event: event.name() }),
    }
}

fn cancelled() -> State {
    State::Failed { reason: CANCELLED.to_owned() }
}

impl Job {
    /// A new job, due at once.
    pub const fn new(now_ms: i64) -> Self {
        let state = State::Pending { due_at_ms: now_ms, last_error: None };
        Self { started_at_ms: None, claims: 0, attempts: 0, snoozes: 0, state }
    }

    /// The same job, its times counted from `moment_ms`.
    pub fn counted_from(mut self, moment_ms: i64) -> Self {
        self.started_at_ms = self.started_at_ms.map(|at_ms| at_ms - moment_ms);
        match &mut self.state {
            State::Pending { due_at_ms, .. } => *due_at_ms -= moment_ms,
            State::Running { expires_at_ms, deadline_at_ms, .. } => {
                *expires_at_ms -= moment_ms;
                *deadline_at_ms -= moment_ms;
            }
            State::Completed | State::Skipped { .. } | State::Failed { .. } => {}
        }
        self
    }
}

impl State {
    /// Whether only a person can move the job on.
    pub const fn is_final(&self) -> bool {
        matches!(self, Self::Completed | Self::Skipped { .. } | Self::Failed { .. })
    }

    const fn name(&self) -> &'static str {
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
    const fn name(&self) -> &'static str {
        match self {
            Self::Claimed { .. } => "claimed",
            Self::Beat { .. } => "extended",
            Self::Fetched { .. } => "fetched",
            Self::Ended { .. } => "ended",
            Self::CancelAsked => "cancelled",
            Self::Retried => "retried",
        }
    }
}
