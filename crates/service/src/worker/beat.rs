//! Keeps the leases alive, and stops work whose lease is lost or may be.

use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::hands::Hands;
use super::{BEAT_EVERY, LEASE_MS, Worker};

/// Between two tries while the database is away: several fit into what is left of a lease.
const RETRY_EVERY: Duration = Duration::from_millis(500);
/// A beat that hangs is worth as much as one that fails.
const BEAT_BOUND: Duration = Duration::from_millis(1_500);

pub(super) async fn run(worker: Arc<Worker>, hands: Arc<Hands>, silence: CancellationToken) {
    let mut pause = BEAT_EVERY;
    loop {
        tokio::select! {
            () = silence.cancelled() => return,
            () = tokio::time::sleep(pause) => {}
        }
        let beats = hands.beats();
        match tokio::time::timeout(BEAT_BOUND, worker.store.beat(&beats, LEASE_MS)).await {
            Ok(Ok(still_held)) => {
                hands.heard(&beats, &still_held);
                pause = BEAT_EVERY;
                continue;
            }
            Ok(Err(error)) => tracing::warn!(%error, "a heartbeat was not taken"),
            Err(_) => tracing::warn!("a heartbeat was not answered in time"),
        }
        pause = RETRY_EVERY;
        if hands.is_cut_off() {
            hands.lose_all();
        }
    }
}
