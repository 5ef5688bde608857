//! What hangs: it takes calls, and says nothing.

use std::time::Duration;

use monte_carlo_service::simulator::local::LocalSimulator;
use monte_carlo_service::simulator::ray::limits::Limits;

use crate::jobs::{begun, client_with, executed, here, limits, long_jobs, shared_ray, survive};
use crate::own_ray::OwnRay;
use crate::passage::{Act, Passage};
use crate::processes::send;

/// Of one call.
const BOUND: Duration = Duration::from_secs(4);

fn impatient() -> Limits {
    Limits { shard_call: BOUND, ..limits() }
}

#[tokio::test(flavor = "multi_thread")]
async fn replicas_that_hang_are_waited_for_and_asked_again() {
    let ray = OwnRay::lend().await;
    let passage = Passage::clear(&ray.url).await;
    survive(&client_with(&passage.url, None, impatient()), &long_jobs(1).await, async {
        let replicas = ray.replicas();
        replicas.iter().for_each(|&replica| send("-STOP", replica));
        tokio::time::sleep(BOUND * 2).await;
        replicas.iter().for_each(|&replica| send("-CONT", replica));
    })
    .await;
    assert!(passage.given_up() >= 1, "a call ran out of time");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_proxy_that_hangs_is_done_without() {
    let ray = OwnRay::lend().await;
    let limits = Limits { trying: BOUND * 2, ..impatient() };
    let fallback = LocalSimulator::new(2).expect("threads");
    let (client, job) = (client_with(&ray.url, Some(fallback), limits), long_jobs(1).await.remove(0));
    let control = std::sync::Arc::default();
    let proxy = ray.proxy();
    let stop = async {
        begun(&control).await;
        send("-STOP", proxy);
    };
    let ((executed_on, with_ray), ()) = tokio::join!(executed(&client, &job, &control), stop);
    send("-CONT", proxy);
    assert_eq!(executed_on, "ray+local");
    assert!(client.away().is_some(), "other jobs do not wait for it");
    assert_eq!(with_ray, here(&job).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_that_are_kept_back_are_asked_for_again() {
    let passage =
        Passage::to(&shared_ray(), |number| if number % 4 == 1 { Act::Keep } else { Act::Pass }).await;
    survive(&client_with(&passage.url, None, impatient()), &long_jobs(1).await, async {}).await;
    assert!(passage.damaged() >= 2, "{} were kept", passage.damaged());
}
