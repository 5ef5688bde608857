//! Hands on the jobs whose worker fell silent.

use std::sync::Arc;

use super::hands::Hands;
use super::{LEASE_MS, SWEEP_EVERY, Worker, count};
use crate::jobs::machine::{BACKOFF_MAX_MS, Ending, Event, Situation, step};
use crate::store::{Settlement, Settler, StoreError, Write};

/// Leases of one sweep; the rest waits for the next.
const SWEEP_BATCH_MAX: u32 = 100;
/// No pause between attempts is nearly as long.
const WAIT_MS_MAX: u64 = 2 * BACKOFF_MAX_MS;

pub(super) async fn run(worker: Arc<Worker>, hands: Arc<Hands>) {
    loop {
        match sweep(&worker, &hands).await {
            Ok(0) => {}
            Ok(swept) => {
                tracing::warn!(jobs = swept, "took over jobs whose worker fell silent");
            }
            Err(error) => tracing::warn!(%error, "the sweep for silent workers failed"),
        }
        // Jittered, so that replicas do not sweep in step.
        let pause = SWEEP_EVERY.mul_f64(0.75 + fastrand::f64() / 2.0);
        tokio::time::sleep(pause).await;
    }
}

async fn sweep(worker: &Worker, hands: &Hands) -> Result<u64, StoreError> {
    let moved = worker.store.follow_clock(WAIT_MS_MAX, LEASE_MS).await?;
    if moved > 0 {
        tracing::warn!(
            jobs = moved,
            "the database's clock was set back; jobs that waited for its old time are due"
        );
        worker.signals.jobs_due();
    }
    let mut swept = 0;
    if !hands.may_sweep() {
        return Ok(swept);
    }
    for expired in worker.store.expired(SWEEP_BATCH_MAX).await? {
        if !hands.may_sweep() {
            break;
        }
        let event = Event::Ended { token: expired.lease.token, ending: Ending::Silent };
        // The times of what was listed count from the look; nobody bunches, so nothing is jittered.
        let (next, actions) = step(&expired.job, &event, Situation { now_ms: 0, jitter: 0.0 })
            .map_err(|refused| StoreError::Corrupt(refused.to_string()))?;
        let settlement = Settlement { by: Settler::Sweeper, next, result: None, outbox: None };
        if worker.store.settle(&expired.lease, &settlement).await? == Write::Applied {
            actions.iter().for_each(|action| worker.follow(*action));
            count::ended(&Ending::Silent, &settlement.next.state);
            swept += 1;
        }
    }
    metrics::counter!("simulation_leases_lost_total").increment(swept);
    Ok(swept)
}
