//! The topics as an AsyncAPI 3 document (contracts §2): what we hear, what we say, under which keys and headers.

use monte_carlo_engine::Report;
use serde_json::{Map, Value, json};
use utoipa::ToSchema as _;

use super::schemas;
use crate::intake::event::ID_CHARS_MAX;
use crate::jobs::events::{CHART_FIELDS, EventKind};
use crate::kafka::topics;
use crate::telemetry::trace_context::HEADER_LENGTH_MAX;

/// Version of the Kafka bindings, which the specification numbers by themselves.
const BINDINGS: &str = "0.5.0";

const DESCRIPTION: &str = "\
Hears that a trader passed an assessment, simulates what the account may do next, and says what came of it.

Values are UTF-8 JSON; a cluster may put a prefix before every topic's name (`KAFKA_TOPIC_PREFIX`). Delivery is at least \
once: an event that is sent again has the same `event-id`, and one subject's events go to one partition, in order.";

/// A channel: its name in the document, its topic, its message, and what passes there.
struct Channel {
    name: &'static str,
    topic: &'static str,
    message: &'static str,
    description: &'static str,
}

const CHANNELS: [Channel; 3] = [
    Channel {
        name: "assessmentCompleted",
        topic: topics::ASSESSMENT_COMPLETED,
        message: "AssessmentCompleted",
        description: "The platform says that an assessment ended. Only `passed` starts a simulation, once an assessment.",
    },
    Channel {
        name: "simulationStarted",
        topic: EventKind::Started.topic(),
        message: "SimulationStarted",
        description: "Once a simulation, when it is first taken up.",
    },
    Channel {
        name: "simulationCompleted",
        topic: EventKind::Completed.topic(),
        message: "SimulationCompleted",
        description: "Once a completed simulation, with its result; failed ones say nothing.",
    },
];

/// The document.
pub fn document() -> Value {
    let partitions = topics::all();
    let channels: Map<_, _> = CHANNELS
        .iter()
        .map(|channel| {
            let count = partitions.iter().find(|(topic, _)| *topic == channel.topic).map(|(_, count)| count);
            let body = json!({
                "address": channel.topic,
                "description": channel.description,
                "messages": {channel.message: {"$ref": format!("#/components/messages/{}", channel.message)}},
                "bindings": {"kafka": {"topic": channel.topic, "partitions": count, "bindingVersion": BINDINGS}},
            });
            (channel.name.to_owned(), body)
        })
        .collect();
    json!({
        "asyncapi": "3.0.0",
        "info": {
            "title": "Monte Carlo Service",
            "version": env!("CARGO_PKG_VERSION"),
            "description": DESCRIPTION,
        },
        "defaultContentType": "application/json",
        "channels": channels,
        "operations": {
            "hearOfAssessments": operation("receive", &CHANNELS[0]),
            "saySimulationStarted": operation("send", &CHANNELS[1]),
            "saySimulationCompleted": operation("send", &CHANNELS[2]),
        },
        "components": {"messages": messages(), "schemas": all_schemas()},
    })
}

fn operation(action: &str, channel: &Channel) -> Value {
    json!({
        "action": action,
        "channel": {"$ref": format!("#/channels/{}", channel.name)},
        "summary": channel.description,
        "messages": [{"$ref": format!("#/channels/{}/messages/{}", channel.name, channel.message)}],
    })
}

fn messages() -> Value {
    let moment = "2026-11-24T08:50:05.000Z";
    let job = json!({"jobId": "01934f6e-6c1a-7c3b-9d55-3f6a0c1e2b77", "assessmentId": "asm-0001", "timestamp": moment});
    json!({
        "AssessmentCompleted": message(
            "AssessmentCompletedHeaders",
            "The assessment's id where the sender sets one; it may be missing",
            &json!({"assessmentId": "asm-0001", "userId": "usr-0001", "status": "passed", "timestamp": moment}),
        ),
        "SimulationStarted": message("EventHeaders", "The assessment's or the account's id", &job),
        "SimulationCompleted": message("EventHeaders", "The assessment's or the account's id", &Value::Null),
    })
    .as_object()
    .into_iter()
    .flatten()
    .map(|(name, message)| {
        let mut message = message.clone();
        message["name"] = json!(name);
        message["payload"] = json!({"$ref": format!("#/components/schemas/{name}")});
        (name.clone(), message)
    })
    .collect::<Map<_, _>>()
    .into()
}

fn message(headers: &str, key: &str, example: &Value) -> Value {
    let mut message = json!({
        "contentType": "application/json",
        "headers": {"$ref": format!("#/components/schemas/{headers}")},
        "correlationId": {"location": "$message.header#/correlation-id"},
        "bindings": {"kafka": {"key": {"type": "string", "description": key}, "bindingVersion": BINDINGS}},
    });
    if !example.is_null() {
        message["examples"] = json!([{"payload": example}]);
    }
    message
}

fn all_schemas() -> Map<String, Value> {
    let mut all = schemas::result();
    let mut published = all.get(Report::name().as_ref()).cloned().unwrap_or_default();
    published["description"] = json!(format!(
        "The simulation's result; an event that would be larger than consumers take lacks {}, in this order",
        CHART_FIELDS.map(|field| format!("`{field}`")).join(", ")
    ));
    if let Some(required) = published["required"].as_array_mut() {
        required.retain(|field| !CHART_FIELDS.iter().any(|chart| field == chart));
    }
    all.insert(Report::name().into_owned(), published);
    all.extend([
        ("AssessmentCompleted".to_owned(), assessment_completed()),
        ("SimulationStarted".to_owned(), simulation_event(&[])),
        ("SimulationCompleted".to_owned(), simulation_event(&["result"])),
        ("AssessmentCompletedHeaders".to_owned(), headers(&[])),
        ("EventHeaders".to_owned(), headers(&["correlation-id", "traceparent", "event-id"])),
    ]);
    all
}

fn assessment_completed() -> Value {
    json!({
        "type": "object",
        "description": "An assessment ended. Fields that are not named here are ignored.",
        "required": ["assessmentId", "status"],
        "properties": {
            "assessmentId": id("Whose; starts at most one simulation, ever"),
            "userId": {"type": "string", "description": "The trader; not read"},
            "tierId": {"type": ["string", "null"], "description": "The tier; not read, Core Service says it"},
            "status": {"enum": ["passed", "failed", "abandoned"], "description": "Only `passed` starts a simulation"},
            "finalBalance": {"type": ["number", "null"], "description": "US dollars; not read"},
            "finalPnl": {"type": ["number", "null"], "description": "US dollars; not read"},
            "correlationId": {"type": ["string", "null"], "description": "Goes before the header `correlation-id`"},
            "timestamp": {"type": ["string", "number"], "description": "ISO 8601 or milliseconds since 1970; not read"},
        },
    })
}

fn simulation_event(more: &[&str]) -> Value {
    let mut properties = json!({
        "jobId": {"type": "string", "description": "As in `GET /simulations/{id}`; opaque"},
        "assessmentId": id("Of whom; exactly one of this and `fundedAccountId`"),
        "fundedAccountId": id("Of whom; exactly one of this and `assessmentId`"),
        "timestamp": {"type": "string", "format": "date-time", "description": "When it was written, ISO 8601 in UTC"},
    });
    for field in more {
        properties[*field] = json!({"$ref": format!("#/components/schemas/{}", Report::name())});
    }
    let required = ["jobId", "timestamp"].iter().chain(more).collect::<Vec<_>>();
    json!({
        "type": "object",
        "required": required,
        "properties": properties,
        "oneOf": [{"required": ["assessmentId"]}, {"required": ["fundedAccountId"]}],
    })
}

fn headers(required: &[&str]) -> Value {
    json!({
        "type": "object",
        "required": required,
        "properties": {
            "correlation-id": {
                "type": "string", "minLength": 1, "maxLength": HEADER_LENGTH_MAX, "pattern": "^[ -~]+$",
                "description": "Ties log lines, requests and messages together; copied on",
            },
            "traceparent": {
                "type": "string", "pattern": "^00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$",
                "description": "W3C trace context; the trace is continued",
            },
            "tracestate": {"type": "string", "maxLength": HEADER_LENGTH_MAX, "description": "W3C trace context"},
            "event-id": {
                "type": "string", "format": "uuid",
                "description": "The same however often the event is sent: by it a reader knows what it has seen",
            },
        },
    })
}

fn id(description: &str) -> Value {
    json!({
        "type": "string", "minLength": 1, "maxLength": ID_CHARS_MAX, "description": description,
        "pattern": "^[^\\u0000-\\u001f\\u007f-\\u009f]+$",
    })
}
