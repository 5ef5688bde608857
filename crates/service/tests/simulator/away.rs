//! Ray that is not there, or goes away: jobs do not wait, lose nothing, and find it again.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use monte_carlo_service::simulator::SimulatorError;
use monte_carlo_service::simulator::ray::limits::Limits;
use reqwest::Url;
use serde_json::json;
use tokio::net::TcpListener;

use crate::jobs::{client, client_alone, client_with, executed_on, job, limits, outcome, usual};
use crate::stand_in::{Act, StandIn};

/// Longer than any pause of the breaker.
const FOUND_AGAIN_BOUND: Duration = Duration::from_secs(60);

/// Nobody listens there.
async fn nowhere() -> Url {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    format!("http://{}", listener.local_addr().expect("its address")).parse().expect("a URL")
}

#[tokio::test(flavor = "multi_thread")]
async fn without_ray_jobs_are_done_here_and_one_asks_for_all() {
    let url = nowhere().await;
    let client = client(&url);
    assert_eq!(executed_on(&client, &usual()).await, "local");
    assert!(client.away().is_some_and(|why| why.contains("refused")), "{:?}", client.away());
    let outcome = outcome(&client_alone(&url), &usual()).await;
    assert!(
        matches!(&outcome, Err(SimulatorError::Unavailable(why)) if why.contains("refused")),
        "{outcome:?}"
    );
}

/// One `/health` is waited for, by the first job: 2.5 s. Later ones find out behind the back of whichever job is at hand.
#[tokio::test(flavor = "multi_thread")]
async fn a_host_that_says_nothing_delays_one_job_and_no_other() {
    let silent = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}", silent.local_addr().expect("its address")).parse().expect("a URL");
    let asked = Arc::new(AtomicUsize::new(0));
    let counted = asked.clone();
    tokio::spawn(async move {
        let mut callers = Vec::new();
        while let Ok((caller, _)) = silent.accept().await {
            callers.push(caller);
            counted.fetch_add(1, Ordering::SeqCst);
        }
    });
    let (client, job) = (client(&url), job(json!({"paths": 100, "steps": 10, "historyReplicates": 0})));
    assert_eq!(executed_on(&client, &job).await, "local");
    assert!(client.away().is_some_and(|why| why.contains("no answer within")), "{:?}", client.away());
    while asked.load(Ordering::SeqCst) < 3 {
        let began = Instant::now();
        outcome(&client, &job).await.expect("it is done here");
        assert!(began.elapsed() < Duration::from_millis(2_400), "{:?}", began.elapsed());
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ray_that_comes_is_found() {
    let url = nowhere().await;
    let client = client(&url);
    assert_eq!(executed_on(&client, &usual()).await, "local");
    let ray = StandIn::start_at(url.authority()).await;
    let began = Instant::now();
    while executed_on(&client, &usual()).await != "ray" {
        assert!(began.elapsed() < FOUND_AGAIN_BOUND);
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(client.away(), None);
    assert!(ray.shard_calls() > ray.shards_seen(), "a tiny shard went ahead");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ray_that_goes_in_mid_job_is_tried_and_then_done_without() {
    let ray = StandIn::start().await;
    // Two shards come back, then every connection breaks.
    ray.acts(|call| if call.number < 2 { Act::Answer } else { Act::Status(404) });
    let limits = Limits { trying: Duration::from_secs(2), ..limits() };
    let client = client_with(&ray.url, limits);
    let began = Instant::now();
    assert_eq!(executed_on(&client, &usual()).await, "ray+local");
    assert!(began.elapsed() >= limits.trying, "it was tried for as long as that");
    assert!(client.away().is_some(), "others need not try");
    let calls = ray.shard_calls();
    assert!(calls < 60, "{calls} calls: it is not hammered");
    assert_eq!(executed_on(&client, &usual()).await, "local");

    // Its health is good, and its shards are not: it stays alone until a shard comes back.
    let asked = ray.inner.health_calls.load(Ordering::SeqCst);
    let began = Instant::now();
    while ray.inner.health_calls.load(Ordering::SeqCst) < asked + 2 {
        assert_eq!(executed_on(&client, &usual()).await, "local");
        assert!(client.away().is_some(), "it was taken for whole by its health");
        assert!(began.elapsed() < FOUND_AGAIN_BOUND, "it is not asked again");
    }
    ray.acts(|_| Act::Answer);
    let began = Instant::now();
    while executed_on(&client, &usual()).await != "ray" {
        assert!(began.elapsed() < FOUND_AGAIN_BOUND);
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_proxy_that_restarts_costs_a_moment() {
    let ray = StandIn::start().await;
    ray.acts(|call| if (2..12).contains(&call.number) { Act::Status(404) } else { Act::Answer });
    let client = client(&ray.url);
    assert_eq!(executed_on(&client, &usual()).await, "ray");
    assert_eq!(client.away(), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ray_that_is_not_healthy_is_not_used() {
    let ray = StandIn::start().await;
    ray.says(json!({"status": "starting"}));
    let client = Arc::new(client(&ray.url));
    let done =
        futures::future::join_all((0..3).map(|_| async { executed_on(&client, &usual()).await })).await;
    assert_eq!(done, ["local"; 3]);
    assert_eq!(ray.shard_calls(), 0);
    assert!(ray.inner.health_calls.load(Ordering::SeqCst) <= 2, "one asks for all");
}
