//! What has been kept long enough, and may go.

use async_trait::async_trait;

use super::{Cursor, JobStatus, Origin, StoreError};
use crate::jobs::ids::JobId;

/// A job that has ended, as far as its going is concerned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EndedJob {
    pub id: JobId,
    pub created_at_ms: i64,
    /// Since it ended, by the database's clock.
    pub ended_for_ms: i64,
    /// A message of its has not left yet.
    pub has_unsent: bool,
}

/// Which ended jobs to look at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EndedPage {
    /// [`JobStatus::Completed`] or [`JobStatus::Failed`].
    pub status: JobStatus,
    /// Created at least so long ago.
    pub older_than_ms: u64,
    /// The last one of the page before.
    pub after: Option<Cursor>,
    pub limit: u32,
}

/// Rows that went, with the jobs that they belonged to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PurgedJobs {
    pub jobs: u64,
    /// Inputs, results and reasons of skips.
    pub documents: u64,
    /// Messages that had left.
    pub events: u64,
    pub idempotency_keys: u64,
}

/// Rows that belong to no job and go by their own age.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Aged {
    /// Messages that could not be read, since they came.
    DeadLetters,
    /// Daily runs, since they ended.
    DailyRuns,
    /// Keys of purged jobs, since those were purged.
    SpentKeys,
}

/// The store as its cleaner sees it. Everything is by the database's clock, and harmless when several do it at once.
#[async_trait]
pub trait Retention: Send + Sync + 'static {
    /// Ended jobs, oldest first by creation.
    async fn ended_jobs(&self, page: &EndedPage) -> Result<Vec<EndedJob>, StoreError>;
    /// Deletes those of these jobs that ended at least so long ago, with all that belongs to them, in one transaction; keys
    /// that must [outlive](outlives_its_job) them are put down in it. A job that somebody has had tried anew stays.
    async fn purge_jobs(&self, ids: &[JobId], older_than_ms: u64) -> Result<PurgedJobs, StoreError>;
    /// Deletes the oldest rows that are at least so old, at most `limit`; how many there were.
    async fn purge_aged(&self, kind: Aged, older_than_ms: u64, limit: u32) -> Result<u64, StoreError>;
}

/// Whether the `dedupe_key` of such a job goes on stopping duplicates once the job is purged. A topic may bring a message
/// again for as long as it keeps it; a night cannot come again (its fire is behind the watermark, and no day is run by hand
/// that lies further back than jobs are kept), and a million keys a night would be too many.
pub fn outlives_its_job(origin: Origin) -> bool {
    match origin {
        Origin::Kafka | Origin::Api | Origin::Import => true,
        Origin::Daily => false,
    }
}
