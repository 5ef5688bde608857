//! The story on a real Ray Serve, which `./test ray` starts; this process computes nothing.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::json;
use tokio::sync::OnceCell;

use crate::house::{House, Neighbours, required};
use crate::ledger;
use crate::processes::{REPLICA, below, send};
use crate::service::Service;
use crate::topics::Outgoing;

const ASSESSMENTS: usize = 200;
/// Few: the weighted histories, which tell the history's error, are a hundred times as many.
const PATHS: &str = "2000";

/// The events of the story's traders, and nothing else.
async fn tell(house: &House) {
    let passed: Vec<_> = house.book.passed().take(ASSESSMENTS).map(|trader| &trader.assessment_id).collect();
    let events = house.book.events().into_iter().filter(|event| passed.contains(&&event.key));
    let events: Vec<_> = events
        .map(|event| Outgoing {
            key: Some(event.key),
            payload: event.payload.into_bytes(),
            headers: event.headers,
        })
        .collect();
    assert_eq!(events.len(), ASSESSMENTS);
    house.tell(&events).await;
}

/// What the simulator of a service's own process finds, with nothing in its way.
async fn here() -> &'static BTreeMap<String, String> {
    static DIGESTS: OnceCell<BTreeMap<String, String>> = OnceCell::const_new();
    DIGESTS
        .get_or_init(|| async {
            let house = House::build(Neighbours::Real).await;
            let service = house.service_with(&[("SIMULATION_PATHS", PATHS)]).ready().await;
            tell(&house).await;
            let digests = ledger::settle_passed(&house, &service, ASSESSMENTS).await;
            service.stop().await;
            digests
        })
        .await
}

async fn service_on_ray(house: &House) -> Service {
    let url = required("TEST_RAY_URL");
    let variables = [
        ("SIMULATOR", "ray"),
        ("SIMULATOR_FALLBACK", "none"),
        ("RAY_SERVE_URL", &url),
        ("SIMULATION_PATHS", PATHS),
    ];
    house.service_with(&variables).ready().await
}

/// Every result is the one from here, computed on Ray, at the first attempt, and told once.
async fn settled(house: &House, service: &Service) {
    assert_eq!(ledger::settle_passed(house, service, ASSESSMENTS).await, *here().await);
    for job in service.jobs("completed").await {
        let job = service.get(&format!("/simulations/{}", job["id"].as_str().expect("an id"))).await;
        assert_eq!((&job["result"]["executedOn"], &job["attempts"]), (&json!("ray"), &json!(1)), "{job}");
    }
    let told = house.read_until("montecarlo.simulation-completed", ASSESSMENTS).await;
    assert_eq!(told.len(), ASSESSMENTS, "each is told once");
}

#[tokio::test(flavor = "multi_thread")]
async fn two_hundred_assessments_have_the_bits_on_ray_that_they_have_here() {
    let house = House::build(Neighbours::Real).await;
    let service = service_on_ray(&house).await;
    tell(&house).await;
    settled(&house, &service).await;
    assert_eq!(service.metric("simulation_fallbacks_total").await, 0.0);
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn so_they_have_while_replicas_die() {
    let house = House::build(Neighbours::Real).await;
    let service = service_on_ray(&house).await;
    tell(&house).await;
    let server = required("TEST_RAY_PID").parse().expect("a process id");
    for death in 1..=3 {
        ledger::completed(&service, ASSESSMENTS * death / 5).await;
        for replica in below(server, REPLICA) {
            send("-KILL", replica);
        }
        // Long enough for another to come.
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    settled(&house, &service).await;
    assert!(service.metric("ray_shard_failures_total").await >= 1.0, "a shard was lost");
    service.stop().await;
}
