//! The client that the platform's other services use: KafkaJS sends the event and reads the answer.

use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};

use crate::house::{House, Neighbours, required};

#[tokio::test(flavor = "multi_thread")]
async fn kafkajs_sends_an_event_and_reads_the_answer() {
    let house = House::build(Neighbours::Real).await;
    let service = house.service().ready().await;
    let trader = house.book.passed().next().expect("a passed trader").assessment_id.clone();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/clients/round_trip.mjs");
    let command = {
        let mut command = Command::new("node");
        command.arg(script).args([house.brokers(), house.prefix(), &trader]);
        command.env("TEST_KAFKAJS_DIR", required("TEST_KAFKAJS_DIR"));
        command
    };
    let ran =
        tokio::task::spawn_blocking(move || { command }.output()).await.expect("it ends").expect("node runs");
    assert!(ran.status.success(), "{}\n{}", String::from_utf8_lossy(&ran.stderr), service.log_tail());
    let answer: Value = serde_json::from_slice(&ran.stdout).expect("one JSON answer");
    assert_eq!(answer["key"], json!(trader));
    assert_eq!(answer["headers"]["correlation-id"], "from-kafkajs");
    let job =
        service.get(&format!("/simulations?assessmentId={trader}&status=completed")).await["jobs"][0].clone();
    assert_eq!(answer["value"]["jobId"], job["id"]);
    assert_eq!(answer["value"]["result"]["resultDigest"], job["result"]["resultDigest"]);
    service.stop().await;
}
