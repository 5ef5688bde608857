//! Keeps the leases alive.

use std::sync::Arc;

use super::hands::{Hands, now};
use super::hold::{BEAT_BOUND, beat_pause};
use super::{LEASE_MS, Worker};

pub(super) async fn run(worker: Arc<Worker>, hands: Arc<Hands>) {
    let mut was_answered = true;
    loop {
        tokio::time::sleep(beat_pause(was_answered)).await;
        let (beats, asked_at) = (hands.beats(), now());
        let answer = tokio::time::timeout(BEAT_BOUND, worker.store.beat(&beats, LEASE_MS)).await;
        was_answered = matches!(answer, Ok(Ok(_)));
        match answer {
            Ok(Ok(still_held)) => hands.heard(asked_at, &beats, &still_held),
            Ok(Err(error)) => tracing::warn!(%error, "a heartbeat was not taken"),
            Err(_) => tracing::warn!("a heartbeat was not answered in time"),
        }
    }
}
