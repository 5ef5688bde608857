//! What a person may do to a job: end it, or have it tried anew.

use async_trait::async_trait;

use super::{JobStatus, StoreError};
use crate::jobs::ids::JobId;

/// What came of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moved {
    /// The job is where it was wanted; a job that was cancelled before, too.
    Done,
    /// It cannot be moved from where it stands; nothing changed.
    Refused(JobStatus),
    /// There is no such job.
    Unknown,
}

/// The job machine's events that come from people.
#[async_trait]
pub trait ByHand: Send + Sync + 'static {
    /// Ends a job that waits or runs: it has failed, with the reason [`CANCELLED`](crate::jobs::machine::CANCELLED). Whoever
    /// runs it finds its lease gone.
    async fn cancel(&self, id: &JobId) -> Result<Moved, StoreError>;
    /// Makes a failed job wait anew, due at once and with nothing charged. An input that it had, it keeps.
    async fn retry(&self, id: &JobId) -> Result<Moved, StoreError>;
}
