//! Lets go of what has been kept long enough: ended jobs with all that belongs to them, daily runs, messages that could not
//! be read, and the keys of jobs that went long ago.
//!
//! Every replica goes round by itself; what one has deleted, another does not find. A round walks through what may be old in
//! small batches, each a transaction of its own, with a pause after each. `verdict` decides what goes, and is pure.

mod verdict;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use self::verdict::{Verdict, verdict};
use crate::store::retention::{Aged, EndedPage, Retention};
use crate::store::{Cursor, JobStatus, StoreError};

/// Jobs of one batch, and rows of any other: their locks are held for some tens of milliseconds.
pub const BATCH_MAX: u32 = 200;
/// After each batch, so that whoever works has the database for most of the time.
const PAUSE: Duration = Duration::from_millis(100);
/// From the end of a round to the next: days are counted, not minutes.
const ROUND_EVERY: Duration = Duration::from_secs(3_600);
/// The same where the database failed it.
const RETRY_EVERY: Duration = Duration::from_secs(60);
/// How long the key of a purged job stops duplicates: longer than any topic keeps a message.
pub const KEYS_KEPT: Duration = Duration::from_secs(400 * 24 * 3_600);

/// One replica's cleaner.
pub struct Cleaner {
    pub store: Arc<dyn Retention>,
    /// How long anything is kept that has ended.
    pub keep: Duration,
}

/// What a round deleted, by kind.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Round {
    pub purged: BTreeMap<&'static str, u64>,
    /// Old jobs that stay because a message of theirs has not left.
    pub unsent: u64,
}

impl Cleaner {
    /// Goes round until `stop`.
    pub async fn run(self, stop: CancellationToken) {
        while !stop.is_cancelled() {
            let (outcome, pause) = match self.round(&stop).await {
                Ok(round) => {
                    round.tell();
                    ("finished", ROUND_EVERY)
                }
                Err(error) => {
                    tracing::warn!(%error, "what is old cannot be deleted yet");
                    ("failed", RETRY_EVERY)
                }
            };
            metrics::counter!("retention_rounds_total", "outcome" => outcome).increment(1);
            // Jittered, so that replicas do not go round in step.
            let pause = pause.mul_f64(0.75 + fastrand::f64() / 2.0);
            stop.run_until_cancelled(tokio::time::sleep(pause)).await;
        }
    }

    /// Deletes all that is old now; less where `stop` comes first.
    ///
    /// # Errors
    /// Where the database fails it; what is deleted by then is gone.
    pub async fn round(&self, stop: &CancellationToken) -> Result<Round, StoreError> {
        let mut round = Round::default();
        for status in [JobStatus::Completed, JobStatus::Failed] {
            self.jobs(status, &mut round, stop).await?;
        }
        for (kind, name, keep) in [
            (Aged::DeadLetters, "dead_letter", self.keep),
            (Aged::DailyRuns, "daily_run", self.keep),
            (Aged::SpentKeys, "spent_key", KEYS_KEPT),
        ] {
            while !stop.is_cancelled() {
                let rows = self.store.purge_aged(kind, ms(keep), BATCH_MAX).await?;
                round.count(name, rows);
                if rows < u64::from(BATCH_MAX) {
                    break;
                }
                pause(stop).await;
            }
        }
        Ok(round)
    }

    /// Walks once through the ended jobs that are old enough by their creation, so that those that stay are passed once.
    async fn jobs(
        &self,
        status: JobStatus,
        round: &mut Round,
        stop: &CancellationToken,
    ) -> Result<(), StoreError> {
        let older_than_ms = ms(self.keep);
        let mut page = EndedPage { status, older_than_ms, after: None, limit: BATCH_MAX };
        while !stop.is_cancelled() {
            let jobs = self.store.ended_jobs(&page).await?;
            let mut old = Vec::new();
            for job in &jobs {
                match verdict(job, self.keep) {
                    Verdict::Purge => old.push(job.id.clone()),
                    Verdict::Unsent => round.unsent += 1,
                    Verdict::Young => {}
                }
            }
            if !old.is_empty() {
                let purged = self.store.purge_jobs(&old, older_than_ms).await?;
                round.count("job", purged.jobs);
                round.count("document", purged.documents);
                round.count("event", purged.events);
                round.count("idempotency_key", purged.idempotency_keys);
            }
            let Some(last) = jobs.last().filter(|_| jobs.len() >= BATCH_MAX as usize) else { break };
            page.after = Some(Cursor { created_at_ms: last.created_at_ms, id: last.id.clone() });
            pause(stop).await;
        }
        Ok(())
    }
}

impl Round {
    fn count(&mut self, kind: &'static str, rows: u64) {
        metrics::counter!("retention_purged_rows_total", "kind" => kind).increment(rows);
        *self.purged.entry(kind).or_default() += rows;
    }

    fn tell(&self) {
        let of = |kind: &str| self.purged.get(kind).copied().unwrap_or_default();
        if self.unsent > 0 {
            tracing::warn!(jobs = self.unsent, "old jobs stay until their events have left");
        }
        if self.purged.values().any(|rows| *rows > 0) {
            tracing::info!(
                jobs = of("job"),
                documents = of("document"),
                events = of("event"),
                idempotency_keys = of("idempotency_key"),
                dead_letters = of("dead_letter"),
                daily_runs = of("daily_run"),
                spent_keys = of("spent_key"),
                "what was kept long enough is deleted"
            );
        }
    }
}

async fn pause(stop: &CancellationToken) {
    stop.run_until_cancelled(tokio::time::sleep(PAUSE)).await;
}

fn ms(span: Duration) -> u64 {
    span.as_millis() as u64
}
