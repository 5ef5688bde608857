//! Finishes the OpenAPI document that the routes make: what holds for all of them, and what no derive can say.

use serde_json::{Map, Value, json};
use utoipa::openapi::OpenApi;

use super::schemas::{plain, with_conditions};

const DESCRIPTION: &str = "\
Simulates what a trading account may do next, and says how likely it is to break its rules, what it will pay out, and \
how sure that is.

Money is US dollars, a fraction is a number from 0 to 1, a moment is ISO 8601 in UTC. What has no value is left out; \
`null` is written only where a field's type says so, and read as absent. Every answer carries `x-correlation-id`, taken \
from the request or made; every fault is `{\"error\", \"code\", \"field\"?}`. `HEAD` is answered wherever `GET` is.";

const CORRELATION: &str = "x-correlation-id";

/// Answers that any route may give beside its own: (status, what it means).
const ANSWERS_OF_ALL: [(&str, &str); 2] = [
    ("500", "`internal`: something went wrong on our side; the log knows more by the correlation id"),
    ("503", "`timeout` or `database_unavailable`: not now; `retry-after` says when to come back"),
];

/// The document of `api`, whose refusals have the schema of the name `refusal`.
pub fn finish(api: &OpenApi, refusal: &str) -> Value {
    let mut document = plain(json!(api));
    document["info"] = json!({
        "title": "Monte Carlo Service",
        "version": env!("CARGO_PKG_VERSION"),
        "description": DESCRIPTION,
    });
    document["tags"] = json!([
        {"name": "simulations", "description": "Order, look at one, look at many"},
        {"name": "operation", "description": "For probes, dashboards and people"},
        {"name": "documents", "description": "What this is"},
    ]);
    document["components"]["parameters"] = json!({"CorrelationId": {
        "name": CORRELATION,
        "in": "header",
        "required": false,
        "description": "Ties log lines, messages and answers together; taken over where it is 1 to 512 printable ASCII characters, made otherwise",
        "schema": {"type": "string"},
    }});
    document["components"]["headers"] = json!({"CorrelationId": {
        "description": "Of the request, or made",
        "required": true,
        "schema": {"type": "string", "minLength": 1, "maxLength": 512},
    }});
    let schemas = fields_of(&mut document["components"]["schemas"]);
    *schemas = with_conditions(std::mem::take(schemas));
    for path in fields_of(&mut document["paths"]).values_mut() {
        for operation in fields_of(path).values_mut() {
            finish_operation(operation, refusal);
        }
    }
    document
}

fn finish_operation(operation: &mut Value, refusal: &str) {
    let mut parameters = operation["parameters"].take().as_array().cloned().unwrap_or_default();
    parameters.iter_mut().for_each(never_null);
    parameters.push(json!({"$ref": "#/components/parameters/CorrelationId"}));
    operation["parameters"] = parameters.into();
    let answers = fields_of(&mut operation["responses"]);
    for (status, meaning) in ANSWERS_OF_ALL {
        let content =
            json!({"application/json": {"schema": {"$ref": format!("#/components/schemas/{refusal}")}}});
        let general = json!({"description": meaning, "content": content});
        match answers.get_mut(status) {
            None => {
                answers.insert(status.to_owned(), general);
            }
            // The route has another body for it; the general one may come too.
            Some(own) => {
                let [own_schema, general_schema] =
                    [&*own, &general].map(|answer| answer["content"]["application/json"]["schema"].clone());
                own["content"]["application/json"]["schema"] = json!({"anyOf": [own_schema, general_schema]});
            }
        }
    }
    for (status, answer) in answers.iter_mut() {
        answer["headers"][CORRELATION] = json!({"$ref": "#/components/headers/CorrelationId"});
        if status == "503" {
            answer["headers"]["retry-after"] = json!({"description": "Seconds; not with `/ready`'s own answer", "schema": {"type": "string"}});
        }
    }
}

/// A parameter is there or not; `null` has no spelling in a query or a header.
fn never_null(parameter: &mut Value) {
    let schema = &mut parameter["schema"];
    if let Some(types) = schema["type"].as_array() {
        let given: Vec<_> = types.iter().filter(|name| *name != "null").cloned().collect();
        schema["type"] = given.first().cloned().unwrap_or(Value::Null);
    }
    if let Some(choices) = schema["oneOf"].as_array() {
        let given = choices.iter().find(|choice| choice["type"] != "null").cloned();
        *schema = given.unwrap_or(Value::Null);
    }
    if let Some(schema) = schema.as_object_mut() {
        schema.retain(|_, value| !value.is_null());
    }
}

/// The fields of an object; an empty one is put where there is none.
fn fields_of(value: &mut Value) -> &mut Map<String, Value> {
    if !value.is_object() {
        *value = json!({});
    }
    value.as_object_mut().expect("an object was put here")
}
