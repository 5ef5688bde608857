//! Fills the free places with due jobs.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::OwnedSemaphorePermit;
use tokio_util::sync::CancellationToken;

use super::attempt::carry;
use super::hands::{Hands, now};
use super::turns::Turns;
use super::{ATTEMPT_DEADLINE_MS, CLAIM_BATCH_MAX, LEASE_MS, POLL_EVERY, Worker};
use crate::store::ClaimRequest;

/// Between two claims while the database is away.
const RETRY_EVERY: Duration = Duration::from_secs(1);

pub(super) async fn run(worker: Arc<Worker>, hands: Arc<Hands>, stop: CancellationToken) {
    let mut turns = Turns::default();
    loop {
        let places = tokio::select! {
            () = stop.cancelled() => return,
            places = hands.free_places(CLAIM_BATCH_MAX) => places,
        };
        // Not cut off by the stop: what the database hands out must come into somebody's hands.
        let Some(pause) = fill(&worker, &hands, places, &mut turns).await else { continue };
        tokio::select! {
            () = stop.cancelled() => return,
            () = worker.signals.jobs_are_due() => {}
            () = tokio::time::sleep(pause) => {}
        }
    }
}

/// One round: how long to pause after it, or `None` where more may wait.
async fn fill(
    worker: &Arc<Worker>,
    hands: &Arc<Hands>,
    places: Vec<OwnedSemaphorePermit>,
    turns: &mut Turns,
) -> Option<Duration> {
    if hands.is_cut_off() {
        return Some(RETRY_EVERY);
    }
    let limit = u32::try_from(places.len()).unwrap_or(CLAIM_BATCH_MAX);
    let request = ClaimRequest {
        worker: worker.id,
        limit,
        daily_first: turns.of_daily_jobs(limit),
        lease_ms: LEASE_MS,
        deadline_ms: ATTEMPT_DEADLINE_MS,
    };
    let asked_at = now();
    let claimed = match worker.store.claim(request).await {
        Ok(claimed) => claimed,
        Err(error) => {
            tracing::warn!(%error, "no job could be claimed");
            return Some(RETRY_EVERY);
        }
    };
    metrics::counter!("simulation_claims_total").increment(claimed.len() as u64);
    let all_places_filled = claimed.len() == places.len();
    if !claimed.is_empty() {
        worker.signals.outbox_filled();
    }
    for (job, permit) in claimed.into_iter().zip(places) {
        let (held, place) = hands.take(job.lease.clone(), asked_at, permit);
        tokio::spawn(carry(worker.clone(), job, held, place));
    }
    (!all_places_filled).then_some(POLL_EVERY)
}
