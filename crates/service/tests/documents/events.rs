//! The events that pass over Kafka, held against the AsyncAPI document.

use monte_carlo_engine::Subject;
use monte_carlo_service::documents::asyncapi;
use monte_carlo_service::intake::event::{Digest, digest};
use monte_carlo_service::jobs::events::{EVENT_BYTES_MAX, OutboxMessage, completed, started};
use monte_carlo_service::jobs::ids::JobId;
use monte_carlo_service::kafka::consumer::IncomingMessage;
use monte_carlo_service::kafka::topics;
use monte_carlo_service::sample_core::book::Book;
use monte_carlo_service::telemetry::trace_context::TraceContext;
use serde_json::{Map, Value, json};

use crate::results::result;
use crate::shapes::{fits, shape};

#[test]
fn the_channels_are_the_topics() {
    let document = asyncapi::document();
    let channels = document["channels"].as_object().expect("channels");
    let mut described: Vec<_> = channels
        .values()
        .map(|channel| (channel["address"].clone(), channel["bindings"]["kafka"]["partitions"].clone()))
        .collect();
    let mut known = topics::all().map(|(name, partitions)| (json!(name), json!(partitions))).to_vec();
    described.sort_by_key(|(name, _)| name.to_string());
    known.sort_by_key(|(name, _)| name.to_string());
    assert_eq!(described, known);
}

#[test]
fn our_events_fit_and_broken_ones_do_not() {
    let document = asyncapi::document();
    let headers = shape(&document, "EventHeaders");
    let trace = TraceContext::continue_from(
        Some("corr"),
        Some(&format!("00-{}-{}-01", "4b".repeat(16), "f0".repeat(8))),
        Some("vendor=1"),
    );
    let untraced = TraceContext::continue_from(None, None, None);
    let job = JobId::random();
    let found = result(&json!("funded"));
    let mut large = found.clone();
    large["fan"]["floor"] = json!(vec![1.5; EVENT_BYTES_MAX]);
    for subject in [Subject::Assessment("asm-1".into()), Subject::FundedAccount("acc é".into())] {
        for (name, event) in [
            ("SimulationStarted", started(&job, &subject, &trace, 0)),
            ("SimulationStarted", started(&job, &subject, &untraced, 1_795_510_205_123)),
            ("SimulationCompleted", completed(&job, &subject, &trace, &found, 0)),
            ("SimulationCompleted", completed(&job, &subject, &untraced, &large, 0)),
        ] {
            let payload: Value = serde_json::from_str(&event.payload).expect("JSON");
            let schema = shape(&document, name);
            fits(&schema, &payload);
            fits(&headers, &headers_of(&event));
            assert_eq!(topic_of(&document, name), event.topic);

            for (field, wrong) in [
                ("jobId", json!(7)),
                ("timestamp", json!("yesterday")),
                ("assessmentId", json!("")),
                ("assessmentId", Value::Null),
            ] {
                let mut broken = payload.clone();
                broken[field] = wrong;
                assert!(!schema.is_valid(&broken), "{name} with a broken {field} is taken");
            }
            for field in payload.as_object().expect("an object").keys() {
                let mut broken = payload.clone();
                broken.as_object_mut().expect("an object").remove(field);
                assert!(!schema.is_valid(&broken), "{name} without {field} is taken");
            }
        }
    }
    let good =
        json!({"correlation-id": "c", "traceparent": trace.traceparent, "event-id": uuid::Uuid::nil()});
    for (header, wrong) in [("correlation-id", ""), ("traceparent", "00-1-2-3"), ("event-id", "7")] {
        let mut broken = good.clone();
        broken[header] = json!(wrong);
        assert!(headers.is_valid(&good) && !headers.is_valid(&broken), "{header}");
    }
}

#[test]
fn the_platforms_events_fit_and_what_we_cannot_read_does_not() {
    let document = asyncapi::document();
    let schema = shape(&document, "AssessmentCompleted");
    let headers = shape(&document, "AssessmentCompletedHeaders");
    for event in Book::sample().events() {
        fits(&schema, &serde_json::from_str(&event.payload).expect("JSON"));
        fits(
            &headers,
            &Value::Object(event.headers.into_iter().map(|(name, value)| (name, value.into())).collect()),
        );
        assert!(!matches!(digest(&incoming(&event.payload)), Digest::Poison(_)), "{}", event.payload);
    }
    // What the reader takes and refuses, the schema takes and refuses.
    let long = "x".repeat(129);
    for (event, is_read) in [
        (json!({"assessmentId": "a", "status": "passed"}), true),
        (json!({"assessmentId": "a", "status": "passed", "correlationId": null, "later": [1]}), true),
        (json!({"assessmentId": "é".repeat(128), "status": "failed", "timestamp": 5}), true),
        (json!({"status": "passed"}), false),
        (json!({"assessmentId": "a"}), false),
        (json!({"assessmentId": 7, "status": "passed"}), false),
        (json!({"assessmentId": "", "status": "passed"}), false),
        (json!({"assessmentId": long, "status": "passed"}), false),
        (json!({"assessmentId": "a\u{0}b", "status": "passed"}), false),
        (json!({"assessmentId": "a\u{85}b", "status": "passed"}), false),
        (json!({"assessmentId": "a", "status": "won"}), false),
        (json!({"assessmentId": "a", "status": "passed", "correlationId": 7}), false),
        (json!(["a", "passed"]), false),
        (json!(null), false),
    ] {
        assert_eq!(schema.is_valid(&event), is_read, "the schema: {event}");
        let poison = matches!(digest(&incoming(&event.to_string())), Digest::Poison(_));
        assert_eq!(!poison, is_read, "the reader: {event}");
    }
}

#[test]
fn the_examples_are_true() {
    let document = asyncapi::document();
    for (name, message) in document["components"]["messages"].as_object().expect("messages") {
        for example in message["examples"].as_array().into_iter().flatten() {
            fits(&shape(&document, name), &example["payload"]);
        }
    }
}

/// The topic of the channel that carries the message.
fn topic_of<'a>(document: &'a Value, message: &str) -> &'a str {
    let channels = document["channels"].as_object().expect("channels").values();
    let mut carrying = channels.filter(|channel| channel["messages"].get(message).is_some());
    let channel = carrying.next().expect("a channel");
    channel["address"].as_str().expect("an address")
}

fn headers_of(event: &OutboxMessage) -> Value {
    let headers = event.headers.iter().map(|(name, value)| (name.clone(), json!(value)));
    Value::Object(headers.collect::<Map<_, _>>())
}

fn incoming(payload: &str) -> IncomingMessage {
    IncomingMessage {
        topic: topics::ASSESSMENT_COMPLETED.to_owned(),
        partition: 0,
        offset: 0,
        key: None,
        payload: Some(payload.as_bytes().to_vec()),
        headers: Vec::new(),
    }
}
