//! The places of shards in flight, as many as the pace says, handed out in the order in which they are asked for; so
//! jobs take turns.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::pace::Pace;

/// `ray_in_flight_max`: the cap, as it is now.
pub(super) const IN_FLIGHT_CAP: &str = "ray_in_flight_max";

/// All places of this process.
pub(super) struct Gate {
    places: Arc<Semaphore>,
    kept: Mutex<Kept>,
}

struct Kept {
    pace: Pace,
    /// Places that exist, free ones and taken ones.
    issued: usize,
    /// Taken places that vanish when they are given back.
    surplus: usize,
}

/// Leave to have one shard in flight; given back when it is dropped.
pub(super) struct Place {
    gate: Arc<Gate>,
    permit: Option<OwnedSemaphorePermit>,
}

impl Default for Gate {
    fn default() -> Self {
        let pace = Pace::default();
        let issued = pace.cap();
        metrics::gauge!(IN_FLIGHT_CAP).set(issued as f64);
        Self { places: Arc::new(Semaphore::new(issued)), kept: Mutex::new(Kept { pace, issued, surplus: 0 }) }
    }
}

impl Gate {
    /// Waits for a place. Whoever drops this loses its turn.
    pub(super) async fn place(self: Arc<Self>) -> Place {
        // Never closed, so this never fails.
        let permit = self.places.clone().acquire_owned().await.ok();
        Place { gate: self, permit }
    }

    /// So many replicas are there.
    pub(super) fn has_replicas(&self, replicas: u32) {
        self.change(|pace, _| pace.has_replicas(replicas));
    }

    /// A shard was answered.
    pub(super) fn answered(&self, slowness: f64) {
        self.change(|pace, was_full| pace.answered(slowness, was_full));
    }

    /// Ray pushed back a shard that was sent at `sent`.
    pub(super) fn pushed_back(&self, sent: Instant, now: Instant) {
        self.change(|pace, _| pace.pushed_back(sent, now));
    }

    fn change(&self, change: impl FnOnce(&mut Pace, bool)) {
        let mut kept = self.kept();
        let was_full = self.places.available_permits() == 0;
        change(&mut kept.pace, was_full);
        let cap = kept.pace.cap();
        let there = kept.issued - kept.surplus;
        if cap > there {
            let revived = kept.surplus.min(cap - there);
            kept.surplus -= revived;
            let new = cap - there - revived;
            kept.issued += new;
            self.places.add_permits(new);
        } else {
            let free = self.places.forget_permits(there - cap);
            kept.issued -= free;
            kept.surplus += there - cap - free;
        }
        metrics::gauge!(IN_FLIGHT_CAP).set(cap as f64);
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut kept = self.gate.kept();
        if kept.surplus > 0 {
            kept.surplus -= 1;
            kept.issued -= 1;
            if let Some(permit) = self.permit.take() {
                permit.forget();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt;

    use super::*;

    async fn all_free(gate: &Arc<Gate>) -> Vec<Place> {
        let mut places = Vec::new();
        while let Some(place) = gate.clone().place().now_or_never() {
            places.push(place);
        }
        places
    }

    #[tokio::test]
    async fn as_many_places_are_out_as_the_pace_says_whatever_is_taken_meanwhile() {
        let gate = Arc::new(Gate::default());
        gate.has_replicas(4);
        let now = Instant::now();
        let mut taken = all_free(&gate).await;
        assert_eq!(taken.len(), 8);
        gate.pushed_back(now, now);
        drop(taken.split_off(4));
        assert!(all_free(&gate).await.is_empty(), "four are still out, and four is the cap");
        taken.pop();
        assert_eq!(all_free(&gate).await.len(), 1);

        gate.pushed_back(now, now);
        assert!(all_free(&gate).await.is_empty(), "three are out of two");
        for _ in 0..3 {
            gate.answered(1.0);
        }
        assert!(all_free(&gate).await.is_empty(), "three are out of three");
        drop(taken);
        assert_eq!(all_free(&gate).await.len(), 3);
    }

    #[tokio::test]
    async fn places_go_to_whoever_asked_first() {
        let gate = Arc::new(Gate::default());
        let mut taken = all_free(&gate).await;
        let (mut first, mut second) = (Box::pin(gate.clone().place()), Box::pin(gate.clone().place()));
        assert!(first.as_mut().now_or_never().is_none() && second.as_mut().now_or_never().is_none());
        taken.pop();
        assert!(second.as_mut().now_or_never().is_none(), "it is the other's turn");
        assert!(first.as_mut().now_or_never().is_some());
    }
}
