//! How a worker ends: in time though the store hangs, and not in silence.

use std::sync::atomic::Ordering;
use std::time::Instant;

use monte_carlo_service::store::JobStatus;
use tokio_util::sync::CancellationToken;

use crate::desk::{Desk, GRACE, until};

#[tokio::test]
async fn a_claim_that_is_never_answered_does_not_keep_a_worker_beyond_its_grace() {
    let desk = Desk::new().await;
    let stop = CancellationToken::new();
    let worker = tokio::spawn(desk.worker().run(stop.clone()));
    desk.store.claims_hang.store(true, Ordering::SeqCst);
    let id = desk.order().await;
    let asked = Instant::now();
    stop.cancel();
    worker.await.expect("ends by itself");
    println!("it ended {:?} after the stop, with a grace of {GRACE:?}", asked.elapsed());
    assert!(asked.elapsed() < GRACE * 3, "{:?}", asked.elapsed());
    assert_eq!(desk.job(&id).await.status, JobStatus::Pending);
}

#[tokio::test]
async fn what_outlasts_the_grace_is_given_back_uncharged() {
    let desk = Desk::new().await;
    let stop = CancellationToken::new();
    let worker = tokio::spawn(desk.worker().run(stop.clone()));
    let id = desk.order().await;
    until("it begins", async || desk.puppet.begun.load(Ordering::SeqCst) == 1).await;
    stop.cancel();
    worker.await.expect("ends by itself");
    let job = desk.job(&id).await;
    assert_eq!((job.status, job.attempts), (JobStatus::Pending, 0));
}

#[tokio::test]
async fn a_loop_that_breaks_ends_the_worker_loudly() {
    let desk = Desk::new().await;
    desk.store.beats_panic.store(true, Ordering::SeqCst);
    let ended = tokio::spawn(desk.worker().run(CancellationToken::new())).await;
    assert!(ended.is_err_and(|broken| broken.is_panic()), "it would limp on without a beat");
}
