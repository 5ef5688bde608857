//! The two events that a job sends (contracts §2), built once and stored in the outbox.

use monte_carlo_engine::{EpochMs, Subject};
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::ids::JobId;
use crate::telemetry::trace_context::TraceContext;

/// The largest event: consumers on a default cluster take 1 MiB, and a report needs no charts from it.
pub const EVENT_BYTES_MAX: usize = 256 * 1024;

/// Result fields that only draw charts, in the order in which a too large event drops them.
pub const CHART_FIELDS: [&str; 3] = ["fan", "histograms", "percentiles"];

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
    pub const fn topic(self) -> &'static str {
        match self {
            Self::Started => "montecarlo.simulation-started",
            Self::Completed => "montecarlo.simulation-completed",
        }
    }

    /// The id of a job's event of this kind: a UUIDv5, so the same whenever and wherever it is built.
    pub fn id_for(self, job: &JobId) -> Uuid {
        Uuid::new_v5(&EVENT_NAMESPACE, format!("{job}\n{}", self.topic()).as_bytes())
    }
}

/// One row of the outbox: a message that must leave.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutboxMessage {
    /// [`EventKind::id_for`] its job: the same however often it is sent.
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
    let event_id = kind.id_for(job);
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

#[cfg(test)]
mod tests {
    use super::*;

    fn trace() -> TraceContext {
        let parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
        TraceContext::continue_from(Some("corr"), Some(parent), Some("vendor=1"))
    }

    fn header<'a>(message: &'a OutboxMessage, name: &str) -> &'a str {
        &message.headers.iter().find(|(key, _)| key == name).unwrap().1
    }

    #[test]
    fn the_two_events_speak_the_contract() {
        let (job, subject) = (JobId("job-1".into()), Subject::Assessment("asm-1".into()));
        let event = started(&job, &subject, &trace(), 0);
        assert_eq!(event.topic, "montecarlo.simulation-started");
        assert_eq!(event.key, "asm-1");
        assert_eq!(
            serde_json::from_str::<Value>(&event.payload).unwrap(),
            json!({"jobId": "job-1", "assessmentId": "asm-1", "timestamp": "1970-01-01T00:00:00.000Z"})
        );
        assert_eq!(header(&event, "correlation-id"), "corr");
        assert_eq!(header(&event, "tracestate"), "vendor=1");
        assert!(header(&event, "traceparent").starts_with("00-4bf92f3577b34da6a3ce929d0e0e4736-"));
        assert_eq!(header(&event, "event-id"), event.event_id.to_string());

        let funded = Subject::FundedAccount("acc-1".into());
        let event = completed(&job, &funded, &trace(), &json!({"breachProbability": 1}), 0);
        assert_eq!(event.topic, "montecarlo.simulation-completed");
        let body: Value = serde_json::from_str(&event.payload).unwrap();
        assert_eq!(body["fundedAccountId"], "acc-1");
        assert_eq!(body["result"]["breachProbability"], 1);
        assert!(body.get("assessmentId").is_none());
    }

    #[test]
    fn an_events_id_depends_on_job_and_topic_alone() {
        let subject = Subject::Assessment("asm-1".into());
        let id = |job: &str, now_ms| started(&JobId(job.into()), &subject, &trace(), now_ms).event_id;
        assert_eq!(id("job-1", 0), id("job-1", 99));
        assert_ne!(id("job-1", 0), id("job-2", 0));
        let done = completed(&JobId("job-1".into()), &subject, &trace(), &json!({}), 0);
        assert_ne!(done.event_id, id("job-1", 0));
    }

    #[test]
    fn a_too_large_event_drops_its_charts_first() {
        let chart = "x".repeat(EVENT_BYTES_MAX);
        let result = json!({"fan": chart, "histograms": [1], "breachProbability": {"value": 0.5}});
        let subject = Subject::Assessment("asm-1".into());
        let event = completed(&JobId("job-1".into()), &subject, &trace(), &result, 0);
        assert!(event.payload.len() <= EVENT_BYTES_MAX);
        let body: Value = serde_json::from_str(&event.payload).unwrap();
        assert!(body["result"].get("fan").is_none());
        assert_eq!(body["result"]["histograms"], json!([1]), "what fits stays");
        assert_eq!(body["result"]["breachProbability"]["value"], 0.5);
    }
}
