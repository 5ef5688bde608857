//! The database: the queue and the truth. [`Store`] is all that the rest of the service knows of it.
//!
//! Invariants that every implementation keeps (the conformance suite in `tests/store` holds them to it):
//! every write of a worker is fenced by its [`Lease`]; leases live by the database's clock; a job's state, its
//! result and its outbox row change in one transaction; a `dedupe_key` makes at most one job, also once that is purged.

pub mod by_hand;
mod connect;
pub mod daily;
pub mod dead_letters;
mod postgres;
pub mod prisma;
pub mod retention;
mod sql;
mod sqlite;

use async_trait::async_trait;
use monte_carlo_engine::Subject;
use serde_json::Value;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::jobs::events::OutboxMessage;
use crate::jobs::ids::{JobId, Lease, WorkerId};
use crate::jobs::input::StoredInput;
use crate::jobs::machine::Job;
use crate::jobs::skip::SkipReason;
use crate::telemetry::trace_context::TraceContext;

pub use self::connect::{Isolation, StoreOptions, connect, open};
pub use self::sql::SqlStore;

/// What can go wrong below.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The database is not there or does not answer; worth trying again.
    #[error("the database cannot be reached: {0}")]
    Unavailable(String),
    /// Serialization failures outlasted the bounded retry; worth trying again later.
    #[error("the database refused the transaction {0} times in a row")]
    Contended(u32),
    /// A row or an answer that we do not understand.
    #[error("the database holds what this version does not understand: {0}")]
    Corrupt(String),
    /// Anything else; the text is for the log, never for a caller.
    #[error("the database failed: {0}")]
    Failed(String),
}

/// What a fenced write did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Write {
    /// It is in.
    Applied,
    /// The lease was lost; nothing changed.
    Stale,
}

/// How a job came to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// An `assessment.completed` event.
    Kafka,
    /// `POST /simulations`.
    Api,
    /// The daily run.
    Daily,
    /// The service that was here before.
    Import,
}

impl Origin {
    pub const ALL: [Self; 4] = [Self::Kafka, Self::Api, Self::Daily, Self::Import];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Kafka => "kafka",
            Self::Api => "api",
            Self::Daily => "daily",
            Self::Import => "import",
        }
    }

    /// The origin of that name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|origin| origin.as_str() == name)
    }
}

/// A job to insert, `pending` and due at once.
#[derive(Clone, Debug, PartialEq)]
pub struct NewJob {
    pub id: JobId,
    pub subject: Subject,
    pub origin: Origin,
    /// At most one job ever bears it; `kafka:<assessmentId>` for events.
    pub dedupe_key: Option<String>,
    /// A `SimulationConfig` as JSON.
    pub config: Value,
    /// Where the caller sent the history along.
    pub input: Option<StoredInput>,
    pub trace: TraceContext,
}

/// A message that cannot be understood, kept for a person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PoisonMessage {
    pub topic: String,
    pub partition: i32,
    pub offset: i64,
    /// Cut to the limit of `intake`.
    pub payload: Vec<u8>,
    /// Bytes before the cut.
    pub payload_bytes: u64,
    pub reason: String,
}

/// One batch of Kafka messages, digested; recorded in one transaction.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct IntakeBatch {
    pub jobs: Vec<NewJob>,
    pub poison: Vec<PoisonMessage>,
}

/// What a batch did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct IntakeOutcome {
    /// Jobs that are new.
    pub inserted: u64,
    /// Jobs whose `dedupe_key` was there already (or twice in the batch), or had been spent by a job that is purged.
    pub duplicates: u64,
}

/// A caller's `Idempotency-Key` with a hash of the body it came with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdempotencyKey {
    pub key: String,
    /// SHA-256 of the body, lower-case hex.
    pub body_hash: String,
}

/// What a creation did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Creation {
    /// A new job.
    Created,
    /// The key was seen with this body: that job.
    Replayed(JobId),
    /// The key was seen with another body.
    KeyReused,
}

/// A wish for work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClaimRequest {
    pub worker: WorkerId,
    pub limit: u32,
    /// Of these, so many go to the daily run's jobs first; the rest to what somebody waits for. A line that is too short
    /// leaves its places to the other.
    pub daily_first: u32,
    pub lease_ms: u64,
    /// Hard limit of the attempt, from now; no beat extends a lease beyond it.
    pub deadline_ms: u64,
}

/// A claimed job: all that the worker needs. JSON is decoded by the worker, so that a bad row fails its job alone.
#[derive(Clone, Debug, PartialEq)]
pub struct ClaimedJob {
    pub lease: Lease,
    pub subject: Subject,
    pub origin: Origin,
    pub config: Value,
    pub input: Option<Value>,
    pub trace: TraceContext,
    /// Running; its times count from the claim.
    pub job: Job,
}

/// A sign of life.
#[derive(Clone, Debug, PartialEq)]
pub struct Beat {
    pub lease: Lease,
    /// Share of the paths done, 0 to 1; stored progress never falls within one attempt.
    pub progress: f64,
}

/// A lease that ran out.
#[derive(Clone, Debug, PartialEq)]
pub struct ExpiredLease {
    pub lease: Lease,
    /// Its times count from the look.
    pub job: Job,
}

/// Whose word a settlement is, and so which lease lets it through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Settler {
    /// The worker that has the job: its lease holds until somebody else has the job, though it ran out.
    Holder,
    /// A sweeper: the lease must have run out, and not been extended since it looked.
    Sweeper,
}

/// How an attempt ended; written in one fenced transaction.
#[derive(Clone, Debug, PartialEq)]
pub struct Settlement {
    pub by: Settler,
    /// What `machine::step` decided; never `Running`. Its times count from the write.
    pub next: Job,
    /// With `Completed`.
    pub result: Option<Value>,
    /// With `Completed`.
    pub outbox: Option<OutboxMessage>,
}

/// The specification's statuses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, ToSchema)]
#[schema(rename_all = "lowercase")]
pub enum JobStatus {
    Pending,
    Running,
    Completed,
    Failed,
}

impl JobStatus {
    pub const ALL: [Self; 4] = [Self::Pending, Self::Running, Self::Completed, Self::Failed];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Running => "running",
            Self::Completed => "completed",
            Self::Failed => "failed",
        }
    }

    /// The status of that name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == name)
    }
}

/// A job as readers see it.
#[derive(Clone, Debug, PartialEq)]
pub struct JobRecord {
    pub id: JobId,
    pub subject: Subject,
    pub origin: Origin,
    pub status: JobStatus,
    /// Whole from [`Store::job`], the summary from [`Store::jobs`]; `{}` until fetched.
    pub input_data: Value,
    pub config: Value,
    pub result: Option<Value>,
    /// Of a completed job without a result: why there was nothing to simulate.
    pub skipped: Option<SkipReason>,
    /// Of a failed job; the last fault of a pending one.
    pub error: Option<String>,
    pub progress: f64,
    pub attempts: u32,
    pub correlation_id: String,
    pub created_at_ms: i64,
    pub started_at_ms: Option<i64>,
    pub completed_at_ms: Option<i64>,
}

/// Which jobs; all conditions hold at once. [`JobStatus::Completed`] finds jobs with a result, so that whoever asks
/// for it may rely on one: a skipped job is found where no status is asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct JobFilter {
    pub assessment_id: Option<String>,
    pub funded_account_id: Option<String>,
    pub status: Option<JobStatus>,
}

/// How the database itself is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Examination {
    /// What the server calls itself.
    pub version: String,
    /// Its clock, by which leases live; milliseconds since 1970.
    pub now_ms: i64,
    /// Ascending; empty where the schema is up to date.
    pub missing_migrations: Vec<i64>,
    /// Why it would not let us write, where the schema is there to try it on.
    pub refusal: Option<String>,
}

/// The last row of the page before: (created_at_ms, id).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cursor {
    pub created_at_ms: i64,
    pub id: JobId,
}

/// What waits, of one kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Waiting {
    /// Counted up to the limit that was asked for.
    pub count: u64,
    /// Since the oldest was created, by the database's clock; 0 without one.
    pub oldest_age_ms: u64,
}

/// What waits in the database.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Backlog {
    /// Jobs that nobody has, due or not.
    pub pending: Waiting,
    /// Jobs that a worker has.
    pub running: Waiting,
    /// Messages that have not left.
    pub outbox: Waiting,
}

/// The truth about jobs, events to send, and messages that could not be read.
#[async_trait]
pub trait Store: Send + Sync + 'static {
    /// Answers a trivial question, to see that the database is there.
    async fn ping(&self) -> Result<(), StoreError>;
    /// Brings the schema up to date; safe when two processes do it at once, and when done twice.
    async fn migrate(&self) -> Result<(), StoreError>;
    /// `Ok(false)` where migrations are missing.
    async fn is_migrated(&self) -> Result<bool, StoreError>;

    /// Looks at the database itself; writes nothing.
    async fn examine(&self) -> Result<Examination, StoreError>;

    /// Inserts a batch; all or nothing. A `dedupe_key` or poison message seen before is passed over.
    async fn record_intake(&self, batch: &IntakeBatch) -> Result<IntakeOutcome, StoreError>;
    /// Inserts one job, once per key.
    async fn create(&self, job: &NewJob, key: Option<&IdempotencyKey>) -> Result<Creation, StoreError>;

    /// Takes due jobs, of each of the two lines the oldest first; each becomes `running` under a token of its own, its attempt charged, and at
    /// its first claim a `-started` message goes into the outbox. An empty answer is not an empty queue.
    async fn claim(&self, request: ClaimRequest) -> Result<Vec<ClaimedJob>, StoreError>;
    /// Extends the leases that still hold and says which those are.
    async fn beat(&self, beats: &[Beat], lease_ms: u64) -> Result<Vec<Lease>, StoreError>;
    /// Which of these leases still hold; extends none.
    async fn held(&self, leases: &[Lease]) -> Result<Vec<Lease>, StoreError>;
    /// Stores the fetched input.
    async fn save_input(&self, lease: &Lease, input: &StoredInput) -> Result<Write, StoreError>;
    /// Ends an attempt.
    async fn settle(&self, lease: &Lease, settlement: &Settlement) -> Result<Write, StoreError>;
    /// Makes due what would wait for longer than `wait_ms_max`, and cuts leases that are longer than `lease_ms` to that:
    /// there are none unless the database's clock was set back. How many jobs it moved.
    async fn follow_clock(&self, wait_ms_max: u64, lease_ms: u64) -> Result<u64, StoreError>;
    /// Leases that ran out; whoever sweeps settles each by its own token.
    async fn expired(&self, limit: u32) -> Result<Vec<ExpiredLease>, StoreError>;

    /// Takes messages that must leave, oldest first, for `lease_ms`; no other relay sees them meanwhile.
    async fn lease_outbox(
        &self,
        relay: Uuid,
        limit: u32,
        lease_ms: u64,
    ) -> Result<Vec<OutboxMessage>, StoreError>;
    /// Keeps messages for a relay that is still sending them, for `lease_ms` from now.
    async fn hold_outbox(&self, relay: Uuid, event_ids: &[Uuid], lease_ms: u64) -> Result<(), StoreError>;
    /// Marks messages as sent, once the broker has acknowledged them.
    async fn mark_published(&self, event_ids: &[Uuid]) -> Result<(), StoreError>;
    /// Gives messages back, to be sent again at once.
    async fn release_outbox(&self, relay: Uuid, event_ids: &[Uuid]) -> Result<(), StoreError>;

    /// One job, input and result whole.
    async fn job(&self, id: &JobId) -> Result<Option<JobRecord>, StoreError>;
    /// Jobs, newest first, at most `limit`, after `cursor`; without their trades.
    async fn jobs(
        &self,
        filter: &JobFilter,
        limit: u32,
        cursor: Option<&Cursor>,
    ) -> Result<Vec<JobRecord>, StoreError>;
    /// What waits; of each kind at most `limit` are looked at.
    async fn backlog(&self, limit: u32) -> Result<Backlog, StoreError>;
}
