//! Traders' jobs on Ray, with nothing in their way.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use monte_carlo_engine::Control;
use monte_carlo_service::simulator::{Simulator, SimulatorError};
use serde_json::json;

use crate::jobs::{client, digest, jobs, shared_ray, survive};
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
    let (ray, large, small) = (
        client(&passage.url),
        jobs(1, &json!({"paths": 50_000_000, "steps": 2_000})).await.remove(0),
        jobs(1, &json!({"paths": 10_000})).await.remove(0),
    );
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
    let began = Instant::now();
    while passage.given_up() == 0 {
        assert!(began.elapsed() < BOUND, "Ray is not told, and goes on with what nobody waits for");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    digest(&ray, &small, "ray").await;
}
