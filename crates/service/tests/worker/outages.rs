//! A database that is away, and what jobs pay for it.

use std::sync::atomic::Ordering;

use metrics_exporter_prometheus::PrometheusBuilder;
use monte_carlo_service::store::{JobStatus, Store as _};
use tokio_util::sync::CancellationToken;

use crate::desk::{Desk, until};

/// Longer than a lease: whoever looks for silent workers afterwards finds this one's job.
#[tokio::test]
async fn an_outage_longer_than_a_lease_costs_no_attempt() {
    let desk = Desk::new().await;
    let stop = CancellationToken::new();
    // The second one has nothing to do but to sweep, and to claim what comes back.
    let workers = [(); 2].map(|()| tokio::spawn(desk.worker().run(stop.clone())));
    let id = desk.order().await;
    until("it begins", async || desk.puppet.begun.load(Ordering::SeqCst) == 1).await;
    desk.store.is_away.store(true, Ordering::SeqCst);
    until("its work is cancelled", async || desk.puppet.cancelled.load(Ordering::SeqCst) == 1).await;
    until("its lease runs out", async || !desk.store.behind.expired(1).await.expect("lists").is_empty())
        .await;
    desk.store.is_away.store(false, Ordering::SeqCst);
    until("it begins anew", async || desk.puppet.begun.load(Ordering::SeqCst) == 2).await;
    let job = desk.job(&id).await;
    assert_eq!((job.status, job.attempts), (JobStatus::Running, 1), "the first attempt was given back");
    desk.puppet.may_end.store(true, Ordering::SeqCst);
    until("it ends", async || desk.job(&id).await.status == JobStatus::Completed).await;
    stop.cancel();
    for worker in workers {
        worker.await.expect("ends by itself");
    }
}

#[tokio::test]
async fn a_result_whose_answer_was_lost_is_counted_as_what_it_is() {
    let recorder = PrometheusBuilder::new().build_recorder();
    let metrics = recorder.handle();
    let _here = metrics::set_default_local_recorder(&recorder);
    let desk = Desk::new().await;
    desk.store.settles_unheard.store(1, Ordering::SeqCst);
    desk.puppet.may_end.store(true, Ordering::SeqCst);
    let stop = CancellationToken::new();
    let worker = tokio::spawn(desk.worker().run(stop.clone()));
    let id = desk.order().await;
    until("it ends", async || desk.job(&id).await.status == JobStatus::Completed).await;
    // Until what was tried again is answered, or its worker goes.
    until("its worker has done with it", async || {
        desk.store.settles_unheard.load(Ordering::SeqCst) == 0
            && metrics.render().contains("simulation_jobs_total{status=\"completed\"} 1")
    })
    .await;
    stop.cancel();
    worker.await.expect("ends by itself");
}
