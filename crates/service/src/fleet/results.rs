//! Completed jobs from Redis, for whoever reads one by its id. They never change, so a right entry is the answer; an
//! entry that is not surely ours is dropped, and the database answers.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use hmac::{Hmac, KeyInit as _, Mac as _};
use monte_carlo_engine::Subject;
use secrecy::{ExposeSecret as _, SecretSlice};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use tokio::sync::Semaphore;

use super::link::{COMMAND_BOUND, Link, LinkError};
use crate::http::job_reader::JobReader;
use crate::jobs::ids::JobId;
use crate::jobs::skip::SkipReason;
use crate::store::{JobRecord, JobStatus, Origin, Store, StoreError};

/// A reader waits no longer for what the database says in a few milliseconds.
const READ_BOUND: Duration = Duration::from_millis(100);
/// Readers come in the minutes after the event; a job that is removed by hand is gone from here soon after.
const KEPT: Duration = Duration::from_secs(600);
/// Larger jobs, which have long histories, are left to the database: 1,000 entries fit into a gigabyte.
const VALUE_BYTES_MAX: usize = 1024 * 1024;
/// Entries on their way at once; what comes meanwhile is written at another reading.
const WRITES_MAX: usize = 8;
/// `result_cache_reads_total{outcome}`: `hit`, `miss`, `rejected` (not surely ours), `away`.
pub const READS: &str = "result_cache_reads_total";
/// Of the tag before the value.
const TAG_BYTES: usize = 32;

/// The store's completed jobs, through Redis.
pub struct CachedJobs {
    store: Arc<dyn Store>,
    link: Arc<Link>,
    book: Book,
    writes: Arc<Semaphore>,
}

/// Which database's jobs these are, and the key that only those who know its URL have.
#[derive(Clone, Debug)]
pub struct Book {
    scope: String,
    secret: SecretSlice<u8>,
}

impl Book {
    /// `place` names the database without credentials: replicas that name the same share entries. `url` is whole.
    pub fn of(place: &str, url: &str) -> Self {
        let secret = Sha256::new().chain_update("results v1\0").chain_update(url).finalize().to_vec();
        Self { scope: short_hash(place), secret: secret.into() }
    }

    fn key(&self, id: &JobId) -> String {
        format!("job:v1:{}:{id}", self.scope)
    }

    fn mac(&self, key: &str, body: &[u8]) -> Hmac<Sha256> {
        let mac = Hmac::<Sha256>::new_from_slice(self.secret.expose_secret());
        // An HMAC takes a key of any length.
        mac.expect("a key").chain_update(key).chain_update([0]).chain_update(body)
    }

    /// The entry under `key`; `None` where the job may still change, or is too large.
    fn encode(&self, key: &str, job: &JobRecord) -> Option<Vec<u8>> {
        if !is_final(job.status) {
            return None;
        }
        let body = serde_json::to_vec(&Entry::from(job.clone())).ok()?;
        let mut value = self.mac(key, &body).finalize().into_bytes().to_vec();
        value.extend(body);
        (value.len() <= VALUE_BYTES_MAX).then_some(value)
    }

    /// The job that was encoded under `key` by one of us, and nothing else.
    fn decode(&self, key: &str, id: &JobId, value: &[u8]) -> Option<JobRecord> {
        let (tag, body) = value.split_at_checked(TAG_BYTES)?;
        self.mac(key, body).verify_slice(tag).ok()?;
        let job = serde_json::from_slice::<Entry>(body).ok()?.into_job()?;
        (job.id == *id && is_final(job.status)).then_some(job)
    }
}

/// Sixteen characters that tell places apart.
pub fn short_hash(place: &str) -> String {
    Sha256::digest(place).iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}

fn is_final(status: JobStatus) -> bool {
    match status {
        JobStatus::Completed => true,
        // A failed job may be tried anew.
        JobStatus::Pending | JobStatus::Running | JobStatus::Failed => false,
    }
}

/// What Redis said of a job.
enum Found {
    Job(Box<JobRecord>),
    Nothing,
    /// Something that is not ours.
    Stranger,
    Away,
}

impl CachedJobs {
    /// Reads through Redis, over `link`, what `store` holds.
    pub fn new(store: Arc<dyn Store>, link: Arc<Link>, book: Book) -> Self {
        Self { store, link, book, writes: Arc::new(Semaphore::new(WRITES_MAX)) }
    }

    async fn find(&self, key: &str, id: &JobId) -> Found {
        // One byte more than any entry has, so that a larger value is known and not fetched.
        let get = redis::cmd("GETRANGE").arg(key).arg(0).arg(VALUE_BYTES_MAX).to_owned();
        match self.link.ask::<Vec<u8>>(&get, READ_BOUND).await {
            Ok(value) if value.is_empty() => Found::Nothing,
            Ok(value) if value.len() > VALUE_BYTES_MAX => Found::Stranger,
            Ok(value) => {
                self.book.decode(key, id, &value).map_or(Found::Stranger, |job| Found::Job(Box::new(job)))
            }
            Err(LinkError::Refused(_)) => Found::Stranger,
            Err(LinkError::Away) => Found::Away,
        }
    }

    /// Keeps a finished job, behind the reader's back.
    fn keep(&self, key: String, job: &JobRecord) {
        let Ok(permit) = self.writes.clone().try_acquire_owned() else { return };
        let Some(value) = self.book.encode(&key, job) else { return };
        let link = self.link.clone();
        tokio::spawn(async move {
            let kept_ms = KEPT.as_millis() as u64;
            let set = redis::cmd("SET").arg(key).arg(value).arg("PX").arg(kept_ms).to_owned();
            link.ask::<()>(&set, COMMAND_BOUND).await.ok();
            drop(permit);
        });
    }
}

#[async_trait]
impl JobReader for CachedJobs {
    async fn job(&self, id: &JobId) -> Result<Option<JobRecord>, StoreError> {
        let key = self.link.key(&self.book.key(id));
        let found = self.find(&key, id).await;
        let outcome = match &found {
            Found::Job(_) => "hit",
            Found::Nothing => "miss",
            Found::Stranger => "rejected",
            Found::Away => "away",
        };
        metrics::counter!(READS, "outcome" => outcome).increment(1);
        match found {
            Found::Job(job) => return Ok(Some(*job)),
            Found::Stranger => {
                tracing::warn!(job.id = %id, "Redis held an entry that is not ours; it is dropped");
                let unlink = redis::cmd("UNLINK").arg(&key).to_owned();
                self.link.ask::<()>(&unlink, COMMAND_BOUND).await.ok();
            }
            Found::Nothing | Found::Away => {}
        }
        let job = self.store.job(id).await?;
        if let (Some(job), true) = (&job, outcome != "away") {
            self.keep(key, job);
        }
        Ok(job)
    }
}

/// A [`JobRecord`] as Redis keeps it; a change of its form is a new version in the key.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    id: JobId,
    subject: Subject,
    origin: String,
    status: String,
    input_data: Value,
    config: Value,
    result: Option<Value>,
    skipped: Option<String>,
    error: Option<String>,
    progress: f64,
    attempts: u32,
    correlation_id: String,
    created_at_ms: i64,
    started_at_ms: Option<i64>,
    completed_at_ms: Option<i64>,
}

impl From<JobRecord> for Entry {
    fn from(job: JobRecord) -> Self {
        Self {
            id: job.id,
            subject: job.subject,
            origin: job.origin.as_str().to_owned(),
            status: job.status.as_str().to_owned(),
            input_data: job.input_data,
            config: job.config,
            result: job.result,
            skipped: job.skipped.map(|reason| reason.code().to_owned()),
            error: job.error,
            progress: job.progress,
            attempts: job.attempts,
            correlation_id: job.correlation_id,
            created_at_ms: job.created_at_ms,
            started_at_ms: job.started_at_ms,
            completed_at_ms: job.completed_at_ms,
        }
    }
}

impl Entry {
    fn into_job(self) -> Option<JobRecord> {
        let skipped = match self.skipped {
            None => None,
            Some(code) => Some(SkipReason::parse(&code)?),
        };
        Some(JobRecord {
            id: self.id,
            subject: self.subject,
            origin: Origin::parse(&self.origin)?,
            status: JobStatus::parse(&self.status)?,
            input_data: self.input_data,
            config: self.config,
            result: self.result,
            skipped,
            error: self.error,
            progress: self.progress,
            attempts: self.attempts,
            correlation_id: self.correlation_id,
            created_at_ms: self.created_at_ms,
            started_at_ms: self.started_at_ms,
            completed_at_ms: self.completed_at_ms,
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn job(status: JobStatus) -> JobRecord {
        JobRecord {
            id: JobId("j-1".into()),
            subject: Subject::FundedAccount("f-1".into()),
            origin: Origin::Api,
            status,
            input_data: json!({"tradeHistory": [{"pnl": 0.1}]}),
            config: json!({"seed": 9_007_199_254_740_991_u64}),
            result: Some(json!({"value": 1.0, "lower": 5e-324, "upper": 0.1 + 0.2})),
            skipped: None,
            error: None,
            progress: 1.0,
            attempts: 2,
            correlation_id: "c".into(),
            created_at_ms: 1,
            started_at_ms: Some(2),
            completed_at_ms: Some(3),
        }
    }

    #[test]
    fn a_completed_job_comes_back_to_the_bit_and_one_that_may_change_is_not_kept() {
        let book = Book::of("db/jobs", "postgres://u:p@db/jobs");
        let value = book.encode("k", &job(JobStatus::Completed)).expect("final");
        assert_eq!(book.decode("k", &JobId("j-1".into()), &value), Some(job(JobStatus::Completed)));
        for status in [JobStatus::Pending, JobStatus::Running, JobStatus::Failed] {
            assert_eq!(book.encode("k", &job(status)), None, "{status:?}");
        }
        let large = JobRecord { input_data: json!("x".repeat(VALUE_BYTES_MAX)), ..job(JobStatus::Completed) };
        assert_eq!(book.encode("k", &large), None);
    }

    #[test]
    fn nothing_but_our_own_entry_is_taken_for_it() {
        let book = Book::of("db/jobs", "postgres://u:p@db/jobs");
        let id = JobId("j-1".into());
        let value = book.encode("k", &job(JobStatus::Completed)).expect("final");
        for (at, _) in value.iter().enumerate() {
            let mut flipped = value.clone();
            flipped[at] ^= 1;
            assert_eq!(book.decode("k", &id, &flipped), None, "bit of byte {at}");
            assert_eq!(book.decode("k", &id, &value[..at]), None, "cut at {at}");
        }
        assert_eq!(book.decode("other", &id, &value), None, "copied from another key");
        assert_eq!(book.decode("k", &JobId("j-2".into()), &value), None, "another job's");
        let stranger = Book::of("db/jobs", "postgres://u:guess@db/jobs");
        let forged = stranger.encode("k", &job(JobStatus::Completed)).expect("final");
        assert_eq!(book.decode("k", &id, &forged), None, "by somebody without the database's URL");
        let running = Entry::from(job(JobStatus::Running));
        let body = serde_json::to_vec(&running).expect("JSON");
        let signed = [&book.mac("k", &body).finalize().into_bytes()[..], &body].concat();
        assert_eq!(book.decode("k", &id, &signed), None, "may still change");
    }
}
