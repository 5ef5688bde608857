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
    // Two for each replica, and one more with each round of quick answers.
    assert!((6..=16).contains(&most), "{most} in flight");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ray_that_pushes_back_gets_fewer() {
    let ray = StandIn::start().await;
    ray.says(ours(16));
    // Two replicas of one place each, whatever it says of itself.
    let (inner, most_later) = (Arc::downgrade(&ray.inner), Arc::new(AtomicUsize::new(0)));
    let noted = most_later.clone();
    ray.acts(move |call| {
        let in_flight = inner.upgrade().map_or(0, |inner| inner.in_flight());
        if call.of_shard >= 3 {
            noted.fetch_max(in_flight, Ordering::SeqCst);
        }
        if in_flight > 2 { Act::RetryAfter(429, 0) } else { Act::After(Duration::from_millis(10)) }
    });
    let large = job(json!({"paths": 400_000, "steps": 100, "historyReplicates": 40}));
    assert_eq!(executed_on(&client(&ray.url), &large).await, "ray");
    let most = ray.inner.in_flight_max.load(Ordering::SeqCst);
    assert!(most > 8, "it begins with what sixteen replicas can have: {most}");
    // Halved by each of three rounds.
    let later = most_later.load(Ordering::SeqCst);
    assert!(later <= 8, "{later} in flight after {most}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancelled_job_hangs_up_and_ends_its_calls_by_their_ids() {
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
    let asked = ray.ids();
    assert_eq!(asked.len(), ray.shard_calls(), "each has its own");
    assert_eq!(ray.cancelled(|ended| ended.len() >= asked.len()).await, asked);
}

/// What was budgeted and is not needed counts as done.
#[tokio::test(flavor = "multi_thread")]
async fn a_job_that_is_sure_enough_early_ends_with_all_of_its_progress() {
    let ray = StandIn::start().await;
    let asked = job(json!({
        "steps": 100, "historyReplicates": 40,
        "tolerance": {"metric": "breachProbability", "standardError": 0.1, "maxPaths": 1_000_000},
    }));
    assert_eq!(executed_on(&client(&ray.url), &asked).await, "ray");
    assert!(ray.firsts_seen().len() < 20, "a stage or two");
}

/// What comes next is decided by what came back: a look at a time, and then the weighted histories.
#[tokio::test(flavor = "multi_thread")]
async fn a_job_in_stages_has_the_bits_that_it_has_here_wherever_its_stages_run() {
    let asked = job(json!({
        "steps": 100, "historyReplicates": 40,
        "tolerance": {"metric": "breachProbability", "standardError": 1e-9, "maxPaths": 200_000},
    }));
    let ray = StandIn::start().await;
    assert_eq!(executed_on(&client(&ray.url), &asked).await, "ray");

    // It is updated within a later stage: what is left of that stage, and the stages after it, are done here.
    let firsts = ray.firsts_seen();
    assert!(firsts.len() > 3, "{firsts:?}");
    let later = firsts[firsts.len() / 2];
    let other = StandIn::start().await;
    other.acts(move |call| match call.shard.first_path {
        first if first < later => Act::Answer,
        first if first == later => Act::Marked(409, "engine_version"),
        _ => Act::Hang,
    });
    assert_eq!(executed_on(&client(&other.url), &asked).await, "ray+local");
}
