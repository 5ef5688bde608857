//! What the end of an attempt means for its job: what is charged, when it is due again, when it is given up.

use std::fmt;

use super::{Action, Job, Situation, State};
use crate::jobs::skip::SkipReason;

/// Attempts that a job may use up by its own faults before it fails; five separate a bad moment from a bad job.
pub const ATTEMPTS_MAX: u32 = 5;
/// First back-off; doubles with each attempt or snooze.
pub const BACKOFF_BASE_MS: u64 = 1_000;
/// Longest back-off: a neighbour that is back is noticed within a minute.
pub const BACKOFF_MAX_MS: u64 = 60_000;
/// A job whose neighbour stays down is given up after a day: by then the daily run has superseded it.
pub const SNOOZE_AGE_MAX_MS: i64 = 24 * 3_600 * 1_000;

/// How an attempt ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ending {
    /// Its simulation is done.
    Simulated,
    /// There is nothing to simulate, and whoever ordered it had reckoned with that.
    Skipped(SkipReason),
    /// Something went wrong.
    Faulted(Fault),
    /// The worker gave it back unharmed: a shutdown. Not charged.
    Released,
    /// Nobody ended it: the lease ran out. The one ending that another worker tells of.
    Silent,
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

/// The job after an attempt that ended so.
pub(super) fn end(job: &Job, ending: &Ending, at: Situation) -> (Job, &'static [Action]) {
    let &Job { attempts, snoozes, .. } = job;
    let last = |state| Job { state, ..job.clone() };
    let again = |attempts, snoozes, due_in_ms: u64, last_error| {
        let due_at_ms = at.now_ms.saturating_add_unsigned(due_in_ms);
        Job { attempts, snoozes, state: State::Pending { due_at_ms, last_error }, ..job.clone() }
    };
    match ending {
        Ending::Simulated => (last(State::Completed), &[Action::StoreResult, Action::AnnounceCompleted]),
        &Ending::Skipped(reason) => (last(State::Skipped { reason }), &[]),
        Ending::Released => (again(uncharged(attempts), snoozes, 0, None), &[Action::WakeWorkers]),
        Ending::Silent if attempts >= ATTEMPTS_MAX => (last(used_up(attempts, silence(job, at))), &[]),
        Ending::Silent => (again(attempts, 0, 0, Some(silence(job, at).to_owned())), &[Action::WakeWorkers]),
        Ending::Faulted(Fault::Terminal(reason)) => (last(State::Failed { reason: reason.clone() }), &[]),
        Ending::Faulted(Fault::Retry(reason)) if attempts >= ATTEMPTS_MAX => {
            (last(used_up(attempts, reason)), &[])
        }
        Ending::Faulted(Fault::Retry(reason)) => {
            let due_in_ms = backoff_ms(attempts.saturating_sub(1), at.jitter);
            (again(attempts, 0, due_in_ms, Some(reason.clone())), &[])
        }
        Ending::Faulted(Fault::Snooze(reason))
            if at.now_ms - job.started_at_ms.unwrap_or(at.now_ms) >= SNOOZE_AGE_MAX_MS =>
        {
            let reason = format!("gave up after a day of waiting; the last cause: {reason}");
            (last(State::Failed { reason }), &[])
        }
        Ending::Faulted(Fault::Snooze(reason)) => {
            let due_in_ms = backoff_ms(snoozes, at.jitter);
            let snoozes = snoozes.saturating_add(1);
            (again(uncharged(attempts), snoozes, due_in_ms, Some(reason.clone())), &[])
        }
    }
}

fn used_up(attempts: u32, reason: &str) -> State {
    State::Failed { reason: format!("gave up after {attempts} attempts; the last one: {reason}") }
}

/// Why nobody ended the attempt.
fn silence(job: &Job, at: Situation) -> &'static str {
    match job.state {
        State::Running { deadline_at_ms, .. } if deadline_at_ms <= at.now_ms => {
            "the attempt passed its deadline"
        }
        _ => "the worker fell silent",
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

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Retry(reason) | Self::Snooze(reason) | Self::Terminal(reason) => f.write_str(reason),
        }
    }
}
