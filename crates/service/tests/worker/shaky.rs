//! A store in a file, and a way to it that breaks.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use async_trait::async_trait;
use monte_carlo_service::jobs::events::OutboxMessage;
use monte_carlo_service::jobs::ids::{JobId, Lease};
use monte_carlo_service::jobs::input::StoredInput;
use monte_carlo_service::store::{
    Backlog, Beat, ClaimRequest, ClaimedJob, Creation, Cursor, Examination, ExpiredLease, IdempotencyKey,
    IntakeBatch, IntakeOutcome, JobFilter, JobRecord, NewJob, Settlement, SqlStore, Store, StoreError, Write,
};
use uuid::Uuid;

pub(crate) struct Shaky {
    pub(crate) behind: Arc<SqlStore>,
    /// Nothing gets through.
    pub(crate) is_away: AtomicBool,
    /// So many settlements come about, and their answers do not.
    pub(crate) settles_unheard: AtomicUsize,
    /// Claims are never answered.
    pub(crate) claims_hang: AtomicBool,
    /// A beat meets a fault of ours.
    pub(crate) beats_panic: AtomicBool,
}

fn away() -> StoreError {
    StoreError::Unavailable("for the test".into())
}

impl Shaky {
    pub(crate) fn before(behind: Arc<SqlStore>) -> Arc<Self> {
        Arc::new(Self {
            behind,
            is_away: AtomicBool::new(false),
            settles_unheard: AtomicUsize::new(0),
            claims_hang: AtomicBool::new(false),
            beats_panic: AtomicBool::new(false),
        })
    }

    fn reach(&self) -> Result<&SqlStore, StoreError> {
        if self.is_away.load(Ordering::SeqCst) { Err(away()) } else { Ok(&self.behind) }
    }
}

#[async_trait]
impl Store for Shaky {
    async fn claim(&self, request: ClaimRequest) -> Result<Vec<ClaimedJob>, StoreError> {
        if self.claims_hang.load(Ordering::SeqCst) {
            std::future::pending::<()>().await;
        }
        self.reach()?.claim(request).await
    }
    async fn beat(&self, beats: &[Beat], lease_ms: u64) -> Result<Vec<Lease>, StoreError> {
        assert!(!self.beats_panic.load(Ordering::SeqCst), "for the test");
        self.reach()?.beat(beats, lease_ms).await
    }
    async fn follow_clock(&self, wait_ms_max: u64, lease_ms: u64) -> Result<u64, StoreError> {
        self.reach()?.follow_clock(wait_ms_max, lease_ms).await
    }
    async fn settle(&self, lease: &Lease, settlement: &Settlement) -> Result<Write, StoreError> {
        let answer = self.reach()?.settle(lease, settlement).await?;
        let unheard = &self.settles_unheard;
        let one_less = unheard.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1));
        if one_less.is_ok() { Err(away()) } else { Ok(answer) }
    }
    async fn held(&self, leases: &[Lease]) -> Result<Vec<Lease>, StoreError> {
        self.reach()?.held(leases).await
    }
    async fn save_input(&self, lease: &Lease, input: &StoredInput) -> Result<Write, StoreError> {
        self.reach()?.save_input(lease, input).await
    }
    async fn expired(&self, limit: u32) -> Result<Vec<ExpiredLease>, StoreError> {
        self.reach()?.expired(limit).await
    }
    async fn job(&self, id: &JobId) -> Result<Option<JobRecord>, StoreError> {
        self.reach()?.job(id).await
    }

    async fn ping(&self) -> Result<(), StoreError> {
        self.reach()?.ping().await
    }
    async fn migrate(&self) -> Result<(), StoreError> {
        self.reach()?.migrate().await
    }
    async fn is_migrated(&self) -> Result<bool, StoreError> {
        self.reach()?.is_migrated().await
    }
    async fn examine(&self) -> Result<Examination, StoreError> {
        self.reach()?.examine().await
    }
    async fn record_intake(&self, batch: &IntakeBatch) -> Result<IntakeOutcome, StoreError> {
        self.reach()?.record_intake(batch).await
    }
    async fn create(&self, job: &NewJob, key: Option<&IdempotencyKey>) -> Result<Creation, StoreError> {
        self.reach()?.create(job, key).await
    }
    async fn lease_outbox(&self, relay: Uuid, limit: u32, ms: u64) -> Result<Vec<OutboxMessage>, StoreError> {
        self.reach()?.lease_outbox(relay, limit, ms).await
    }
    async fn hold_outbox(&self, relay: Uuid, event_ids: &[Uuid], lease_ms: u64) -> Result<(), StoreError> {
        self.reach()?.hold_outbox(relay, event_ids, lease_ms).await
    }
    async fn mark_published(&self, event_ids: &[Uuid]) -> Result<(), StoreError> {
        self.reach()?.mark_published(event_ids).await
    }
    async fn release_outbox(&self, relay: Uuid, event_ids: &[Uuid]) -> Result<(), StoreError> {
        self.reach()?.release_outbox(relay, event_ids).await
    }
    async fn jobs(
        &self,
        filter: &JobFilter,
        limit: u32,
        cursor: Option<&Cursor>,
    ) -> Result<Vec<JobRecord>, StoreError> {
        self.reach()?.jobs(filter, limit, cursor).await
    }
    async fn backlog(&self, limit: u32) -> Result<Backlog, StoreError> {
        self.reach()?.backlog(limit).await
    }
}
