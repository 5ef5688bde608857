//! What the operators see of attempts that ended.

use crate::jobs::machine::{Ending, Fault, State};
use crate::schedule;

/// One attempt, once its outcome is in the database.
pub(super) fn ended(ending: &Ending, next: &State) {
    metrics::counter!("simulation_jobs_total", "status" => status(next)).increment(1);
    match next {
        State::Pending { .. } => {
            metrics::counter!("simulation_retries_total", "class" => class(ending)).increment(1);
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

fn class(ending: &Ending) -> &'static str {
    match ending {
        Ending::Faulted(Fault::Snooze(_)) => "neighbour",
        Ending::Silent => "silence",
        Ending::Released => "shutdown",
        Ending::Faulted(Fault::Retry(_) | Fault::Terminal(_)) | Ending::Simulated | Ending::Skipped(_) => {
            "fault"
        }
    }
}
