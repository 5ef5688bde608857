//! Some accounts' daily jobs, with the progress that they are.

use std::collections::BTreeSet;

use super::arg::{Arg, args};
use super::daily::fenced;
use super::fault::Fault;
use super::intake::insert_jobs;
use super::records;
use super::session::{Scope, Session};
use super::work::Work;
use crate::store::NewJob;
use crate::store::daily::{DailyBatch, DailyCounts, DailyLease};

/// First of all: it locks the run, and whoever lost the lease changes nothing.
const ADVANCE: &str = fenced!(
    "UPDATE daily_runs SET last_account = $3, failures = 0, error = NULL, lease_expires_ms = {now} + $4"
);

const SELECT_COUNTS: &str = "SELECT counts FROM daily_runs WHERE local_day = $1";

const UPDATE_COUNTS: &str = fenced!("UPDATE daily_runs SET counts = $3");

/// Accounts that have a recent result, and not the day's job. A job that was completed within the span was created within
/// it, or in the two days before: no job lives longer than one and its attempts.
const SELECT_RECENT: &str = "
    SELECT given.account FROM {rows account:text dedupe_key:text}
    WHERE EXISTS (
            SELECT 1 FROM simulation_jobs AS job
            JOIN simulation_results AS result ON result.job_id = job.id
            WHERE job.funded_account_id = given.account AND job.status = 'completed'
                AND job.completed_at_ms > {now} - $3 AND job.created_at_ms > {now} - $3 - 172800000)
        AND NOT EXISTS (SELECT 1 FROM simulation_jobs AS job WHERE job.dedupe_key = given.dedupe_key)";

const SELECT_SKIPPED: &str = "
    SELECT skip.reason FROM {rows dedupe_key:text}
    JOIN simulation_jobs AS job ON job.dedupe_key = given.dedupe_key
    JOIN simulation_skips AS skip ON skip.job_id = job.id";

pub(super) struct RecordBatch<'a> {
    pub(super) lease: DailyLease,
    pub(super) batch: &'a DailyBatch,
}

impl Work for RecordBatch<'_> {
    type Answer = Option<DailyCounts>;
    const OPERATION: &'static str = "record_daily_batch";
    const SCOPE: Scope = Scope::Transaction;
    /// The second time would count what the first had inserted as existing.
    const REPEATABLE: bool = false;

    async fn run(&self, session: &mut Session) -> Result<Option<DailyCounts>, Fault> {
        let &Self { lease: DailyLease { day, token }, batch } = self;
        let day = day.to_string();
        let fence = args![&day, token.0];
        let progress = args![&batch.last_account, batch.lease_ms];
        if session.run(ADVANCE, [fence.clone(), progress].concat()).await?.affected == 0 {
            return Ok(None);
        }
        let recent = recently_simulated(session, batch).await?;
        let wanted: Vec<NewJob> =
            batch.jobs.iter().filter(|job| !recent.contains(job.subject.id())).cloned().collect();
        let inserted: BTreeSet<String> = insert_jobs(session, &wanted).await?.into_iter().collect();
        let there = wanted.iter().filter(|job| !inserted.contains(&job.id.0));
        let there: Vec<_> = there.map(|job| args![job.dedupe_key.as_deref()]).collect();
        let skipped = session.each(SELECT_SKIPPED, &there, &[]).await?.rows;

        let row = session.run(SELECT_COUNTS, args![&day]).await?.rows;
        let mut counts = row.first().map(records::daily_counts).transpose()?.unwrap_or_default();
        counts.listed = batch.listed;
        counts.unusable_id = batch.unusable_id;
        counts.recently_simulated += recent.len() as u64;
        counts.created += inserted.len() as u64;
        counts.existing += (there.len() - skipped.len()) as u64;
        for row in &skipped {
            *counts.skipped.entry(row.get("reason")?).or_default() += 1;
        }
        let text = serde_json::json!(counts).to_string();
        session.run(UPDATE_COUNTS, [fence, args![text]].concat()).await?;
        Ok(Some(counts))
    }
}

async fn recently_simulated(session: &mut Session, batch: &DailyBatch) -> Result<BTreeSet<String>, Fault> {
    let Some(span_ms) = batch.skip_recent_ms else { return Ok(BTreeSet::new()) };
    let rows: Vec<_> =
        batch.jobs.iter().map(|job| args![job.subject.id(), job.dedupe_key.as_deref()]).collect();
    let answer = session.each(SELECT_RECENT, &rows, &[Arg::from(span_ms)]).await?;
    Ok(answer.rows.iter().map(|row| row.get("account")).collect::<Result<_, sqlx::Error>>()?)
}
