//! `POST /simulations`: what an order becomes.

use std::sync::atomic::Ordering;

use monte_carlo_engine::Subject;
use monte_carlo_service::http::subjects::Existence;
use monte_carlo_service::store::Origin;
use reqwest::Method;
use serde_json::json;

use crate::service::{Answer, Service, brisk};

const HISTORY: &str = r#"{
    "assessmentId": "a-1",
    "config": {"paths": 5, "rules": {"drawdown": {"kind": "trailing", "fraction": 0.1}}},
    "inputData": {
        "tradeHistory": [{"id": "t-1", "pnl": 12.5, "timestamp": "2026-11-01T10:00:00Z", "venue": "somewhere"}],
        "pnlData": {"balance": 100, "peak": 100, "dialect": 7},
        "source": "a spreadsheet"
    }
}"#;

#[tokio::test]
async fn an_order_becomes_a_pending_job_and_wakes_a_worker() {
    let service = Service::start().await;
    let answer = service.post(r#"{"assessmentId": "a-1"}"#).await;
    assert_eq!(answer.status, 202);
    let id = answer.json()["jobId"].as_str().unwrap().to_owned();
    assert_eq!(answer.json(), json!({"jobId": id}));
    assert_eq!(answer.header("location"), format!("/simulations/{id}"));
    assert_eq!(answer.header("content-type"), "application/json");

    let created = service.books.created.lock().unwrap().clone();
    assert_eq!(created.len(), 1);
    let job = &created[0];
    assert_eq!((job.id.0.as_str(), job.origin, job.dedupe_key.as_deref()), (id.as_str(), Origin::Api, None));
    assert_eq!(job.subject, Subject::Assessment("a-1".into()));
    assert_eq!((&job.config, &job.input), (&json!({}), &None));
    assert_eq!(service.wakes.load(Ordering::SeqCst), 1);
    assert_eq!(*service.core.asked.lock().unwrap(), [Subject::Assessment("a-1".into())]);
}

#[tokio::test]
async fn a_history_sent_along_is_stored_and_core_is_not_asked() {
    let service = Service::start().await;
    let answer = service.post(HISTORY).await;
    assert_eq!(answer.status, 202, "{}", answer.text);
    let created = service.books.created.lock().unwrap().clone();
    let input = created[0].input.clone().unwrap();
    insta::assert_snapshot!(input.full, @r#"{"pnlData":{"balance":100.0,"peak":100.0,"realized":0.0,"unrealized":0.0},"tradeHistory":[{"id":"t-1","market":"","pnl":12.5,"price":0.0,"quantity":0.0,"side":"","timestamp":"2026-11-01T10:00:00.000Z"}]}"#);
    assert_eq!(input.summary["tradeCount"], 1);
    insta::assert_snapshot!(created[0].config, @r#"{"paths":5,"rules":{"drawdown":{"fraction":0.1,"kind":"trailing"}}}"#);
    assert!(service.core.asked.lock().unwrap().is_empty());
}

#[tokio::test]
async fn null_is_as_good_as_absent() {
    let service = Service::start().await;
    let body = r#"{"assessmentId": null, "fundedAccountId": "f-1", "config": null, "inputData": null}"#;
    assert_eq!(service.post(body).await.status, 202);
    assert_eq!(service.books.created.lock().unwrap()[0].subject, Subject::FundedAccount("f-1".into()));
}

#[tokio::test]
async fn what_core_does_not_know_is_refused_and_what_it_cannot_say_is_taken() {
    let service = Service::start_with(brisk()).await;
    let core = |answer| *service.core.answer.lock().unwrap() = answer;
    core(Some(Existence::NotFound));
    let refusal = service.post(r#"{"assessmentId": "a-1"}"#).await.refusal();
    assert_eq!(refusal, (404, "assessment_not_found".into(), Some("assessmentId".into())));
    let refusal = service.post(r#"{"fundedAccountId": "f-1"}"#).await.refusal();
    assert_eq!(refusal, (404, "funded_account_not_found".into(), Some("fundedAccountId".into())));
    assert_eq!(service.post(HISTORY).await.status, 202, "a history of one's own needs nobody's account");

    core(Some(Existence::Unknown));
    assert_eq!(service.post(r#"{"assessmentId": "a-1"}"#).await.status, 202);
    core(None);
    assert_eq!(
        service.post(r#"{"assessmentId": "a-1"}"#).await.status,
        202,
        "a silent Core is not waited for"
    );
}

#[tokio::test]
async fn each_order_is_a_new_job_unless_its_key_came_before() {
    let service = Service::start().await;
    let (one, two) = (r#"{"assessmentId": "a-1"}"#, r#"{"assessmentId": "a-2"}"#);
    let id = |answer: &Answer| answer.json()["jobId"].as_str().unwrap().to_owned();
    assert_ne!(id(&service.post(one).await), id(&service.post(one).await));

    let first = service.post_with_key("k-1", one).await;
    let again = service.post_with_key("k-1", one).await;
    assert_eq!((again.status, id(&again)), (202, id(&first)));
    assert_eq!(again.header("location"), first.header("location"));
    let other = service.post_with_key("k-1", two).await.refusal();
    assert_eq!(other, (422, "idempotency_key_reused".into(), Some("Idempotency-Key".into())));
    assert_ne!(id(&service.post_with_key("k-2", one).await), id(&first));
    assert_eq!(service.books.created.lock().unwrap().len(), 4);
    assert_eq!(service.wakes.load(Ordering::SeqCst), 4, "a replay wakes nobody");
}

#[tokio::test]
async fn the_callers_correlation_and_trace_go_into_the_job() {
    const PARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    let service = Service::start().await;
    let request = service
        .request(Method::POST, "/simulations")
        .header("content-type", "application/json; charset=utf-8")
        .header("x-correlation-id", "order 66")
        .header("traceparent", PARENT)
        .header("tracestate", "vendor=1")
        .body(r#"{"assessmentId": "a-1"}"#);
    let answer = Answer::of(request.send().await.unwrap()).await;
    assert_eq!(answer.header("x-correlation-id"), "order 66");
    let trace = service.books.created.lock().unwrap()[0].trace.clone();
    assert_eq!((trace.correlation_id.as_str(), trace.traceparent.as_str()), ("order 66", PARENT));
    assert_eq!(trace.tracestate.as_deref(), Some("vendor=1"));

    let request = service.request(Method::GET, "/health").header("x-correlation-id", "x".repeat(600));
    let made = Answer::of(request.send().await.unwrap()).await;
    assert_eq!(made.header("x-correlation-id").len(), 36, "a malformed one is replaced");
}
