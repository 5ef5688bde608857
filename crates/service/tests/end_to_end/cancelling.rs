//! What a person cancels stops: its place is free within a second, and no thread computes for it any more.

use std::time::{Duration, Instant};

use jiff::Timestamp;
use monte_carlo_service::simulator::local::SHARD_PATH_STEPS;
use monte_carlo_service::worker::BEAT_EVERY;
use serde_json::{Value, json};

use crate::house::{House, Neighbours};
use crate::service::Service;

/// Promised is a second. A busy machine has half of one more, which is still before the next beat, that would tell too.
const STOPPED_WITHIN: Duration = Duration::from_millis(1_500);
const ROUNDS: usize = 3;
const BOUND: Duration = Duration::from_secs(60);
const COMPUTED: &str = "simulated_path_steps_total";
/// Shards of the job that takes the cancelled one's place.
const SHARDS: u64 = 6;

async fn until(service: &Service, path: &str, is_so: impl Fn(&Value) -> bool) -> Value {
    let began = Instant::now();
    loop {
        let job = service.get(path).await;
        if is_so(&job) {
            return job;
        }
        assert!(began.elapsed() < BOUND, "it is {} and {} done", job["status"], job["progress"]);
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

fn at_ms(time: &Value) -> i64 {
    time.as_str().expect("a time").parse::<Timestamp>().expect("RFC 3339").as_millisecond()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancelled_simulation_gives_its_place_back_within_a_second_and_computes_no_more() {
    assert!(STOPPED_WITHIN < BEAT_EVERY, "a beat must not be what stops it");
    let house = House::build(Neighbours::Real).await;
    let service =
        house.service_with(&[("WORKER_CONCURRENCY", "1"), ("SIMULATION_THREADS", "1")]).ready().await;
    let trader = house.book.passed().next().expect("a passed trader").assessment_id.clone();
    let order = async |config: Value| {
        let (status, told) =
            service.post("/simulations", &json!({"assessmentId": trader, "config": config})).await;
        assert_eq!(status, 202, "{told}");
        format!("/simulations/{}", told["jobId"].as_str().expect("an id"))
    };
    for _ in 0..ROUNDS {
        // Minutes of a core, in hundreds of shards; and what waits for its place.
        let large = order(json!({"paths": 100_000_000, "steps": 1_000})).await;
        let paths = SHARDS * SHARD_PATH_STEPS / 1_000;
        let small = order(json!({"paths": paths, "steps": 1_000, "historyReplicates": 0})).await;
        // What is told of its progress comes with a beat, so that the next one is as far away as can be.
        let told = until(&service, &large, |job| job["progress"].as_f64() > Some(0.0)).await;
        until(&service, &large, |job| job["progress"] != told["progress"]).await;
        let (status, cancelled) = service.post(&format!("{large}/cancel"), &json!({})).await;
        assert_eq!(status, 200, "{cancelled}");
        let begun = until(&service, &small, |job| job["status"] != "pending").await;
        let computed = service.metric(COMPUTED).await;
        let waited_ms = at_ms(&begun["startedAt"]) - at_ms(&cancelled["completedAt"]);
        println!("the place of a cancelled job was taken {waited_ms} ms later");
        assert!(waited_ms < STOPPED_WITHIN.as_millis() as i64, "{waited_ms} ms");

        // On the only thread jobs take turns: one that went on would compute as much meanwhile.
        until(&service, &small, |job| job["status"] == "completed").await;
        let computed = (service.metric(COMPUTED).await - computed) / SHARD_PATH_STEPS as f64;
        println!("{computed} shards were computed while a job of {SHARDS} ran");
        assert!(computed < SHARDS as f64 * 1.5, "{computed} shards");
    }
    service.stop().await;
}
