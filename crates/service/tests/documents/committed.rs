//! `docs/*.json` are the documents as they are today, so that a change of the API is seen in review.

use std::path::Path;

use monte_carlo_service::documents::asyncapi;
use monte_carlo_service::http;
use serde_json::Value;

#[test]
fn the_committed_documents_are_those_of_the_code() {
    for (name, document) in [("openapi", http::openapi()), ("asyncapi", asyncapi::document())] {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../../docs/{name}.json"));
        let committed = std::fs::read_to_string(&path).unwrap_or_default();
        let generated = serde_json::to_string_pretty(&document).expect("a document is JSON") + "\n";
        let difference = committed.lines().zip(generated.lines()).find(|(then, now)| then != now);
        assert!(
            committed == generated,
            "the API changed; look at the difference after\n  cargo run --release -- {name} > docs/{name}.json\n\
             first difference (committed, generated): {difference:?}"
        );
    }
}

#[test]
fn the_openapi_document_is_3_1_and_describes_every_operation() {
    let document = http::openapi();
    assert_eq!(document["openapi"], "3.1.0");
    let mut ids = Vec::new();
    for (path, verbs) in document["paths"].as_object().expect("paths") {
        for (verb, operation) in verbs.as_object().expect("verbs") {
            assert!(operation["summary"].is_string(), "{verb} {path}");
            ids.push(operation["operationId"].as_str().expect("an id").to_owned());
            for (status, answer) in operation["responses"].as_object().expect("answers") {
                assert!(!answer["description"].as_str().expect("words").is_empty(), "{verb} {path} {status}");
                assert!(answer["headers"]["x-correlation-id"].is_object(), "{verb} {path} {status}");
            }
        }
    }
    assert_eq!(
        ids,
        [
            "overview",
            "asyncapi",
            "listDeadLetters",
            "replayDeadLetter",
            "docs",
            "health",
            "metrics",
            "openapi",
            "ready",
            "listSimulations",
            "createSimulation",
            "changeSimulations",
            "runDaily",
            "getSimulation",
            "cancelSimulation",
            "retrySimulation"
        ]
    );
}

#[test]
fn every_reference_leads_somewhere_and_no_null_is_written_the_old_way() {
    for document in [http::openapi(), asyncapi::document()] {
        let mut references = Vec::new();
        walk(&document, &mut references);
        assert!(references.len() > 50);
        for reference in references {
            let pointer = reference.strip_prefix('#').expect("within the document");
            assert!(document.pointer(pointer).is_some(), "{reference}");
        }
    }
}

fn walk<'a>(value: &'a Value, references: &mut Vec<&'a str>) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| walk(item, references)),
        Value::Object(fields) => {
            assert!(!matches!(fields.get("nullable"), Some(Value::Bool(_))), "{fields:?}");
            references.extend(fields.get("$ref").and_then(Value::as_str));
            fields.values().for_each(|field| walk(field, references));
        }
        _ => {}
    }
}
