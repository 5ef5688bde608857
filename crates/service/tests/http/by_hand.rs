//! Cancelling, trying anew, and both for many at once.

use std::sync::atomic::Ordering;

use monte_carlo_service::jobs::ids::JobId;
use monte_carlo_service::store::JobStatus;
use reqwest::Method;
use serde_json::{Value, json};

use crate::service::{Answer, Service};

/// A job in each state, under the state's name.
async fn one_of_each() -> Service {
    let service = Service::start().await;
    for _ in JobStatus::ALL {
        assert_eq!(service.post(r#"{"assessmentId": "a"}"#).await.status, 202);
    }
    for (job, status) in service.books.records.lock().unwrap().iter_mut().zip(JobStatus::ALL) {
        job.id = JobId(status.as_str().to_owned());
        job.status = status;
        job.error = (status == JobStatus::Failed).then(|| "no good".to_owned());
    }
    service.wakes.store(0, Ordering::SeqCst);
    service
}

async fn ask(service: &Service, path: &str) -> Answer {
    Answer::of(service.request(Method::POST, path).send().await.unwrap()).await
}

async fn bulk(service: &Service, body: &Value) -> Answer {
    let request = service.request(Method::POST, "/simulations/bulk").json(body);
    Answer::of(request.send().await.unwrap()).await
}

#[tokio::test]
async fn what_waits_or_runs_is_cancelled_and_twice_is_once() {
    let service = one_of_each().await;
    for id in ["pending", "running", "running"] {
        let answer = ask(&service, &format!("/simulations/{id}/cancel")).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        let job = answer.json();
        assert_eq!(
            (&job["id"], &job["status"], &job["error"]),
            (&json!(id), &json!("failed"), &json!("cancelled"))
        );
    }
}

#[tokio::test]
async fn what_failed_is_tried_anew_and_a_worker_woken() {
    let service = one_of_each().await;
    let answer = ask(&service, "/simulations/failed/retry").await;
    assert_eq!(answer.status, 202, "{}", answer.text);
    let job = answer.json();
    assert_eq!((&job["status"], &job["lastError"]), (&json!("pending"), &json!("no good")));
    assert_eq!(service.wakes.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn what_cannot_be_moved_is_a_conflict_in_words() {
    let service = one_of_each().await;
    for (path, code, words) in [
        ("/simulations/completed/cancel", "simulation_over", "completed"),
        ("/simulations/failed/cancel", "simulation_over", "failed"),
        ("/simulations/pending/retry", "simulation_not_failed", "pending"),
        ("/simulations/running/retry", "simulation_not_failed", "running"),
        ("/simulations/completed/retry", "simulation_not_failed", "completed"),
    ] {
        let answer = ask(&service, path).await;
        assert_eq!(answer.refusal(), (409, code.to_owned(), None), "{path}");
        assert!(answer.text.contains(words), "{}", answer.text);
    }
    for path in ["/simulations/none/cancel", "/simulations/none/retry", "/simulations/%00/retry"] {
        let answer = ask(&service, path).await;
        assert_eq!(answer.refusal(), (404, "simulation_not_found".to_owned(), None), "{path}");
    }
    assert_eq!(service.wakes.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn many_have_an_outcome_each() {
    let service = one_of_each().await;
    let ids = ["completed", "pending", "none", "", "running", "pending"];
    let answer = bulk(&service, &json!({"action": "cancel", "ids": ids})).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    let rows = [
        json!({"id": "completed", "outcome": "refused", "status": "completed"}),
        json!({"id": "pending", "outcome": "done"}),
        json!({"id": "none", "outcome": "not_found"}),
        json!({"id": "", "outcome": "not_found"}),
        json!({"id": "running", "outcome": "done"}),
        json!({"id": "pending", "outcome": "done"}),
    ];
    assert_eq!(answer.json(), json!({"done": 3, "results": rows}));
    assert_eq!(service.wakes.load(Ordering::SeqCst), 0);
    let answer = bulk(&service, &json!({"action": "retry", "ids": ["running", "completed"]})).await;
    assert_eq!(answer.json()["done"], 1);
    assert_eq!(service.wakes.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a_thousand_are_taken_and_no_more() {
    let service = one_of_each().await;
    let ids = |count: usize| (0..count).map(|id| id.to_string()).collect::<Vec<_>>();
    let answer = bulk(&service, &json!({"action": "cancel", "ids": ids(1_000)})).await;
    assert_eq!(answer.json()["results"].as_array().unwrap().len(), 1_000);
    for (body, field) in [
        (json!({"action": "cancel", "ids": ids(1_001)}), "ids"),
        (json!({"action": "cancel", "ids": []}), "ids"),
        (json!({"action": "cancel"}), "ids"),
        (json!({"action": "erase", "ids": ["a"]}), "action"),
        (json!({"action": "cancel", "ids": ["a"], "filter": {}}), "filter"),
    ] {
        let answer = bulk(&service, &body).await;
        let (status, code, at) = answer.refusal();
        assert_eq!(
            (status, code.as_str(), at.as_deref()),
            (400, "invalid_request", Some(field)),
            "{}",
            answer.text
        );
    }
}

#[tokio::test]
async fn a_database_that_is_away_is_told() {
    let service = one_of_each().await;
    service.books.is_down.store(true, Ordering::SeqCst);
    let answer = ask(&service, "/simulations/pending/cancel").await;
    assert_eq!(answer.refusal(), (503, "database_unavailable".to_owned(), None));
    let answer = bulk(&service, &json!({"action": "retry", "ids": ["failed"]})).await;
    assert_eq!(answer.refusal(), (503, "database_unavailable".to_owned(), None));
}
