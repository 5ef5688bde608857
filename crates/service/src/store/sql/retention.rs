//! What is old goes, a batch a transaction.

use async_trait::async_trait;

use super::SqlStore;
use super::arg::{Arg, args};
use super::fault::Fault;
use super::records;
use super::session::{Scope, Session};
use super::work::Work;
use crate::jobs::events::EventKind;
use crate::jobs::ids::JobId;
use crate::store::retention::{Aged, EndedJob, EndedPage, PurgedJobs, Retention, outlives_its_job};
use crate::store::{Cursor, StoreError};

/// By creation, for which there is an index; whoever looks sees by `ended_for_ms` that a job of that age ended late. So a
/// page touches no more rows than it has. The service that was here before did not always say when a job ended.
const SELECT_ENDED: &str = "
    SELECT id, created_at_ms, {now} - coalesce(completed_at_ms, created_at_ms) AS ended_for_ms
    FROM simulation_jobs {by simulation_jobs_by_status}
    WHERE status = $1 AND created_at_ms <= {now} - $2 AND (created_at_ms, id) > ($3, $4)
    ORDER BY created_at_ms, id
    LIMIT $5";

/// Not asked for by `published_at_ms`: all that waits for a broker may be more than these.
const SELECT_EVENTS: &str = "
    SELECT outbox.job_id, outbox.published_at_ms IS NULL AS is_unsent
    FROM {rows event_id:uuid} JOIN outbox ON outbox.event_id = given.event_id";

/// First of all, for it locks the jobs: whoever has one tried anew was quicker, or finds none.
const DELETE_JOBS: &str = "
    DELETE FROM simulation_jobs
    WHERE id IN (SELECT given.id FROM {rows id:text})
        AND status NOT IN ('pending', 'running') AND coalesce(completed_at_ms, created_at_ms) <= {now} - $2
    RETURNING id, dedupe_key, origin";

/// Nobody bears such a key now. That is asked by the key itself, so that PostgreSQL at SERIALIZABLE sees whom an intake
/// that inserts it at this moment must not pass by.
const INSERT_SPENT: &str = "
    INSERT INTO spent_keys (dedupe_key, job_id, spent_at_ms)
    SELECT dedupe_key, job_id, {now} FROM {rows dedupe_key:text job_id:text}
    WHERE NOT EXISTS (SELECT 1 FROM simulation_jobs AS bearer WHERE bearer.dedupe_key = given.dedupe_key)
    ON CONFLICT (dedupe_key) DO UPDATE SET job_id = excluded.job_id, spent_at_ms = excluded.spent_at_ms";

const DELETE_INPUTS: &str =
    "DELETE FROM simulation_inputs WHERE job_id IN (SELECT given.id FROM {rows id:text})";

const DELETE_RESULTS: &str =
    "DELETE FROM simulation_results WHERE job_id IN (SELECT given.id FROM {rows id:text})";

const DELETE_SKIPS: &str =
    "DELETE FROM simulation_skips WHERE job_id IN (SELECT given.id FROM {rows id:text})";

const DELETE_IDEMPOTENCY_KEYS: &str =
    "DELETE FROM idempotency_keys WHERE job_id IN (SELECT given.id FROM {rows id:text})";

const DELETE_EVENTS: &str = "
    DELETE FROM outbox
    WHERE event_id IN (SELECT given.event_id FROM {rows event_id:uuid}) AND published_at_ms IS NOT NULL";

const DELETE_DEAD_LETTERS: &str = "
    WITH old AS MATERIALIZED (
        SELECT topic, partition_number, message_offset, payload_sha256 FROM poison_messages
        WHERE received_at_ms <= {now} - $1
        ORDER BY received_at_ms, message_offset
        LIMIT $2
        {skip_locked})
    DELETE FROM poison_messages
    WHERE (topic, partition_number, message_offset, payload_sha256) IN (
        SELECT topic, partition_number, message_offset, payload_sha256 FROM old)";

const DELETE_DAILY_RUNS: &str = "
    WITH old AS MATERIALIZED (
        SELECT local_day FROM daily_runs
        WHERE state <> 'open' AND ended_at_ms <= {now} - $1
        ORDER BY local_day
        LIMIT $2
        {skip_locked})
    DELETE FROM daily_runs
    WHERE local_day IN (SELECT local_day FROM old) AND state <> 'open'";

const DELETE_SPENT_KEYS: &str = "
    WITH old AS MATERIALIZED (
        SELECT dedupe_key FROM spent_keys
        WHERE spent_at_ms <= {now} - $1
        ORDER BY spent_at_ms
        LIMIT $2
        {skip_locked})
    DELETE FROM spent_keys WHERE dedupe_key IN (SELECT dedupe_key FROM old)";

struct Ended<'a>(&'a EndedPage);

impl Work for Ended<'_> {
    type Answer = Vec<EndedJob>;
    const OPERATION: &'static str = "ended_jobs";
    const SCOPE: Scope = Scope::Read;
    const REPEATABLE: bool = true;

    async fn run(&self, session: &mut Session) -> Result<Vec<EndedJob>, Fault> {
        let EndedPage { status, older_than_ms, after, limit } = self.0;
        let (created_at_ms, id) = match after {
            None => (i64::MIN, ""),
            Some(Cursor { created_at_ms, id }) => (*created_at_ms, id.0.as_str()),
        };
        let args = args![status.as_str(), *older_than_ms, created_at_ms, id, *limit];
        let answer = session.run(SELECT_ENDED, args).await?;
        let mut jobs = answer.rows.iter().map(records::ended).collect::<Result<Vec<_>, Fault>>()?;
        for row in session.each(SELECT_EVENTS, &events(jobs.iter().map(|job| &job.id)), &[]).await?.rows {
            let (id, is_unsent): (String, bool) = (row.get("job_id")?, row.get("is_unsent")?);
            if let Some(job) = jobs.iter_mut().find(|job| is_unsent && job.id.0 == id) {
                job.has_unsent = true;
            }
        }
        Ok(jobs)
    }
}

struct PurgeJobs<'a> {
    ids: &'a [JobId],
    older_than_ms: u64,
}

impl Work for PurgeJobs<'_> {
    type Answer = PurgedJobs;
    const OPERATION: &'static str = "purge_jobs";
    const SCOPE: Scope = Scope::Transaction;
    const REPEATABLE: bool = true;

    async fn run(&self, session: &mut Session) -> Result<PurgedJobs, Fault> {
        let asked: Vec<_> = self.ids.iter().map(|id| args![&id.0]).collect();
        let gone = session.each(DELETE_JOBS, &asked, &[Arg::from(self.older_than_ms)]).await?.rows;
        let (mut ids, mut spent) = (Vec::with_capacity(gone.len()), Vec::new());
        for row in &gone {
            let (id, key): (String, Option<String>) = (row.get("id")?, row.get("dedupe_key")?);
            if let Some(key) = key
                && outlives_its_job(records::origin(row)?)
            {
                spent.push(args![key, id.clone()]);
            }
            ids.push(JobId(id));
        }
        // Locked in one order by all that insert keys.
        spent.sort_by_cached_key(|row| format!("{row:?}"));
        session.each(INSERT_SPENT, &spent, &[]).await?;
        let jobs: Vec<_> = ids.iter().map(|id| args![&id.0]).collect();
        let mut purged = PurgedJobs { jobs: ids.len() as u64, ..PurgedJobs::default() };
        for sql in [DELETE_INPUTS, DELETE_RESULTS, DELETE_SKIPS] {
            purged.documents += session.each(sql, &jobs, &[]).await?.affected;
        }
        purged.idempotency_keys = session.each(DELETE_IDEMPOTENCY_KEYS, &jobs, &[]).await?.affected;
        purged.events = session.each(DELETE_EVENTS, &events(&ids), &[]).await?.affected;
        Ok(purged)
    }
}

struct PurgeAged {
    kind: Aged,
    older_than_ms: u64,
    limit: u32,
}

impl Work for PurgeAged {
    type Answer = u64;
    const OPERATION: &'static str = "purge_aged";
    const SCOPE: Scope = Scope::Statement;
    const REPEATABLE: bool = true;

    async fn run(&self, session: &mut Session) -> Result<u64, Fault> {
        let sql = match self.kind {
            Aged::DeadLetters => DELETE_DEAD_LETTERS,
            Aged::DailyRuns => DELETE_DAILY_RUNS,
            Aged::SpentKeys => DELETE_SPENT_KEYS,
        };
        Ok(session.run(sql, args![self.older_than_ms, self.limit]).await?.affected)
    }
}

/// The ids that the jobs' messages have, if there are any.
fn events<'a>(ids: impl IntoIterator<Item = &'a JobId>) -> Vec<Vec<Arg<'static>>> {
    let of = |id: &JobId| [EventKind::Started, EventKind::Completed].map(|kind| args![kind.id_for(id)]);
    ids.into_iter().flat_map(of).collect()
}

#[async_trait]
impl Retention for SqlStore {
    async fn ended_jobs(&self, page: &EndedPage) -> Result<Vec<EndedJob>, StoreError> {
        self.runner.perform(&Ended(page)).await
    }

    async fn purge_jobs(&self, ids: &[JobId], older_than_ms: u64) -> Result<PurgedJobs, StoreError> {
        self.runner.perform(&PurgeJobs { ids, older_than_ms }).await
    }

    async fn purge_aged(&self, kind: Aged, older_than_ms: u64, limit: u32) -> Result<u64, StoreError> {
        self.runner.perform(&PurgeAged { kind, older_than_ms, limit }).await
    }
}
