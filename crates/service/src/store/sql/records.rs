//! Rows as the types of the store.

use serde_json::Value;

use super::fault::Fault;
use super::session::Row;
use crate::jobs::events::OutboxMessage;
use crate::jobs::ids::{JobId, Lease, LeaseToken};
use crate::jobs::machine::{Job, State};
use crate::jobs::skip::SkipReason;
use crate::store::daily::{DailyCounts, DailyRun, DailyState};
use crate::store::dead_letters::DeadJob;
use crate::store::retention::EndedJob;
use crate::store::{ClaimedJob, ExpiredLease, JobRecord, JobStatus, Origin, PoisonMessage};
use crate::telemetry::trace_context::TraceContext;
use monte_carlo_engine::Subject;

/// JSON that cannot be read becomes its text: whoever decodes it refuses that job, and that job alone.
fn json(text: String) -> Value {
    serde_json::from_str(&text).unwrap_or(Value::String(text))
}

fn count(row: &Row, column: &str) -> Result<u32, Fault> {
    let number: i64 = row.get(column)?;
    u32::try_from(number).map_err(|_| Fault::Corrupt(format!("{column} = {number}")))
}

fn subject(row: &Row) -> Result<Subject, Fault> {
    match (row.get("assessment_id")?, row.get("funded_account_id")?) {
        (Some(id), None) => Ok(Subject::Assessment(id)),
        (None, Some(id)) => Ok(Subject::FundedAccount(id)),
        _ => Err(Fault::Corrupt("a job without one subject".into())),
    }
}

/// How a job came to be.
pub(super) fn origin(row: &Row) -> Result<Origin, Fault> {
    let name: String = row.get("origin")?;
    Origin::parse(&name).ok_or_else(|| Fault::Corrupt(format!("origin {name:?}")))
}

/// From columns `id`, `lease_token`.
pub(super) fn lease(row: &Row) -> Result<Lease, Fault> {
    Ok(Lease { job: JobId(row.get("id")?), token: LeaseToken(row.get("lease_token")?) })
}

/// A claimed row; its input is not in it.
pub(super) fn claimed(row: &Row) -> Result<ClaimedJob, Fault> {
    Ok(ClaimedJob {
        lease: lease(row)?,
        subject: subject(row)?,
        origin: origin(row)?,
        config: json(row.get("config")?),
        input: None,
        trace: TraceContext {
            correlation_id: row.get("correlation_id")?,
            traceparent: row.get("traceparent")?,
            tracestate: row.get("tracestate")?,
        },
        job: running(row)?,
    })
}

/// A running row as the machine knows it, its times counted from the query's now.
fn running(row: &Row) -> Result<Job, Fault> {
    Ok(Job {
        started_at_ms: Some(row.get("started_in_ms")?),
        claims: count(row, "claims")?,
        attempts: count(row, "attempts")?,
        snoozes: count(row, "snoozes")?,
        state: State::Running {
            token: lease(row)?.token,
            expires_at_ms: row.get("expires_in_ms")?,
            deadline_at_ms: row.get("deadline_in_ms")?,
            progress: row.get("progress")?,
        },
    })
}

/// From columns `job_id`, `input`.
pub(super) fn input(row: &Row) -> Result<(JobId, Value), Fault> {
    Ok((JobId(row.get("job_id")?), json(row.get("input")?)))
}

pub(super) fn expired(row: &Row) -> Result<ExpiredLease, Fault> {
    Ok(ExpiredLease { lease: lease(row)?, job: running(row)? })
}

/// An ended job; its messages are not in the row.
pub(super) fn ended(row: &Row) -> Result<EndedJob, Fault> {
    Ok(EndedJob {
        id: JobId(row.get("id")?),
        created_at_ms: row.get("created_at_ms")?,
        ended_for_ms: row.get("ended_for_ms")?,
        has_unsent: false,
    })
}

/// A job that failed, with `failed_at_ms`.
pub(super) fn dead_job(row: &Row) -> Result<DeadJob, Fault> {
    Ok(DeadJob {
        id: JobId(row.get("id")?),
        subject: subject(row)?,
        origin: origin(row)?,
        config: json(row.get("config")?),
        reason: row.get("error")?,
        attempts: count(row, "attempts")?,
        created_at_ms: row.get("created_at_ms")?,
        failed_at_ms: row.get("failed_at_ms")?,
    })
}

/// Where a job stands.
pub(super) fn status(row: &Row) -> Result<JobStatus, Fault> {
    let status: String = row.get("status")?;
    JobStatus::parse(&status).ok_or_else(|| Fault::Corrupt(format!("status {status:?}")))
}

/// A job with `input` (whole or summary), `result` and `skip_reason` beside it.
pub(super) fn job(row: &Row) -> Result<JobRecord, Fault> {
    let skipped: Option<String> = row.get("skip_reason")?;
    let skipped = skipped
        .map(|code| SkipReason::parse(&code).ok_or_else(|| Fault::Corrupt(format!("skipped for {code:?}"))));
    let input: Option<String> = row.get("input")?;
    let result: Option<String> = row.get("result")?;
    Ok(JobRecord {
        id: JobId(row.get("id")?),
        subject: subject(row)?,
        origin: origin(row)?,
        status: status(row)?,
        input_data: input.map_or_else(|| Value::Object(serde_json::Map::new()), json),
        config: json(row.get("config")?),
        result: result.map(json),
        skipped: skipped.transpose()?,
        error: row.get("error")?,
        progress: row.get("progress")?,
        attempts: count(row, "attempts")?,
        correlation_id: row.get("correlation_id")?,
        created_at_ms: row.get("created_at_ms")?,
        started_at_ms: row.get("started_at_ms")?,
        completed_at_ms: row.get("completed_at_ms")?,
    })
}

/// From column `counts`.
pub(super) fn daily_counts(row: &Row) -> Result<DailyCounts, Fault> {
    let counts: String = row.get("counts")?;
    serde_json::from_str(&counts).map_err(|error| Fault::Corrupt(format!("counts of a daily run: {error}")))
}

pub(super) fn daily_run(row: &Row) -> Result<DailyRun, Fault> {
    let (day, state): (String, String) = (row.get("local_day")?, row.get("state")?);
    Ok(DailyRun {
        day: day.parse().map_err(|_| Fault::Corrupt(format!("a daily run of {day:?}")))?,
        state: DailyState::parse(&state)
            .ok_or_else(|| Fault::Corrupt(format!("a daily run that is {state:?}")))?,
        last_account: row.get("last_account")?,
        counts: daily_counts(row)?,
        failures: count(row, "failures")?,
        error: row.get("error")?,
        opened_at_ms: row.get("opened_at_ms")?,
    })
}

pub(super) fn outbox_message(row: &Row) -> Result<OutboxMessage, Fault> {
    let headers: String = row.get("headers")?;
    let event_id = row.get("event_id")?;
    Ok(OutboxMessage {
        event_id,
        job: JobId(row.get("job_id")?),
        topic: row.get("topic")?,
        key: row.get("message_key")?,
        payload: row.get("payload")?,
        headers: serde_json::from_str(&headers)
            .map_err(|error| Fault::Corrupt(format!("headers of event {event_id}: {error}")))?,
    })
}

pub(super) fn poison(row: &Row) -> Result<PoisonMessage, Fault> {
    let partition: i64 = row.get("partition_number")?;
    let payload_bytes: i64 = row.get("payload_bytes")?;
    Ok(PoisonMessage {
        topic: row.get("topic")?,
        partition: i32::try_from(partition)
            .map_err(|_| Fault::Corrupt(format!("partition {partition} of a poison message")))?,
        offset: row.get("message_offset")?,
        payload: row.get("payload")?,
        payload_bytes: u64::try_from(payload_bytes).unwrap_or_default(),
        reason: row.get("reason")?,
    })
}
