//! A store in memory with as much truth in it as the API can see.

use std::collections::HashMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use monte_carlo_service::jobs::events::OutboxMessage;
use monte_carlo_service::jobs::ids::{JobId, Lease};
use monte_carlo_service::jobs::input::StoredInput;
use monte_carlo_service::jobs::machine::CANCELLED;
use monte_carlo_service::store::by_hand::{ByHand, Moved};
use monte_carlo_service::store::dead_letters::{
    DeadJob, DeadLetter, DeadLetters, Letter, LetterId, LetterKind, LetterName, Revival, merge,
};
use monte_carlo_service::store::{
    Backlog, Beat, ClaimRequest, ClaimedJob, Creation, Cursor, Examination, ExpiredLease, IdempotencyKey,
    IntakeBatch, IntakeOutcome, JobFilter, JobRecord, JobStatus, NewJob, Settlement, Store, StoreError,
    Write,
};
use serde_json::json;
use uuid::Uuid;

/// 2026-11-24T06:00:00Z.
pub(crate) const FIRST_CREATED_AT_MS: i64 = 1_795_500_000_000;

#[derive(Default)]
pub(crate) struct Books {
    pub(crate) created: Mutex<Vec<NewJob>>,
    pub(crate) records: Mutex<Vec<JobRecord>>,
    /// Newest first.
    pub(crate) letters: Mutex<Vec<DeadLetter>>,
    keys: Mutex<HashMap<String, (String, JobId)>>,
    pub(crate) is_down: AtomicBool,
    pub(crate) is_unmigrated: AtomicBool,
    /// Lists never come.
    pub(crate) is_stuck: AtomicBool,
}

impl Books {
    fn is_up(&self) -> Result<(), StoreError> {
        if self.is_down.load(Ordering::SeqCst) {
            let text = "SELECT hunter2 FROM secrets: connection refused";
            return Err(StoreError::Unavailable(text.to_owned()));
        }
        Ok(())
    }

    fn dead_jobs(&self) -> Vec<DeadJob> {
        let records = self.records.lock().unwrap();
        let failed = records.iter().rev().filter(|job| job.status == JobStatus::Failed);
        let dead = failed.filter(|job| job.error.as_deref() != Some(CANCELLED));
        dead.map(|job| DeadJob {
            id: job.id.clone(),
            subject: job.subject.clone(),
            origin: job.origin,
            config: job.config.clone(),
            reason: job.error.clone().unwrap(),
            attempts: job.attempts,
            created_at_ms: job.created_at_ms,
            failed_at_ms: job.completed_at_ms.unwrap_or(job.created_at_ms),
        })
        .collect()
    }

    fn insert(&self, job: &NewJob) {
        let mut records = self.records.lock().unwrap();
        let created_at_ms = FIRST_CREATED_AT_MS + records.len() as i64;
        records.push(JobRecord {
            id: job.id.clone(),
            subject: job.subject.clone(),
            origin: job.origin,
            status: JobStatus::Pending,
            input_data: job.input.as_ref().map_or_else(|| json!({}), |input| input.full.clone()),
            config: job.config.clone(),
            result: None,
            skipped: None,
            error: None,
            progress: 0.0,
            attempts: 0,
            correlation_id: job.trace.correlation_id.clone(),
            created_at_ms,
            started_at_ms: None,
            completed_at_ms: None,
        });
        self.created.lock().unwrap().push(job.clone());
    }
}

#[async_trait]
impl Store for Books {
    async fn ping(&self) -> Result<(), StoreError> {
        self.is_up()
    }

    async fn migrate(&self) -> Result<(), StoreError> {
        unreachable!("the API does not migrate")
    }

    async fn is_migrated(&self) -> Result<bool, StoreError> {
        Ok(!self.is_unmigrated.load(Ordering::SeqCst))
    }

    async fn examine(&self) -> Result<Examination, StoreError> {
        unreachable!("only `doctor` asks")
    }
    async fn record_intake(&self, _: &IntakeBatch) -> Result<IntakeOutcome, StoreError> {
        unreachable!("the API takes no batches in")
    }

    async fn create(&self, job: &NewJob, key: Option<&IdempotencyKey>) -> Result<Creation, StoreError> {
        self.is_up()?;
        if let Some(key) = key {
            let mut keys = self.keys.lock().unwrap();
            match keys.get(&key.key) {
                Some((hash, id)) if *hash == key.body_hash => return Ok(Creation::Replayed(id.clone())),
                Some(_) => return Ok(Creation::KeyReused),
                None => keys.insert(key.key.clone(), (key.body_hash.clone(), job.id.clone())),
            };
        }
        self.insert(job);
        Ok(Creation::Created)
    }

    async fn claim(&self, _: ClaimRequest) -> Result<Vec<ClaimedJob>, StoreError> {
        unreachable!("the API claims nothing")
    }

    async fn beat(&self, _: &[Beat], _: u64) -> Result<Vec<Lease>, StoreError> {
        unreachable!("the API holds no leases")
    }

    async fn held(&self, _: &[Lease]) -> Result<Vec<Lease>, StoreError> {
        unreachable!("the API holds no leases")
    }

    async fn save_input(&self, _: &Lease, _: &StoredInput) -> Result<Write, StoreError> {
        unreachable!("the API holds no leases")
    }

    async fn settle(&self, _: &Lease, _: &Settlement) -> Result<Write, StoreError> {
        unreachable!("the API settles nothing")
    }

    async fn follow_clock(&self, _: u64, _: u64) -> Result<u64, StoreError> {
        unreachable!("the API sweeps nothing")
    }

    async fn expired(&self, _: u32) -> Result<Vec<ExpiredLease>, StoreError> {
        unreachable!("the API sweeps nothing")
    }

    async fn lease_outbox(&self, _: Uuid, _: u32, _: u64) -> Result<Vec<OutboxMessage>, StoreError> {
        unreachable!("the API publishes nothing")
    }

    async fn hold_outbox(&self, _: Uuid, _: &[Uuid], _: u64) -> Result<(), StoreError> {
        unreachable!("the API publishes nothing")
    }

    async fn mark_published(&self, _: &[Uuid]) -> Result<(), StoreError> {
        unreachable!("the API publishes nothing")
    }

    async fn release_outbox(&self, _: Uuid, _: &[Uuid]) -> Result<(), StoreError> {
        unreachable!("the API publishes nothing")
    }

    async fn job(&self, id: &JobId) -> Result<Option<JobRecord>, StoreError> {
        self.is_up()?;
        match id.0.as_str() {
            "panics" => panic!("hunter2"),
            "corrupt" => Err(StoreError::Corrupt("hunter2".to_owned())),
            "hangs" => std::future::pending().await,
            _ => Ok(self.records.lock().unwrap().iter().find(|job| job.id == *id).cloned()),
        }
    }

    async fn jobs(
        &self,
        filter: &JobFilter,
        limit: u32,
        cursor: Option<&Cursor>,
    ) -> Result<Vec<JobRecord>, StoreError> {
        if self.is_stuck.load(Ordering::SeqCst) {
            std::future::pending::<()>().await;
        }
        self.is_up()?;
        let holds = |job: &JobRecord| {
            let is =
                |wish: &Option<String>, id: Option<&str>| wish.as_deref().is_none_or(|wish| id == Some(wish));
            is(&filter.assessment_id, job.subject.assessment_id())
                && is(&filter.funded_account_id, job.subject.funded_account_id())
                && filter.status.is_none_or(|status| job.status == status)
                && cursor.is_none_or(|after| (job.created_at_ms, &job.id) < (after.created_at_ms, &after.id))
        };
        let records = self.records.lock().unwrap();
        let mut jobs: Vec<_> = records.iter().filter(|job| holds(job)).cloned().collect();
        jobs.sort_by(|a, b| (b.created_at_ms, &b.id).cmp(&(a.created_at_ms, &a.id)));
        jobs.truncate(limit as usize);
        Ok(jobs)
    }

    async fn backlog(&self, _: u32) -> Result<Backlog, StoreError> {
        unreachable!("the API counts no backlog")
    }
}

impl Books {
    fn move_on(&self, id: &JobId, step: impl FnOnce(&mut JobRecord) -> bool) -> Result<Moved, StoreError> {
        self.is_up()?;
        let mut records = self.records.lock().unwrap();
        let Some(job) = records.iter_mut().find(|job| job.id == *id) else { return Ok(Moved::Unknown) };
        Ok(if step(job) { Moved::Done } else { Moved::Refused(job.status) })
    }
}

#[async_trait]
impl ByHand for Books {
    async fn cancel(&self, id: &JobId) -> Result<Moved, StoreError> {
        self.move_on(id, |job| {
            if matches!(job.status, JobStatus::Pending | JobStatus::Running) {
                job.status = JobStatus::Failed;
                job.error = Some(CANCELLED.to_owned());
            }
            job.error.as_deref() == Some(CANCELLED)
        })
    }

    async fn retry(&self, id: &JobId) -> Result<Moved, StoreError> {
        self.move_on(id, |job| {
            let has_failed = job.status == JobStatus::Failed;
            if has_failed {
                job.status = JobStatus::Pending;
            }
            has_failed
        })
    }
}

#[async_trait]
impl DeadLetters for Books {
    async fn dead_letters(
        &self,
        kind: Option<LetterKind>,
        limit: u32,
        after: Option<&Letter>,
    ) -> Result<Vec<Letter>, StoreError> {
        self.is_up()?;
        let mut letters = merge(self.letters.lock().unwrap().clone(), self.dead_jobs(), u32::MAX);
        letters.retain(|letter| {
            kind.is_none_or(|kind| (kind == LetterKind::Job) == matches!(letter, Letter::Job(_)))
        });
        let from = after.map_or(0, |after| 1 + letters.iter().position(|letter| letter == after).unwrap());
        Ok(letters.into_iter().skip(from).take(limit as usize).collect())
    }

    async fn dead_letter(&self, name: &LetterName) -> Result<Option<Letter>, StoreError> {
        let letters = self.dead_letters(None, u32::MAX, None).await?;
        Ok(letters.into_iter().find(|letter| letter.name() == *name))
    }

    async fn revive(&self, id: &LetterId, job: Option<&NewJob>) -> Result<Revival, StoreError> {
        self.letters.lock().unwrap().retain(|letter| letter.id != *id);
        if let Some(job) = job {
            self.insert(job);
        }
        Ok(job.map_or(Revival::Nothing, |job| Revival::Job(job.id.clone())))
    }
}
