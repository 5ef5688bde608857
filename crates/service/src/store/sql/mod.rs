//! The store in SQL, written once for PostgreSQL, CockroachDB and SQLite.
//!
//! One file an operation, with all of its SQL at its top; [`dialect`] holds the few words that differ, [`work`]
//! the retries, [`fault`] what an error means, [`trust`] which connections are used unasked.

mod arg;
mod backlog;
mod by_hand;
mod claim;
mod daily;
mod daily_batch;
mod dead_letters;
pub(super) mod dialect;
mod examine;
mod fault;
mod intake;
mod lease;
mod migrate;
mod outbox;
mod prisma;
mod read;
mod records;
mod reset;
mod retention;
pub(super) mod session;
mod settle;
pub(super) mod trust;
mod work;

use async_trait::async_trait;
use uuid::Uuid;

use self::session::Pools;
use self::work::Runner;
use super::{
    Backlog, Beat, ClaimRequest, ClaimedJob, Creation, Cursor, Examination, ExpiredLease, IdempotencyKey,
    IntakeBatch, IntakeOutcome, JobFilter, JobRecord, NewJob, Settlement, Store, StoreError, Write,
};
use crate::jobs::events::OutboxMessage;
use crate::jobs::ids::{JobId, Lease};
use crate::jobs::input::StoredInput;

/// A database that speaks SQL.
#[derive(Debug)]
pub struct SqlStore {
    runner: Runner,
}

impl SqlStore {
    pub(super) fn new(pools: Pools) -> Self {
        Self { runner: Runner::new(pools) }
    }

    /// Transactions that had to be tried again since the start; `database_transaction_retries_total` in all.
    pub fn retries(&self) -> u64 {
        self.runner.retries()
    }
}

#[async_trait]
impl Store for SqlStore {
    async fn ping(&self) -> Result<(), StoreError> {
        self.runner.perform(&read::Ping).await
    }

    async fn migrate(&self) -> Result<(), StoreError> {
        self.runner.migrate().await
    }

    async fn is_migrated(&self) -> Result<bool, StoreError> {
        Ok(self.runner.perform(&examine::MissingMigrations).await?.is_empty())
    }

    async fn examine(&self) -> Result<Examination, StoreError> {
        self.runner.examine().await
    }

    async fn record_intake(&self, batch: &IntakeBatch) -> Result<IntakeOutcome, StoreError> {
        self.runner.perform(&intake::RecordIntake(batch)).await
    }

    async fn create(&self, job: &NewJob, key: Option<&IdempotencyKey>) -> Result<Creation, StoreError> {
        self.runner.perform(&intake::Create { job, key }).await
    }

    async fn claim(&self, request: ClaimRequest) -> Result<Vec<ClaimedJob>, StoreError> {
        self.runner.perform(&claim::Claim(request)).await
    }

    async fn beat(&self, beats: &[Beat], lease_ms: u64) -> Result<Vec<Lease>, StoreError> {
        self.runner.perform(&lease::Beats { beats, lease_ms }).await
    }

    async fn held(&self, leases: &[Lease]) -> Result<Vec<Lease>, StoreError> {
        self.runner.perform(&lease::Held(leases)).await
    }

    async fn save_input(&self, lease: &Lease, input: &StoredInput) -> Result<Write, StoreError> {
        self.runner.perform(&settle::SaveInput { lease, input }).await
    }

    async fn settle(&self, lease: &Lease, settlement: &Settlement) -> Result<Write, StoreError> {
        self.runner.perform(&settle::Settle { lease, settlement }).await
    }

    async fn follow_clock(&self, wait_ms_max: u64, lease_ms: u64) -> Result<u64, StoreError> {
        self.runner.perform(&lease::FollowClock { wait_ms_max, lease_ms }).await
    }

    async fn expired(&self, limit: u32) -> Result<Vec<ExpiredLease>, StoreError> {
        self.runner.perform(&lease::Expired { limit }).await
    }

    async fn lease_outbox(
        &self,
        relay: Uuid,
        limit: u32,
        lease_ms: u64,
    ) -> Result<Vec<OutboxMessage>, StoreError> {
        self.runner.perform(&outbox::LeaseOutbox { relay, limit, lease_ms }).await
    }

    async fn hold_outbox(&self, relay: Uuid, event_ids: &[Uuid], lease_ms: u64) -> Result<(), StoreError> {
        self.runner.perform(&outbox::HoldOutbox { relay, event_ids, lease_ms }).await
    }

    async fn mark_published(&self, event_ids: &[Uuid]) -> Result<(), StoreError> {
        self.runner.perform(&outbox::MarkPublished(event_ids)).await
    }

    async fn release_outbox(&self, relay: Uuid, event_ids: &[Uuid]) -> Result<(), StoreError> {
        self.runner.perform(&outbox::ReleaseOutbox { relay, event_ids }).await
    }

    async fn job(&self, id: &JobId) -> Result<Option<JobRecord>, StoreError> {
        self.runner.perform(&read::Job(id)).await
    }

    async fn jobs(
        &self,
        filter: &JobFilter,
        limit: u32,
        cursor: Option<&Cursor>,
    ) -> Result<Vec<JobRecord>, StoreError> {
        self.runner.perform(&read::Jobs { filter, limit, cursor }).await
    }

    async fn backlog(&self, limit: u32) -> Result<Backlog, StoreError> {
        self.runner.perform(&backlog::CountBacklog { limit }).await
    }
}
