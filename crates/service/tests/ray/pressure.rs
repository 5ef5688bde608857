//! More at once than Ray takes.

use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::future::join_all;
use monte_carlo_service::simulator::{Assignment, Outcome, Simulator, SimulatorError};
use serde_json::json;

use crate::jobs::{client, digest_of, here, jobs};
use crate::own_ray::OwnRay;
use crate::passage::Passage;

/// Processes of the service, each with its own idea of how much Ray takes.
const CLIENTS: usize = 16;
/// All of it is some seconds of two cores.
const BOUND: Duration = Duration::from_secs(90);

async fn all_are_done(url: &str) {
    let job = jobs(1, &json!({"paths": 400_000, "steps": 100, "historyReplicates": 40})).await.remove(0);
    let done = join_all((0..CLIENTS).map(|_| done(url, &job))).await;
    let wanted = here(&job).await;
    assert!(done.iter().all(|digest| *digest == wanted), "{wanted}: {done:?}");
}

/// As the worker has it: a job of a process that gets no word out of Ray rests a while, uncharged.
async fn done(url: &str, job: &Assignment) -> String {
    let (client, began) = (client(url), Instant::now());
    loop {
        match client.simulate(job.clone(), Arc::default()).await {
            Ok(Outcome::Tally { tally, executed_on: "ray" }) => return digest_of(job, &tally),
            Err(SimulatorError::Unavailable(why)) => {
                assert!(began.elapsed() < BOUND, "{why}");
                tokio::time::sleep(Duration::from_millis(500)).await;
            }
            outcome => panic!("{outcome:?}"),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_queue_that_is_full_is_no_job_s_fault() {
    let ray = OwnRay::lend().await;
    let passage = Passage::clear(&ray.url).await;
    all_are_done(&passage.url).await;
    assert!(passage.answers(429) >= 1, "it was full");
}

/// As an operator may have it: the door takes few, and says so in Serve's own way.
#[tokio::test(flavor = "multi_thread")]
async fn nor_is_a_door_that_is_crowded() {
    let ray = OwnRay::lend().await;
    ray.deploy(|configuration| {
        let narrow = configuration
            .replace("status_code: 429", "status_code: 503")
            .replace("requests: 256", "requests: 2");
        assert!(!narrow.contains("429") && narrow.matches("requests: 2\n").count() == 3, "{configuration}");
        narrow
    })
    .await;
    ray.answers().await;
    let passage = Passage::clear(&ray.url).await;
    all_are_done(&passage.url).await;
    assert!(passage.answers(503) >= 1, "it was crowded");
    ray.deploy(|configuration| configuration).await;
}
