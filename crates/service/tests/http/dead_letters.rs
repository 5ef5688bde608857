//! `/dead-letters`: what is shown, and what another look does.

use std::sync::atomic::Ordering;

use monte_carlo_service::store::PoisonMessage;
use monte_carlo_service::store::dead_letters::{DeadLetter, LetterId};
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
        "id": id(0), "topic": "assessment.completed", "partition": 3, "offset": 0, "reason": "no JSON",
        "payload": "{", "payloadBytes": 1, "receivedAt": "2026-11-24T06:00:00.000Z",
    });
    assert_eq!((&first["letters"][0], &first["letters"][1]["payload"]), (&shown, &json!("\u{fffd}!")));
    let next = first["next"].as_str().unwrap();
    let second = service.get(&format!("/dead-letters?after={next}")).await.json();
    assert_eq!((second["letters"].as_array().unwrap().len(), second.get("next")), (1, None));
    let gone = service.get(&format!("/dead-letters?after={}", id(99))).await.json();
    assert_eq!(gone, json!({"letters": []}));
    for (query, field) in
        [("limit=0", "limit"), ("limit=201", "limit"), ("after=x", "after"), ("kind=a", "kind")]
    {
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
