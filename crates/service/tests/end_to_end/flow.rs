//! The story, undisturbed.

use serde_json::json;

use crate::house::{self, House, Neighbours};
use crate::{ledger, story};

#[tokio::test(flavor = "multi_thread")]
async fn five_hundred_events_on_kafka_and_postgres_end_in_one_job_and_one_event_each() {
    house::undisturbed().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn five_hundred_events_on_sqlite_and_the_embedded_broker_give_the_same_results() {
    let house = House::build(Neighbours::Embedded).await;
    let service = house.service().ready().await;
    house.tell(&story::events(&house.book)).await;
    let digests = ledger::settle(&house, &service).await;
    assert_eq!(digests, *house::undisturbed().await);
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_by_http_equals_the_job_by_event_and_each_post_makes_a_new_one() {
    let house = House::build(Neighbours::Embedded).await;
    let service = house.service().ready().await;
    let trader = house.book.passed().next().expect("a passed trader").assessment_id.clone();
    let ask = json!({"assessmentId": trader});
    let (status, first) = service.post("/simulations", &ask).await;
    assert_eq!(status, 202);
    let (_, second) = service.post("/simulations", &ask).await;
    assert_ne!(first["jobId"], second["jobId"]);
    ledger::completed(&service, 2).await;
    let path = |job: &serde_json::Value| format!("/simulations/{}", job["jobId"].as_str().expect("an id"));
    let (first, second) = (service.get(&path(&first)).await, service.get(&path(&second)).await);
    assert_eq!(first["result"]["resultDigest"], second["result"]["resultDigest"]);
    assert!(!first["inputData"]["tradeHistory"].as_array().expect("trades").is_empty());

    let (status, refusal) = service.post("/simulations", &json!({"assessmentId": "nobody"})).await;
    assert_eq!((status, &refusal["code"]), (404, &json!("assessment_not_found")));

    let mut inline = json!({"fundedAccountId": "theirs"});
    inline["inputData"] = first["inputData"].clone();
    let (status, third) = service.post("/simulations", &inline).await;
    assert_eq!(status, 202, "a history sent along needs no Core Service: {third}");
    ledger::completed(&service, 3).await;
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_cancelled_leaves_its_place_to_others_and_may_be_tried_anew() {
    let house = House::build(Neighbours::Embedded).await;
    let service =
        house.service_with(&[("WORKER_CONCURRENCY", "1"), ("SIMULATION_THREADS", "1")]).ready().await;
    let trader = house.book.passed().next().expect("a passed trader").assessment_id.clone();
    let order = async |config: serde_json::Value| {
        let (status, told) =
            service.post("/simulations", &json!({"assessmentId": trader, "config": config})).await;
        assert_eq!(status, 202, "{told}");
        format!("/simulations/{}", told["jobId"].as_str().expect("an id"))
    };
    // Some minutes of a core.
    let large = order(json!({"paths": 100_000_000, "steps": 1_000})).await;
    while service.get(&large).await["progress"] == json!(0.0) {
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    let (status, told) = service.post(&format!("{large}/cancel"), &json!({})).await;
    assert_eq!(
        (status, &told["status"], &told["error"]),
        (200, &json!("failed"), &json!("cancelled")),
        "{told}"
    );
    let small = order(json!({"paths": 1_000})).await;
    ledger::completed(&service, 1).await;
    assert_eq!(service.get(&small).await["status"], "completed");
    assert_eq!(service.get(&large).await["status"], "failed", "it does not come back");

    let (status, told) = service.post(&format!("{large}/retry"), &json!({})).await;
    assert_eq!(
        (status, &told["status"], &told["lastError"]),
        (202, &json!("pending"), &json!("cancelled")),
        "{told}"
    );
    let ids = [large.rsplit('/').next().expect("an id"), small.rsplit('/').next().expect("an id")];
    let (status, told) = service.post("/simulations/bulk", &json!({"action": "cancel", "ids": ids})).await;
    assert_eq!(
        (status, &told["done"], &told["results"][1]["outcome"]),
        (200, &json!(1), &json!("refused")),
        "{told}"
    );
    service.stop().await;
}
