//! Looks, between the beats, whether the jobs in hand are still ours: what a person cancels stops within a second.

use std::sync::Arc;
use std::time::Duration;

use super::Worker;
use super::hands::{Hands, now};
use super::hold::BEAT_BOUND;

/// Between two looks: with the way there and back and what stopping takes, half of the second that is promised. They read
/// some rows by their primary keys.
const LOOK_EVERY: Duration = Duration::from_millis(500);

pub(super) async fn run(worker: Arc<Worker>, hands: Arc<Hands>) {
    loop {
        tokio::time::sleep(LOOK_EVERY).await;
        let (leases, asked_at) = (hands.leases(), now());
        if leases.is_empty() {
            continue;
        }
        // Of a database that does not answer, the beat tells.
        if let Ok(Ok(held)) = tokio::time::timeout(BEAT_BOUND, worker.store.held(&leases)).await {
            hands.saw(asked_at, &leases, &held);
        }
    }
}
