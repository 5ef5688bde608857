//! What works: shards, stages, progress, in-flight, cancelling.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use monte_carlo_engine::Control;
use monte_carlo_service::simulator::{Simulator, SimulatorError};
use serde_json::json;

use crate::jobs::{client, executed_on, job, usual};
use crate::stand_in::{Act, StandIn, ours};

#[tokio::test(flavor = "multi_thread")]
async fn a_job_on_ray_has_the_bits_that_it_has_here() {
    let ray = StandIn::start().await;
    assert_eq!(executed_on(&client(&ray.url), &usual()).await, "ray");
    assert!(ray.shards_seen() > 4, "it was cut: {}", ray.shards_seen());
    assert_eq!(ray.shard_calls(), ray.shards_seen(), "each shard was asked for once");
    assert_eq!(ray.inner.health_calls.load(Ordering::SeqCst), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn many_jobs_share_the_places_and_the_health_report() {
    let ray = StandIn::start().await;
    ray.says(ours(3));
    ray.acts(|_| Act::After(Duration::from_millis(5)));
    let client = client(&ray.url);
    let jobs: Vec<_> = (0..4)
        .map(|seed| job(json!({"paths": 80_000, "steps": 100, "historyReplicates": 40, "seed": seed})))
        .collect();
    let done = futures::future::join_all(jobs.iter().map(|job| executed_on(&client, job))).await;
    assert_eq!(done, ["ray"; 4]);
    assert_eq!(ray.inner.health_calls.load(Ordering::SeqCst), 1, "one asks, the others hear");
    let most = ray.inner.in_flight_max.load(Ordering::SeqCst);
    // The cap begins at the replicas and grows by one with each round of quick answers.
    assert!((3..=12).contains(&most), "{most} in flight");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ray_that_pushes_back_gets_fewer() {
    let ray = StandIn::start().await;
    ray.says(ours(16));
    // Two replicas of one place each, whatever it says of itself.
    let (inner, refused) = (Arc::downgrade(&ray.inner), Arc::new(AtomicUsize::new(0)));
    let counted = refused.clone();
    ray.acts(move |_| match inner.upgrade().map(|inner| inner.in_flight()) {
        Some(in_flight) if in_flight > 2 => {
            counted.fetch_add(1, Ordering::SeqCst);
            Act::RetryAfter(429, 0)
        }
        _ => Act::After(Duration::from_millis(10)),
    });
    let client = client(&ray.url);
    let large = job(json!({"paths": 400_000, "steps": 100, "historyReplicates": 40}));
    assert_eq!(executed_on(&client, &large).await, "ray");
    let at_first = refused.swap(0, Ordering::SeqCst);
    assert!(at_first > 4, "sixteen are too many: {at_first}");
    assert_eq!(executed_on(&client, &large).await, "ray");
    let then = refused.load(Ordering::SeqCst);
    assert!(then < at_first, "{then} after {at_first}: it has learnt");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancelled_job_hangs_up() {
    let ray = StandIn::start().await;
    ray.acts(|_| Act::Hang);
    let (client, job, control) = (client(&ray.url), usual(), Arc::new(Control::default()));
    let stop = async {
        while ray.inner.in_flight() < 2 {
            tokio::task::yield_now().await;
        }
        control.cancel.store(true, Ordering::Relaxed);
    };
    let (outcome, ()) = tokio::join!(client.simulate(job, control.clone()), stop);
    assert!(matches!(outcome, Err(SimulatorError::Cancelled)), "{outcome:?}");
    while ray.inner.in_flight() > 0 {
        tokio::task::yield_now().await;
    }
}
