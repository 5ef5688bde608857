//! Traders' jobs on Ray, with nothing in their way.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use monte_carlo_engine::Control;
use monte_carlo_service::simulator::ray::RaySimulator;
use monte_carlo_service::simulator::ray::limits::Limits;
use monte_carlo_service::simulator::{Simulator, SimulatorError};
use serde_json::json;

use crate::jobs::{client, client_with, digest, jobs, limits, shared_ray, survive};
use crate::passage::Passage;

/// What takes a moment has happened by then, on a busy machine too.
const BOUND: Duration = Duration::from_secs(60);

#[tokio::test(flavor = "multi_thread")]
async fn traders_of_the_book_have_the_same_bits_on_ray_and_here() {
    survive(&client(&shared_ray()), &jobs(8, &json!({"paths": 100_000})).await, async {}).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn so_have_jobs_of_every_shape() {
    for config in [
        json!({"paths": 50_000, "level": "day", "rules": "assessment"}),
        json!({"paths": 50_000, "model": "iid", "sizing": "fixed", "seed": 7}),
        json!({"tolerance": {"metric": "breachProbability", "standardError": 0.002, "maxPaths": 500_000}}),
    ] {
        survive(&client(&shared_ray()), &jobs(2, &config).await, async {}).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_that_is_stopped_leaves_ray_free_for_others() {
    let passage = Passage::clear(&shared_ray()).await;
    let ray = stopped(&passage.url, limits()).await;
    until("Ray is not told, and goes on with what nobody waits for", || passage.given_up() > 0).await;
    let small = jobs(1, &json!({"paths": 10_000})).await.remove(0);
    digest(&ray, &small, "ray").await;
}

/// Then Ray is told by another call: it ends those that nobody waits for, which would take seconds, and answers so.
#[tokio::test(flavor = "multi_thread")]
async fn so_it_does_where_a_proxy_does_not_pass_on_that_it_hung_up() {
    let passage = Passage::discreet(&shared_ray()).await;
    stopped(&passage.url, Limits::default()).await;
    until("its calls are not ended", || passage.answers(499) > 0).await;
}

/// A client whose job of minutes was cancelled after its first shard.
async fn stopped(url: &str, limits: Limits) -> RaySimulator {
    let ray = client_with(url, None, limits);
    let large = jobs(1, &json!({"paths": 50_000_000, "steps": 2_000})).await.remove(0);
    let control = Arc::new(Control::default());
    let stop = async {
        while control.paths_done.load(Ordering::Relaxed) == 0 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        control.cancel.store(true, Ordering::Relaxed);
    };
    let stopped = async { tokio::join!(ray.simulate(large, control.clone()), stop).0 };
    let outcome = tokio::time::timeout(BOUND, stopped).await.expect("it would go on for minutes");
    assert!(matches!(outcome, Err(SimulatorError::Cancelled)), "{outcome:?}");
    ray
}

async fn until(fault: &str, is_so: impl Fn() -> bool) {
    let began = Instant::now();
    while !is_so() {
        assert!(began.elapsed() < BOUND, "{fault}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}
