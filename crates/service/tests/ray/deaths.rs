//! What dies: a replica, the proxy, the application, and whichever replica takes a certain shard.

use std::sync::Arc;
use std::time::Duration;

use monte_carlo_service::simulator::{Simulator, SimulatorError};
use serde_json::json;

use crate::jobs::{client, digest, jobs, long_jobs, survive};
use crate::own_ray::OwnRay;
use crate::passage::Passage;
use crate::processes::send;

#[tokio::test(flavor = "multi_thread")]
async fn replicas_that_are_killed_cost_their_shards_and_no_job() {
    let ray = OwnRay::lend().await;
    let passage = Passage::clear(&ray.url).await;
    survive(&client(&passage.url), &long_jobs(2).await, async {
        let replicas = ray.replicas();
        assert!(!replicas.is_empty());
        for replica in replicas {
            send("-KILL", replica);
        }
    })
    .await;
    assert!(passage.faults() >= 1, "a shard was in their hands");
}

/// By a client that finds its door closed, and one behind something that opens, and closes again.
#[tokio::test(flavor = "multi_thread")]
async fn a_proxy_that_is_killed_is_waited_for() {
    let ray = OwnRay::lend().await;
    let passage = Passage::clear(&ray.url).await;
    let (direct, behind) = (client(&ray.url), client(&passage.url));
    let jobs = long_jobs(2).await;
    let fault = async { send("-KILL", ray.proxy()) };
    tokio::join!(survive(&direct, &jobs[..1], fault), survive(&behind, &jobs[1..], async {}));
    assert!(passage.faults() >= 2, "a call was lost, and others came to a closed door");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_application_that_is_deleted_and_deployed_again_is_waited_for() {
    let ray = OwnRay::lend().await;
    let passage = Passage::clear(&ray.url).await;
    survive(&client(&passage.url), &long_jobs(2).await, async {
        ray.delete().await;
        assert_eq!(ray.health().await, None);
        ray.deploy(|configuration| configuration).await;
    })
    .await;
    assert!(passage.answers(404) >= 1, "nobody was there");
}

/// `tests/servers/ray/fatal.py` names the seed.
#[tokio::test(flavor = "multi_thread")]
async fn a_shard_that_kills_its_replicas_fails_its_job_and_no_other() {
    const BOUND: Duration = Duration::from_secs(120);
    let ray = OwnRay::lend().await;
    let fatal = jobs(1, &json!({"paths": 400_000, "steps": 100, "historyReplicates": 0, "seed": 666}))
        .await
        .remove(0);
    let client = client(&ray.url);
    let fails = async {
        let outcome = client.simulate(fatal.clone(), Arc::default()).await;
        assert!(
            matches!(&outcome, Err(SimulatorError::Engine(why)) if why.contains("from 0 on is lost each time")),
            "{outcome:?}"
        );
    };
    let others = jobs(4, &json!({"paths": 400_000, "steps": 100, "historyReplicates": 0})).await;
    let others_are_done = survive(&client, &others, async {});
    let ended = async { tokio::join!(fails, others_are_done) };
    tokio::time::timeout(BOUND, ended).await.expect("it is not tried for ever");
    assert_eq!(client.away(), None);
    digest(&client, &others[0], "ray").await;
}
