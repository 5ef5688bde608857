//! `GET /` and `GET /docs`: pages for people, whatever is away, and a few words of JSON for programs.

use std::sync::atomic::Ordering;

use monte_carlo_engine::Subject;
use monte_carlo_service::jobs::ids::JobId;
use monte_carlo_service::jobs::skip::SkipReason;
use monte_carlo_service::store::{JobRecord, JobStatus, Origin};
use reqwest::Method;
use serde_json::json;

use crate::books::FIRST_CREATED_AT_MS;
use crate::service::{Answer, Service};

async fn asked(service: &Service, accept: &str) -> Answer {
    Answer::of(service.request(Method::GET, "/").header("accept", accept).send().await.unwrap()).await
}

#[tokio::test]
async fn the_page_shows_how_everything_is_in_words() {
    let service = Service::start().await;
    let answer = service.get("/").await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("content-type"), "text/html; charset=utf-8");
    assert!(answer.header("content-security-policy").starts_with("default-src 'none'; style-src 'sha256-"));
    for shown in [
        "<html lang=\"en\">",
        "<h1>",
        "<caption>Dependencies</caption>",
        "reachable and migrated",
        "Away, not required",
        "None yet.",
        "href=\"/docs\"",
        "href=\"/openapi.json\"",
        "href=\"/asyncapi.json\"",
        "href=\"/metrics\"",
    ] {
        assert!(answer.text.contains(shown), "{shown} is not in\n{}", answer.text);
    }
    for foreign in ["<script", "http://", "https://", "style=\""] {
        let text = answer.text.replace("http://www.w3.org/2000/svg", "");
        assert!(!text.contains(foreign), "{foreign} is in\n{text}");
    }
    let head = Answer::of(service.request(Method::HEAD, "/").send().await.unwrap()).await;
    assert_eq!((head.status, head.text.as_str()), (200, ""));
}

#[tokio::test]
async fn each_job_is_told_by_a_word_and_its_numbers_with_their_intervals() {
    let service = Service::start().await;
    let record = |id: &str, status| JobRecord {
        id: JobId(id.to_owned()),
        subject: Subject::Assessment(format!("asm of {id}")),
        origin: Origin::Kafka,
        status,
        input_data: json!({}),
        config: json!({}),
        result: None,
        skipped: None,
        error: None,
        progress: 0.0,
        attempts: 0,
        correlation_id: "c-1".to_owned(),
        created_at_ms: FIRST_CREATED_AT_MS,
        started_at_ms: None,
        completed_at_ms: None,
    };
    let result = json!({
        "breachProbability":
            {"value": 0.1234, "lower": 0.12, "upper": 0.13, "historyLower": 0.031, "historyUpper": 0.41},
        "expectedPayout": {"value": 1_234.5, "lower": 1_200.0, "upper": 1_300.0},
    });
    service.books.records.lock().unwrap().extend([
        JobRecord { result: Some(result), ..record("a/1", JobStatus::Completed) },
        JobRecord { error: Some("<b>Core</b> knows it not".into()), ..record("j-2", JobStatus::Failed) },
        JobRecord { progress: 0.5, ..record("j-3", JobStatus::Running) },
        JobRecord { subject: Subject::FundedAccount("acc-1".into()), ..record("j-4", JobStatus::Pending) },
        JobRecord { result: Some(json!({"var95": 7})), ..record("old", JobStatus::Completed) },
        JobRecord { skipped: Some(SkipReason::NoClosingTrades), ..record("idle", JobStatus::Completed) },
    ]);
    let answer = service.get("/").await;
    for shown in [
        "asm of a/1",
        "completed",
        "12.3 %",
        "simulation: 12.0 % to 13.0 %",
        "history: 3.10 % to 41.0 %",
        "$1,234",
        "simulation: $1,200 to $1,300",
        "href=\"/simulations/a%2F1\"",
        "<time datetime=\"2026-11-24T06:00:00.000Z\">2026-11-24 06:00:00 UTC</time>",
        "failed",
        "&lt;b&gt;Core&lt;/b&gt; knows it not",
        "running",
        "50.0 % done",
        "acc-1",
        "pending",
        "none yet",
        "skipped",
        "no closing trades",
    ] {
        assert!(answer.text.contains(shown), "{shown} is not in\n{}", answer.text);
    }
    for at in 0..40 {
        service.books.records.lock().unwrap().push(record(&format!("more-{at}"), JobStatus::Pending));
    }
    assert_eq!(service.get("/").await.text.matches("as JSON\"").count(), 20, "the last ones alone");
}

#[tokio::test]
async fn without_the_database_the_page_says_so() {
    let service = Service::start().await;
    service.books.is_down.store(true, Ordering::SeqCst);
    let answer = service.get("/").await;
    assert_eq!(answer.status, 200);
    for shown in ["Not ready", "database: cannot be reached", "Away, required", "did not answer in time"] {
        assert!(answer.text.contains(shown), "{shown} is not in\n{}", answer.text);
    }
    assert!(!answer.text.contains("hunter2") && !answer.text.contains("SELECT"), "{}", answer.text);
    let told = asked(&service, "application/json").await;
    assert_eq!((told.status, told.json()["ready"].clone()), (200, json!(false)));
    assert_eq!(told.json()["error"], "database: cannot be reached");
}

#[tokio::test]
async fn a_database_that_never_answers_is_not_waited_for() {
    let service = Service::start().await;
    service.books.is_stuck.store(true, Ordering::SeqCst);
    let answer = service.get("/").await;
    assert_eq!(answer.status, 200);
    assert!(answer.text.contains("did not answer in time"), "{}", answer.text);
}

#[tokio::test]
async fn programs_that_ask_for_json_get_it() {
    let service = Service::start().await;
    for accept in ["application/json", "application/json;q=0.9, */*;q=0.1", "text/plain, Application/JSON"] {
        let answer = asked(&service, accept).await;
        assert_eq!((answer.status, answer.header("content-type")), (200, "application/json"), "{accept}");
        assert_eq!(answer.header("vary"), "accept");
        assert_eq!(answer.json()["service"], "monte-carlo-service");
        assert_eq!(answer.json()["links"]["openapi"], "/openapi.json");
    }
    for accept in ["*/*", "text/html,application/json;q=0.9", "", "image/png"] {
        assert!(asked(&service, accept).await.header("content-type").starts_with("text/html"), "{accept}");
    }
}

#[tokio::test]
async fn the_documents_are_served_and_the_reference_names_every_operation() {
    let service = Service::start().await;
    let openapi = service.get("/openapi.json").await;
    assert_eq!((openapi.status, openapi.header("content-type")), (200, "application/json"));
    assert_eq!(openapi.json(), monte_carlo_service::http::openapi());
    let asyncapi = service.get("/asyncapi.json").await.json();
    assert_eq!(asyncapi, monte_carlo_service::documents::asyncapi::document());

    let reference = service.get("/docs").await;
    assert_eq!(reference.header("content-type"), "text/html; charset=utf-8");
    for path in openapi.json()["paths"].as_object().unwrap().values() {
        for operation in path.as_object().unwrap().values() {
            let id = operation["operationId"].as_str().unwrap();
            assert!(reference.text.contains(&format!("<article id=\"{id}\">")), "{id} is missing");
        }
    }
    // Every link within the page leads somewhere.
    for link in reference.text.split("href=\"#").skip(1) {
        let id = link.split('"').next().unwrap();
        assert!(reference.text.contains(&format!("id=\"{id}\"")), "{id} is nowhere");
    }
    assert!(service.get("/").await.text.contains("/docs#createSimulation"));
}
