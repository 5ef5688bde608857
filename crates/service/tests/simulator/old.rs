//! An application from before the protocol: one call a job, and a result of its own.

use std::time::Duration;

use axum::Json;
use axum::http::StatusCode;
use axum::response::IntoResponse;
use monte_carlo_service::simulator::{Outcome, SimulatorError};
use serde_json::{Value, json};

use crate::jobs::{client, client_alone, executed_on, job, outcome};
use crate::stand_in::{StandIn, old_result};

async fn old() -> StandIn {
    let ray = StandIn::start().await;
    ray.says(json!({"status": "healthy"}));
    ray
}

fn plain() -> monte_carlo_service::simulator::Assignment {
    job(json!({"paths": 2_000}))
}

fn result(outcome: Result<Outcome, SimulatorError>) -> Value {
    match outcome {
        Ok(Outcome::Foreign(result)) => result,
        other => panic!("no result of an old application: {other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn it_is_asked_once_and_its_result_is_marked_as_its_own() {
    let ray = old().await;
    let job = plain();
    let result = result(outcome(&client(&ray.url), &job).await);
    assert_eq!(result["riskMetrics"]["valueAtRisk95"], json!(100.0));
    assert_eq!(result["riskMetrics"]["var95"], json!(100.0), "both readers find their name");
    assert_eq!(result["confidenceIntervals"]["ci99Upper"], json!(0.2));
    assert_eq!((&result["executedOn"], &result["replayable"]), (&json!("ray"), &json!(false)));
    assert_eq!(result["engineVersion"], json!("unknown"));
    assert_eq!(ray.shard_calls(), 0);

    let calls = ray.inner.simulate_calls.lock().expect("no call panics with it");
    let [(body, headers)] = calls.as_slice() else { panic!("{} calls", calls.len()) };
    let fields: Vec<_> = body.as_object().expect("an object").keys().collect();
    assert_eq!(fields, ["pnlData", "tradeHistory"]);
    assert_eq!(body["tradeHistory"].as_array().expect("trades").len(), job.request.input.trade_history.len());
    assert_eq!(
        body["pnlData"],
        json!({"balance": 50_360.0, "peak": 50_400.0, "realized": 360.0, "unrealized": 0.0})
    );
    let left: f64 = headers["x-request-timeout-seconds"].to_str().expect("text").parse().expect("a number");
    assert_eq!(left, 300.0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_fails_is_made_three_times_more() {
    let ray = old().await;
    ray.simulates(|call| match call {
        0 => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
        1 => "<html>".into_response(),
        2 => StatusCode::NOT_FOUND.into_response(),
        _ => Json(old_result()).into_response(),
    });
    let began = std::time::Instant::now();
    result(outcome(&client(&ray.url), &plain()).await);
    assert_eq!(ray.inner.simulate_calls.lock().expect("no call panics with it").len(), 4);
    assert!(began.elapsed() >= Duration::from_millis(20 + 40 + 80), "with pauses that double");

    ray.simulates(|_| StatusCode::SERVICE_UNAVAILABLE.into_response());
    assert_eq!(executed_on(&client(&ray.url), &plain()).await, "local");
    assert_eq!(ray.inner.simulate_calls.lock().expect("no call panics with it").len(), 8);
    let outcome = outcome(&client_alone(&ray.url), &plain()).await;
    assert!(matches!(outcome, Err(SimulatorError::Unavailable(_))), "{outcome:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_it_refuses_is_not_made_again() {
    let ray = old().await;
    ray.simulates(|_| StatusCode::UNPROCESSABLE_ENTITY.into_response());
    assert_eq!(executed_on(&client(&ray.url), &plain()).await, "local");
    assert_eq!(ray.inner.simulate_calls.lock().expect("no call panics with it").len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_it_does_not_know_it_is_not_asked() {
    let ray = old().await;
    let asked = job(json!({"paths": 2_000, "rules": "funded"}));
    assert_eq!(executed_on(&client(&ray.url), &asked).await, "local");
    let outcome = outcome(&client_alone(&ray.url), &asked).await;
    assert!(
        matches!(&outcome, Err(SimulatorError::Refused { field: Some(field), .. }) if field == "config.rules"),
        "{outcome:?}"
    );
    assert!(ray.inner.simulate_calls.lock().expect("no call panics with it").is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_application_that_is_brought_up_to_date_is_noticed() {
    let ray = old().await;
    let client = client(&ray.url);
    ray.simulates(|_| StatusCode::NOT_FOUND.into_response());
    assert_eq!(executed_on(&client, &plain()).await, "local");
    ray.says(crate::stand_in::ours(1));
    assert_eq!(executed_on(&client, &plain()).await, "ray");
}
