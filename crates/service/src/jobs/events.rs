//! The two events that a job sends (contracts §2), built once and stored in the outbox.

use monte_carlo_engine::{EpochMs, Subject};
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::ids::JobId;
use crate::telemetry::trace_context::TraceContext;

/// The largest event: consumers on a default cluster take 1 MiB, and a report needs no charts from it.
pub const EVENT_BYTES_MAX: usize = 256 * 1024;

/// Result fields that only draw charts, in the order in which a too large event drops them.
const CHART_FIELDS: [&str; 3] = ["fan", "histograms", "percentiles"];

/// UUIDv5 namespace of our event ids.
const EVENT_NAMESPACE: Uuid = Uuid::from_u128(0x9c1e_8a52_6f0d_5c1b_a3a7_2f4e_6d0b_71c4);

/// Which of the two events; the topic's name without a prefix.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EventKind {
    /// Once a job, at its first claim.
    Started,
    /// Once a completed job; failed jobs publish nothing.
    Completed,
}

impl EventKind {
    /// The topic's name.
    pub fn topic(self) -> &'static str {
        match self {
            Self::Started => "montecarlo.simulation-started",
            Self::Completed => "montecarlo.simulation-completed",
        }
    }
}

/// One row of the outbox: a message that must leave.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutboxMessage {
    /// UUIDv5 of job and topic: the same however often it is sent.
    pub event_id: Uuid,
    /// Whose.
    pub job: JobId,
    /// Without the prefix that a cluster may ask for.
    pub topic: String,
    /// The assessment's or the account's id.
    pub key: String,
    /// UTF-8 JSON, at most [`EVENT_BYTES_MAX`].
    pub payload: String,
    /// `correlation-id`, `traceparent`, `tracestate`, `event-id`.
    pub headers: Vec<(String, String)>,
}

/// The event of a job's first claim.
pub fn started(job: &JobId, subject: &Subject, trace: &TraceContext, now_ms: i64) -> OutboxMessage {
    message(EventKind::Started, job, subject, trace, Map::new(), now_ms)
}

/// The event of a completed job; chart data is dropped where the whole result would be too large.
pub fn completed(
    job: &JobId,
    subject: &Subject,
    trace: &TraceContext,
    result: &Value,
    now_ms: i64,
) -> OutboxMessage {
    let mut result = result.clone();
    let mut dropped = CHART_FIELDS.iter();
    loop {
        let body = Map::from_iter([("result".to_owned(), result.clone())]);
        let message = message(EventKind::Completed, job, subject, trace, body, now_ms);
        if message.payload.len() <= EVENT_BYTES_MAX {
            return message;
        }
        let (Some(field), Some(fields)) = (dropped.next(), result.as_object_mut()) else { return message };
        fields.remove(*field);
    }
}

fn message(
    kind: EventKind,
    job: &JobId,
    subject: &Subject,
    trace: &TraceContext,
    mut body: Map<String, Value>,
    now_ms: i64,
) -> OutboxMessage {
    let trace = trace.child();
    let event_id = Uuid::new_v5(&EVENT_NAMESPACE, format!("{job}\n{}", kind.topic()).as_bytes());
    body.insert("jobId".into(), json!(job));
    match subject {
        Subject::Assessment(id) => body.insert("assessmentId".into(), json!(id)),
        Subject::FundedAccount(id) => body.insert("fundedAccountId".into(), json!(id)),
    };
    body.insert("timestamp".into(), json!(EpochMs(now_ms)));
    let mut headers = vec![
        ("correlation-id".to_owned(), trace.correlation_id),
        ("traceparent".to_owned(), trace.traceparent),
        ("event-id".to_owned(), event_id.to_string()),
    ];
    headers.extend(trace.tracestate.map(|state| ("tracestate".to_owned(), state)));
    OutboxMessage {
        event_id,
        job: job.clone(),
        topic: kind.topic().to_owned(),
        key: subject.id().to_owned(),
        payload: Value::Object(body).to_string(),
        headers,
    }
}
