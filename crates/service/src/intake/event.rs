//! Reads one `assessment.completed` message (contracts §2); a tolerant reader of fields it does not need.

use monte_carlo_engine::Subject;
use serde::Deserialize;
use serde_json::json;

use crate::jobs::ids::JobId;
use crate::kafka::consumer::IncomingMessage;
use crate::store::{NewJob, Origin, PoisonMessage};
use crate::telemetry::trace_context::TraceContext;

/// The largest event that is read: ours are under 1 KiB; more is a mistake at the sender's.
pub const EVENT_BYTES_MAX: usize = 256 * 1024;
/// How much of a message that cannot be read is kept for a person.
pub const POISON_BYTES_MAX: usize = 64 * 1024;
/// The longest id that the platform gives.
pub const ID_CHARS_MAX: usize = 128;

/// What a message means for us.
#[derive(Clone, Debug, PartialEq)]
pub enum Digest {
    /// A trader passed.
    Job(Box<NewJob>),
    /// A trader failed or gave up.
    Skipped,
    /// Not an event.
    Poison(PoisonMessage),
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct AssessmentCompleted {
    assessment_id: String,
    status: Status,
    #[serde(default)]
    correlation_id: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
enum Status {
    Passed,
    Failed,
    Abandoned,
}

/// Says what `message` means.
pub fn digest(message: &IncomingMessage) -> Digest {
    match read(message) {
        Ok(Some(job)) => Digest::Job(Box::new(job)),
        Ok(None) => Digest::Skipped,
        Err(reason) => Digest::Poison(poison(message, reason)),
    }
}

/// What a message that was kept means to this version: its job, or none where the trader did not pass.
///
/// # Errors
/// Why it still cannot be read.
pub fn reread(kept: &PoisonMessage) -> Result<Option<NewJob>, String> {
    if kept.payload_bytes > kept.payload.len() as u64 {
        return Err(format!("only {} of its {} bytes are kept", kept.payload.len(), kept.payload_bytes));
    }
    read(&IncomingMessage {
        topic: kept.topic.clone(),
        partition: kept.partition,
        offset: kept.offset,
        key: None,
        payload: Some(kept.payload.clone()),
        headers: Vec::new(),
    })
}

fn read(message: &IncomingMessage) -> Result<Option<NewJob>, String> {
    let payload = message.payload.as_deref().ok_or("the message has no value")?;
    if payload.len() > EVENT_BYTES_MAX {
        return Err(format!("{} bytes are more than the {EVENT_BYTES_MAX} of an event", payload.len()));
    }
    if payload.trim_ascii_start().first() != Some(&b'{') {
        // Checked by hand: serde would also read a struct's fields from an array.
        return Err("not an assessment.completed event: expected a JSON object".into());
    }
    let mut json = serde_json::Deserializer::from_slice(payload);
    let event: AssessmentCompleted = serde_path_to_error::deserialize(&mut json)
        .map_err(|error| format!("not an assessment.completed event: {error}"))?;
    json.end().map_err(|error| format!("not an assessment.completed event: {error}"))?;
    let id = event.assessment_id;
    if id.is_empty() || id.chars().count() > ID_CHARS_MAX || id.chars().any(char::is_control) {
        return Err(format!(
            "assessmentId: expected 1 to {ID_CHARS_MAX} characters, none of them a control character"
        ));
    }
    if !matches!(event.status, Status::Passed) {
        return Ok(None);
    }
    let trace = TraceContext::continue_from(
        event.correlation_id.as_deref().or(message.header("correlation-id")),
        message.header("traceparent"),
        message.header("tracestate"),
    );
    Ok(Some(NewJob {
        id: JobId::random(),
        dedupe_key: Some(format!("kafka:{id}")),
        subject: Subject::Assessment(id),
        origin: Origin::Kafka,
        config: json!({}),
        input: None,
        trace,
    }))
}

fn poison(message: &IncomingMessage, reason: String) -> PoisonMessage {
    let payload = message.payload.as_deref().unwrap_or_default();
    PoisonMessage {
        topic: message.topic.clone(),
        partition: message.partition,
        offset: message.offset,
        payload: payload[..payload.len().min(POISON_BYTES_MAX)].to_vec(),
        payload_bytes: payload.len() as u64,
        reason,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(payload: &str) -> IncomingMessage {
        IncomingMessage {
            topic: "assessment.completed".into(),
            partition: 3,
            offset: 42,
            key: None,
            payload: Some(payload.as_bytes().to_vec()),
            headers: vec![("correlation-id".into(), b"from-header".to_vec())],
        }
    }

    #[test]
    fn a_pass_becomes_a_job_and_the_rest_is_skipped() {
        let passed =
            r#"{"assessmentId":"a-1","userId":"u","status":"passed","correlationId":"c-1","later":[1]}"#;
        let Digest::Job(job) = digest(&message(passed)) else { panic!("not a job") };
        assert_eq!(job.subject, Subject::Assessment("a-1".into()));
        assert_eq!(job.dedupe_key.as_deref(), Some("kafka:a-1"));
        assert_eq!(job.trace.correlation_id, "c-1");

        let bare = r#"{"assessmentId":"a-1","status":"passed","correlationId":null}"#;
        let Digest::Job(job) = digest(&message(bare)) else { panic!("not a job") };
        assert_eq!(job.trace.correlation_id, "from-header");

        for status in ["failed", "abandoned"] {
            let event = format!(r#"{{"assessmentId":"a-1","status":"{status}"}}"#);
            assert_eq!(digest(&message(&event)), Digest::Skipped);
        }
    }

    #[test]
    fn whatever_else_comes_is_kept_with_the_reason() {
        let long = format!(r#"{{"assessmentId":"{}","status":"passed"}}"#, "x".repeat(129));
        let cases = [
            ("", "a JSON object"),
            ("not json", "a JSON object"),
            (r#"["a-1","passed"]"#, "a JSON object"),
            (r#"{"assessmentId":"#, "EOF"),
            (r#"{"status":"passed"}"#, "missing field `assessmentId`"),
            (r#"{"assessmentId":7,"status":"passed"}"#, "assessmentId: invalid type: integer `7`"),
            (r#"{"assessmentId":"a"}"#, "missing field `status`"),
            (r#"{"assessmentId":"a","status":"won"}"#, "status: unknown variant `won`"),
            (r#"{"assessmentId":"","status":"passed"}"#, "1 to 128"),
            (r#"{"assessmentId":"a\u0000b","status":"passed"}"#, "control character"),
            (r#"{"assessmentId":"a","status":"passed"} trailing"#, "trailing"),
            (&long, "1 to 128"),
        ];
        for (payload, expected) in cases {
            let Digest::Poison(poison) = digest(&message(payload)) else { panic!("{payload} is no poison") };
            assert!(poison.reason.contains(expected), "{payload}: {}", poison.reason);
            assert_eq!((poison.partition, poison.offset), (3, 42));
        }
    }

    #[test]
    fn what_was_kept_is_read_again_if_it_is_whole() {
        let Digest::Poison(kept) = digest(&message(r#"{"assessmentId":"a"}"#)) else { panic!("no poison") };
        assert!(reread(&kept).expect_err("still").contains("missing field `status`"));
        let mended = |payload: &[u8]| PoisonMessage {
            payload: payload.to_vec(),
            payload_bytes: payload.len() as u64,
            ..kept.clone()
        };
        let job =
            reread(&mended(br#"{"assessmentId":"a","status":"passed"}"#)).expect("reads").expect("a job");
        assert_eq!(job.dedupe_key.as_deref(), Some("kafka:a"));
        assert_eq!(reread(&mended(br#"{"assessmentId":"a","status":"failed"}"#)), Ok(None));
        let cut =
            PoisonMessage { payload_bytes: 100, ..mended(br#"{"assessmentId":"a","status":"passed"}"#) };
        assert!(reread(&cut).expect_err("cut").contains("of its 100 bytes"));
    }

    #[test]
    fn an_oversized_message_is_kept_in_part() {
        let huge = "x".repeat(EVENT_BYTES_MAX + 1);
        let Digest::Poison(poison) = digest(&message(&huge)) else { panic!("no poison") };
        assert_eq!(poison.payload.len(), POISON_BYTES_MAX);
        assert_eq!(poison.payload_bytes, huge.len() as u64);

        let empty = IncomingMessage { payload: None, ..message("") };
        assert!(matches!(digest(&empty), Digest::Poison(poison) if poison.reason.contains("no value")));
    }
}
