//! `/dead-letters`: what is shown, and what another look does.

use std::sync::atomic::Ordering;

use monte_carlo_service::jobs::ids::JobId;
use monte_carlo_service::store::dead_letters::{DeadLetter, LetterId};
use monte_carlo_service::store::{JobStatus, PoisonMessage};
use reqwest::Method;
use serde_json::json;

use crate::service::{Answer, Service};

fn letter(offset: i64, payload: &[u8]) -> DeadLetter {
    let (topic, partition) = ("assessment.completed".to_owned(), 3);
    DeadLetter {
        id: LetterId { topic: topic.clone(), partition, offset, payload_sha256: "0a".repeat(32) },
        message: PoisonMessage {
            topic,
            partition,
            offset,
            payload: payload.to_vec(),
            payload_bytes: payload.len() as u64,
            reason: "no JSON".into(),
        },
        received_at_ms: 1_795_500_000_000,
    }
}

async fn with_letters(payloads: &[&[u8]]) -> Service {
    let service = Service::start().await;
    let letters = (0..).zip(payloads).map(|(offset, payload)| letter(offset, payload));
    *service.books.letters.lock().unwrap() = letters.collect();
    service
}

fn id(offset: i64) -> String {
    letter(offset, b"").id.to_string()
}

async fn replay(service: &Service, id: &str) -> Answer {
    Answer::of(service.request(Method::POST, &format!("/dead-letters/{id}/replay")).send().await.unwrap())
        .await
}

#[tokio::test]
async fn letters_are_shown_with_their_reason_page_by_page() {
    let service = with_letters(&[b"{", b"\xff!", b"x"]).await;
    let first = service.get("/dead-letters?limit=2").await.json();
    let shown = json!({
        "kind": "message", "id": id(0), "topic": "assessment.completed", "partition": 3, "offset": 0, "reason": "no JSON",
        "payload": "{", "payloadBytes": 1, "receivedAt": "2026-11-24T06:00:00.000Z",
    });
    assert_eq!((&first["letters"][0], &first["letters"][1]["payload"]), (&shown, &json!("\u{fffd}!")));
    let next = first["next"].as_str().unwrap();
    let second = service.get(&format!("/dead-letters?after={next}")).await.json();
    assert_eq!((second["letters"].as_array().unwrap().len(), second.get("next")), (1, None));
    let gone = service.get(&format!("/dead-letters?after={}", id(99))).await.json();
    assert_eq!(gone, json!({"letters": []}));
    for (query, field) in [
        ("limit=0", "limit"),
        ("limit=201", "limit"),
        ("after=", "after"),
        ("after=%00", "after"),
        ("kind=a", "kind"),
        ("of=a", "of"),
    ] {
        let refusal = service.get(&format!("/dead-letters?{query}")).await.refusal();
        assert_eq!(refusal, (400, "invalid_request".to_owned(), Some(field.to_owned())), "{query}");
    }
    let refusal = service.get("/dead-letters?limit=1&limit=2").await.refusal();
    assert_eq!(refusal, (400, "invalid_request".to_owned(), Some("limit".to_owned())));
}

#[tokio::test]
async fn a_letter_that_can_be_read_after_all_becomes_its_job() {
    let passed = br#"{"assessmentId": "a-1", "status": "passed"}"#;
    let service = with_letters(&[passed, br#"{"assessmentId": "a-2", "status": "failed"}"#, b"{"]).await;
    let answer = replay(&service, &id(0)).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    let job = service.books.created.lock().unwrap()[0].clone();
    assert_eq!((answer.json(), job.subject.id()), (json!({"jobId": job.id}), "a-1"));
    assert_eq!(service.wakes.load(Ordering::SeqCst), 1);
    assert_eq!(replay(&service, &id(1)).await.json(), json!({}), "nobody passed");
    assert_eq!(service.wakes.load(Ordering::SeqCst), 1);
    let answer = replay(&service, &id(2)).await;
    assert_eq!(answer.refusal(), (422, "still_unreadable".to_owned(), None));
    assert!(answer.text.contains("EOF"), "{}", answer.text);
    assert_eq!(service.books.letters.lock().unwrap().len(), 1, "it is still there");
    for strange in [id(0), "x".to_owned(), "%00".to_owned()] {
        let refusal = replay(&service, &strange).await.refusal();
        assert_eq!(refusal, (404, "dead_letter_not_found".to_owned(), None), "{strange}");
    }
}

/// A failed job, a cancelled one and one that waits, named by that, beside two letters.
async fn with_jobs() -> Service {
    let service = with_letters(&[b"{", b"x"]).await;
    for _ in 0..3 {
        assert_eq!(service.post(r#"{"assessmentId": "a", "config": {"paths": 1000}}"#).await.status, 202);
    }
    let kinds = [("failed", Some("no good")), ("cancelled", Some("cancelled")), ("waits", None)];
    for (job, (name, error)) in service.books.records.lock().unwrap().iter_mut().zip(kinds) {
        job.id = JobId(name.to_owned());
        job.status = if error.is_some() { JobStatus::Failed } else { JobStatus::Pending };
        job.error = error.map(str::to_owned);
        job.attempts = 5;
        job.completed_at_ms = Some(job.created_at_ms + 1_000);
        // Before both letters.
        job.created_at_ms -= 1_000;
    }
    service.wakes.store(0, Ordering::SeqCst);
    service
}

#[tokio::test]
async fn jobs_that_failed_are_in_the_same_list() {
    let service = with_jobs().await;
    let all = service.get("/dead-letters").await.json();
    let kinds: Vec<_> = all["letters"].as_array().unwrap().iter().map(|letter| &letter["kind"]).collect();
    assert_eq!(kinds, ["message", "message", "job"]);
    let shown = json!({
        "kind": "job", "id": "failed", "assessmentId": "a", "reason": "no good", "attempts": 5,
        "config": all["letters"][2]["config"], "createdAt": "2026-11-24T05:59:59.000Z", "failedAt": "2026-11-24T06:00:01.000Z",
    });
    assert_eq!((&all["letters"][2], &all["letters"][2]["config"]["paths"]), (&shown, &json!(1_000)));
    let of_kind = async |kind: &str| {
        let page = service.get(&format!("/dead-letters?kind={kind}")).await.json();
        page["letters"].as_array().unwrap().len()
    };
    assert_eq!((of_kind("message").await, of_kind("job").await), (2, 1));
    let after = service.get("/dead-letters?after=failed").await.json();
    assert_eq!(after, json!({"letters": []}));
}

#[tokio::test]
async fn a_job_that_failed_is_replayed_as_it_is_retried() {
    let service = with_jobs().await;
    let answer = replay(&service, "failed").await;
    assert_eq!((answer.status, answer.json()), (200, json!({"jobId": "failed"})), "{}", answer.text);
    assert_eq!(service.wakes.load(Ordering::SeqCst), 1);
    assert_eq!(service.get("/simulations/failed").await.json()["status"], "pending");
    for strange in ["failed", "cancelled", "waits", "none"] {
        let refusal = replay(&service, strange).await.refusal();
        assert_eq!(refusal, (404, "dead_letter_not_found".to_owned(), None), "{strange}");
    }
    assert_eq!(service.get("/simulations/cancelled").await.json()["status"], "failed", "nobody took it back");
}
