//! Workers take jobs.

use std::collections::HashMap;

use serde_json::Value;

use super::arg::args;
use super::fault::Fault;
use super::outbox;
use super::records;
use super::session::{Row, Scope, Session};
use super::work::Work;
use crate::jobs::events;
use crate::jobs::ids::JobId;
use crate::store::{ClaimRequest, ClaimedJob};

/// Takes due jobs of one line in the order of its index. The state is checked again where it changes, and the set is
/// materialized: evaluated twice, a limited and skipping selection would be two different ones. Said as
/// `status = 'pending'`, the second check would have SQLite walk through everything that is pending.
macro_rules! claim {
    ($index:literal, $line:literal) => {
        concat!(
            "
    WITH due AS MATERIALIZED (
        SELECT id FROM simulation_jobs ",
            $index,
            "
        WHERE status = 'pending' AND ",
            $line,
            " AND run_after_ms <= {now}
        ORDER BY run_after_ms, id
        LIMIT $1
        {skip_locked})
    UPDATE simulation_jobs
    SET status = 'running',
        claims = claims + 1,
        attempts = attempts + 1,
        progress = 0,
        error = NULL,
        lease_token = {uuid},
        lease_worker = $2,
        lease_expires_ms = {now} + {least}($3, $4),
        deadline_at_ms = {now} + $4,
        started_at_ms = coalesce(started_at_ms, {now})
    WHERE id IN (SELECT id FROM due) AND status NOT IN ('running', 'completed', 'failed')
    RETURNING id, lease_token, assessment_id, funded_account_id, origin, config, correlation_id, traceparent, tracestate,
        run_after_ms, started_at_ms, claims, attempts, snoozes, progress, started_at_ms - {now} AS started_in_ms,
        lease_expires_ms - {now} AS expires_in_ms, deadline_at_ms - {now} AS deadline_in_ms,
        input_summary IS NOT NULL AS has_input"
        )
    };
}

/// Two lines, so that a book of ten thousand accounts stands in nobody's way. One that had fewer than were asked of it is not
/// asked again.
const CLAIM_PROMPT: &str = claim!("{by simulation_jobs_claim_prompt}", "origin <> 'daily'");
const CLAIM_DAILY: &str = claim!("{by simulation_jobs_claim_daily}", "origin = 'daily'");

const SELECT_INPUTS: &str = "
    SELECT job_id, input FROM {rows id:text} JOIN simulation_inputs ON job_id = id";

pub(super) struct Claim(pub(super) ClaimRequest);

impl Work for Claim {
    type Answer = Vec<ClaimedJob>;
    const OPERATION: &'static str = "claim";
    const SCOPE: Scope = Scope::Transaction;
    /// Jobs claimed unnoticed come back when their leases run out; no need to take more at once.
    const REPEATABLE: bool = false;

    async fn run(&self, session: &mut Session) -> Result<Vec<ClaimedJob>, Fault> {
        let &ClaimRequest { limit, daily_first, .. } = &self.0;
        let daily_first = daily_first.min(limit);
        let mut rows = self.take(session, CLAIM_DAILY, daily_first).await?;
        let has_more_daily = rows.len() as u32 == daily_first;
        rows.extend(self.take(session, CLAIM_PROMPT, limit - rows.len() as u32).await?);
        if has_more_daily {
            rows.extend(self.take(session, CLAIM_DAILY, limit - rows.len() as u32).await?);
        }
        sort_as_due(&mut rows)?;
        announce_first_claims(session, &rows).await?;
        let mut inputs = inputs(session, &rows).await?;
        rows.iter()
            .map(|row| {
                let mut job = records::claimed(row)?;
                job.input = inputs.remove(&job.lease.job);
                Ok(job)
            })
            .collect()
    }
}

impl Claim {
    /// Up to `places` jobs of a line.
    async fn take(&self, session: &mut Session, line: &str, places: u32) -> Result<Vec<Row>, Fault> {
        if places == 0 {
            return Ok(Vec::new());
        }
        let &ClaimRequest { worker, lease_ms, deadline_ms, .. } = &self.0;
        Ok(session.run(line, args![places, worker.0, lease_ms, deadline_ms]).await?.rows)
    }
}

/// RETURNING has no order of its own.
fn sort_as_due(rows: &mut Vec<Row>) -> Result<(), Fault> {
    let mut keyed = Vec::with_capacity(rows.len());
    for row in rows.drain(..) {
        keyed.push(((row.get::<i64>("run_after_ms")?, row.get::<String>("id")?), row));
    }
    keyed.sort_by(|(one, _), (other, _)| one.cmp(other));
    rows.extend(keyed.into_iter().map(|(_, row)| row));
    Ok(())
}

/// A job starts once, however often it is claimed.
async fn announce_first_claims(session: &mut Session, rows: &[Row]) -> Result<(), Fault> {
    let mut messages = Vec::new();
    for row in rows {
        if row.get::<i64>("claims")? == 1 {
            let job = records::claimed(row)?;
            messages.push(events::started(
                &job.lease.job,
                &job.subject,
                &job.trace,
                row.get("started_at_ms")?,
            ));
        }
    }
    outbox::insert_first(session, &messages).await
}

/// The inputs of those jobs that have one: sent along by the caller, or fetched by an earlier attempt.
async fn inputs(session: &mut Session, rows: &[Row]) -> Result<HashMap<JobId, Value>, Fault> {
    let mut ids = Vec::new();
    for row in rows {
        if row.get::<bool>("has_input")? {
            ids.push(args![row.get::<String>("id")?]);
        }
    }
    session.each(SELECT_INPUTS, &ids, &[]).await?.rows.iter().map(records::input).collect()
}
