//! `GET /simulations` and `GET /simulations/:id`.

use monte_carlo_engine::Subject;
use monte_carlo_service::jobs::ids::JobId;
use monte_carlo_service::store::{JobRecord, JobStatus, Origin};
use serde_json::{Value, json};

use crate::books::FIRST_CREATED_AT_MS;
use crate::service::Service;

fn record(id: &str, status: JobStatus) -> JobRecord {
    JobRecord {
        id: JobId(id.to_owned()),
        subject: Subject::Assessment("a-1".to_owned()),
        origin: Origin::Kafka,
        status,
        input_data: json!({}),
        config: json!({}),
        skipped: None,
        result: None,
        error: None,
        progress: 0.0,
        attempts: 0,
        correlation_id: "c-1".to_owned(),
        created_at_ms: FIRST_CREATED_AT_MS,
        started_at_ms: None,
        completed_at_ms: None,
    }
}

fn ids(page: &Value) -> Vec<&str> {
    page["jobs"].as_array().unwrap().iter().map(|job| job["id"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn a_pending_job_shows_what_it_has() {
    let service = Service::start().await;
    service.books.records.lock().unwrap().push(record("j-1", JobStatus::Pending));
    let answer = service.get("/simulations/j-1").await;
    assert_eq!(answer.status, 200);
    insta::assert_snapshot!(answer.text, @r#"{"id":"j-1","assessmentId":"a-1","status":"pending","inputData":{},"createdAt":"2026-11-24T06:00:00.000Z","config":{},"progress":0.0,"attempts":0}"#);
}

#[tokio::test]
async fn a_completed_job_shows_its_result() {
    let service = Service::start().await;
    service.books.records.lock().unwrap().push(JobRecord {
        subject: Subject::FundedAccount("f-1".to_owned()),
        input_data: json!({"tradeHistory": []}),
        config: json!({"paths": 7}),
        result: Some(json!({"breachProbability": {"value": 0.25}})),
        progress: 1.0,
        attempts: 1,
        started_at_ms: Some(FIRST_CREATED_AT_MS + 1),
        completed_at_ms: Some(FIRST_CREATED_AT_MS + 1_500),
        ..record("j-1", JobStatus::Completed)
    });
    insta::assert_snapshot!(service.get("/simulations/j-1").await.text, @r#"{"id":"j-1","fundedAccountId":"f-1","status":"completed","inputData":{"tradeHistory":[]},"result":{"breachProbability":{"value":0.25}},"createdAt":"2026-11-24T06:00:00.000Z","startedAt":"2026-11-24T06:00:00.001Z","completedAt":"2026-11-24T06:00:01.500Z","config":{"paths":7},"progress":1.0,"attempts":1}"#);
}

#[tokio::test]
async fn only_a_failed_job_shows_an_error() {
    let service = Service::start().await;
    for (id, status, field, other) in [
        ("j-1", JobStatus::Failed, "error", "lastError"),
        ("j-2", JobStatus::Pending, "lastError", "error"),
        ("j-3", JobStatus::Running, "lastError", "error"),
    ] {
        let error = Some("Core Service is down".to_owned());
        service.books.records.lock().unwrap().push(JobRecord { error, ..record(id, status) });
        let job = service.get(&format!("/simulations/{id}")).await.json();
        assert_eq!(job[field], "Core Service is down");
        assert_eq!(job.get(other), None);
    }
}

#[tokio::test]
async fn ids_are_opaque_and_an_impossible_one_is_not_found() {
    let service = Service::start().await;
    service.books.records.lock().unwrap().push(record("ck/1 é", JobStatus::Pending));
    assert_eq!(service.get("/simulations/ck%2F1%20%C3%A9").await.json()["id"], "ck/1 é");
    let long = "x".repeat(129);
    for id in ["none", "%00", "%ff", "%0a", &long, "019374a2-0000-7000-8000-000000000000"] {
        let refusal = service.get(&format!("/simulations/{id}")).await.refusal();
        assert_eq!(refusal, (404, "simulation_not_found".into(), None), "{id}");
    }
}

#[tokio::test]
async fn lists_are_newest_first_and_filtered() {
    let service = Service::start().await;
    for (at, (status, subject)) in [
        (JobStatus::Completed, Subject::Assessment("a-1".into())),
        (JobStatus::Failed, Subject::Assessment("a-1".into())),
        (JobStatus::Completed, Subject::Assessment("a&2".into())),
        (JobStatus::Completed, Subject::FundedAccount("a-1".into())),
        (JobStatus::Completed, Subject::Assessment("a-1".into())),
    ]
    .into_iter()
    .enumerate()
    {
        let created_at_ms = FIRST_CREATED_AT_MS + at as i64;
        let job = JobRecord { subject, created_at_ms, ..record(&format!("j-{at}"), status) };
        service.books.records.lock().unwrap().push(job);
    }
    for (query, wanted) in [
        ("", vec!["j-4", "j-3", "j-2", "j-1", "j-0"]),
        ("?assessmentId=a-1&status=completed", vec!["j-4", "j-0"]),
        ("?status=failed", vec!["j-1"]),
        ("?assessmentId=a%262", vec!["j-2"]),
        ("?fundedAccountId=a-1", vec!["j-3"]),
        ("?fundedAccountId=a-1&assessmentId=a-1", vec![]),
        ("?status=running", vec![]),
    ] {
        let answer = service.get(&format!("/simulations{query}")).await;
        assert_eq!(answer.status, 200);
        assert_eq!(ids(&answer.json()), wanted, "{query}");
        assert_eq!(answer.json().get("nextCursor"), None);
    }
    assert_eq!(service.get("/simulations?status=running").await.text, r#"{"jobs":[]}"#);
}

#[tokio::test]
async fn pages_hold_every_job_once_even_those_of_the_same_millisecond() {
    let service = Service::start().await;
    for at in 0..105 {
        let created_at_ms = FIRST_CREATED_AT_MS + at / 40;
        let job = JobRecord { created_at_ms, ..record(&format!("j-{at:03}"), JobStatus::Pending) };
        service.books.records.lock().unwrap().push(job);
    }
    let first = service.get("/simulations").await.json();
    assert_eq!(ids(&first).len(), 50, "the default");

    let (mut seen, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = service.get(&format!("/simulations?limit=35{cursor}")).await.json();
        seen.extend(ids(&page).into_iter().map(str::to_owned));
        let Some(next) = page.get("nextCursor") else { break };
        cursor = format!("&cursor={}", next.as_str().unwrap());
    }
    assert_eq!(seen, (0..105).rev().map(|at| format!("j-{at:03}")).collect::<Vec<_>>());
}
