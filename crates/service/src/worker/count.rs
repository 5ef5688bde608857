//! What the operators see of attempts that ended.

use crate::jobs::lifecycle::{Event, Fault, State};
use crate::schedule;

/// One attempt, once its outcome is in the database.
pub(super) fn ended(event: &Event, next: &State) {
    metrics::counter!("simulation_jobs_total", "status" => status(next)).increment(1);
    match next {
        State::Pending { .. } => {
            metrics::counter!("simulation_retries_total", "class" => class(event)).increment(1);
        }
        State::Skipped { reason } => schedule::metrics::count_accounts(reason.code(), 1),
        State::Completed | State::Failed { .. } | State::Running { .. } => {}
    }
}

/// What became of the job, as a label.
pub(super) fn status(next: &State) -> &'static str {
    match next {
        State::Completed => "completed",
        State::Skipped { .. } => "skipped",
        State::Failed { .. } => "failed",
        State::Pending { .. } | State::Running { .. } => "pending",
    }
}

fn class(event: &Event) -> &'static str {
    match event {
        Event::Faulted(Fault::Snooze(_)) => "neighbour",
        Event::LeaseExpired => "silence",
        Event::Released => "shutdown",
        Event::Faulted(Fault::Retry(_) | Fault::Terminal(_))
        | Event::Claimed
        | Event::Simulated
        | Event::Skipped(_) => "fault",
    }
}
