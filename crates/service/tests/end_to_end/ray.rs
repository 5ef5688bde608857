//! `serve` as it is by default, with Ray Serve: away, and an old application. What an application of ours does is
//! `tests/simulator`'s and `tests/ray`'s.

use std::time::Duration;

use axum::routing::{get, post};
use axum::{Json, Router};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::house::{House, Neighbours};
use crate::ledger;
use crate::service::{Service, free_port};

/// Orders a job of the first trader and waits until `wanted` of all jobs are completed; the newest.
async fn simulated(house: &House, service: &Service, wanted: usize) -> Value {
    let trader = house.book.passed().nth(wanted).expect("a passed trader").assessment_id.clone();
    let (status, ordered) = service.post("/simulations", &json!({"assessmentId": trader})).await;
    assert_eq!(status, 202, "{ordered}");
    ledger::completed(service, wanted).await;
    service.get(&format!("/simulations/{}", ordered["jobId"].as_str().expect("an id"))).await
}

#[tokio::test(flavor = "multi_thread")]
async fn without_ray_the_process_simulates_and_says_so() {
    let house = House::build(Neighbours::Embedded).await;
    let url = format!("http://127.0.0.1:{}", free_port());
    let service = house.service_with(&[("SIMULATOR", "ray"), ("RAY_SERVE_URL", &url)]).ready().await;
    for wanted in 1..=2 {
        let job = simulated(&house, &service, wanted).await;
        assert_eq!((&job["result"]["executedOn"], &job["attempts"]), (&json!("local"), &json!(1)), "{job}");
    }
    assert_eq!(service.metric(r#"simulation_fallbacks_total{cause="away"}"#).await, 2.0);
    assert!(service.metric(r#"ray_serve_requests_total{status="error"}"#).await >= 1.0);
    assert_eq!(service.metric("ray_breaker_open").await, 1.0);
    let verbose = service.answer("/ready?verbose=1", 200).await;
    let check = &verbose["checks"]["ray"];
    assert_eq!((&check["ok"], &check["required"]), (&json!(false), &json!(false)), "{verbose}");
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_ray_and_without_a_fallback_jobs_wait_uncharged_until_it_comes() {
    let house = House::build(Neighbours::Embedded).await;
    let port = free_port();
    let url = format!("http://127.0.0.1:{port}");
    let variables = [("SIMULATOR", "ray"), ("SIMULATOR_FALLBACK", "none"), ("RAY_SERVE_URL", &url)];
    let service = house.service_with(&variables).ready().await;
    let trader = house.book.passed().next().expect("a passed trader").assessment_id.clone();
    service.post("/simulations", &json!({"assessmentId": trader})).await;
    while service.metric(r#"simulation_retries_total{class="neighbour"}"#).await < 1.0 {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let result =
        json!({"riskMetrics": {"var95": 1.0}, "confidenceIntervals": {}, "pathsSimulated": 1_000_000});
    let old = Router::new()
        .route("/health", get(async || Json(json!({"status": "healthy"}))))
        .route("/simulate", post(async move || Json(result)));
    let listener = TcpListener::bind(("127.0.0.1", port)).await.expect("the port is free");
    tokio::spawn(async move { axum::serve(listener, old).await.expect("serves") });
    ledger::completed(&service, 1).await;
    let job = service.jobs("completed").await.remove(0);
    let job = service.get(&format!("/simulations/{}", job["id"].as_str().expect("an id"))).await;
    assert_eq!(job["attempts"], 1, "a Ray that is down is not the job's fault: {job}");
    let result = &job["result"];
    assert_eq!((&result["executedOn"], &result["replayable"]), (&json!("ray"), &json!(false)), "{job}");
    assert_eq!(result["riskMetrics"]["valueAtRisk95"], json!(1.0), "{job}");
    assert!(service.metric(r#"ray_serve_requests_total{status="success"}"#).await >= 2.0);
    service.stop().await;
}
