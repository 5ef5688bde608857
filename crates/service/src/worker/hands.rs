//! The jobs that a worker has in hand, and the free places beside them.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use monte_carlo_engine::Control;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::ATTEMPT_DEADLINE_MS;
use super::hold::{Contact, Hold, Standing};
use crate::jobs::ids::{Lease, LeaseToken};
use crate::store::Beat;

/// How long a released job may take to reach the database, after the grace.
const RELEASE_BOUND: Duration = Duration::from_millis(500);

/// All jobs in hand.
pub(super) struct Hands {
    places: Arc<Semaphore>,
    capacity: u32,
    held: Mutex<HashMap<LeaseToken, Arc<Held>>>,
    contact: Mutex<Contact>,
    /// The grace is over: what still comes in is given back.
    is_over: AtomicBool,
}

/// One job in hand. It leaves the hands when the place it holds is dropped.
pub(super) struct Held {
    pub(super) lease: Lease,
    pub(super) control: Arc<Control>,
    hold: Mutex<Hold>,
    paths: AtomicU64,
    lost: AtomicBool,
}

/// A job's place; dropping it frees both.
pub(super) struct Place {
    hands: Arc<Hands>,
    token: LeaseToken,
    _permit: OwnedSemaphorePermit,
}

impl Hands {
    pub(super) fn new(capacity: usize) -> Self {
        Self {
            places: Arc::new(Semaphore::new(capacity)),
            capacity: u32::try_from(capacity).unwrap_or(u32::MAX),
            held: Mutex::default(),
            contact: Mutex::new(Contact::new(now())),
            is_over: AtomicBool::new(false),
        }
    }

    /// Waits for a free place, then takes up to `most` of them.
    pub(super) async fn free_places(&self, most: u32) -> Vec<OwnedSemaphorePermit> {
        let mut permits = Vec::new();
        permits.extend(self.places.clone().acquire_owned().await.ok());
        while permits.len() < most as usize {
            match self.places.clone().try_acquire_owned() {
                Ok(permit) => permits.push(permit),
                Err(_) => break,
            }
        }
        permits
    }

    /// Puts a job into a free place that was claimed by a question of that moment. What was answered so late that the lease
    /// may be gone is to be given back at once.
    pub(super) fn take(
        self: &Arc<Self>,
        lease: Lease,
        asked_at: Instant,
        permit: OwnedSemaphorePermit,
    ) -> (Arc<Held>, Place) {
        let token = lease.token;
        let held = Arc::new(Held {
            lease,
            control: Arc::new(Control::default()),
            hold: Mutex::new(Hold::new(asked_at, Duration::from_millis(ATTEMPT_DEADLINE_MS))),
            paths: AtomicU64::new(0),
            lost: AtomicBool::new(false),
        });
        self.held().insert(token, held.clone());
        // In this order, so that whoever ends the grace meanwhile finds the job or is found.
        if held.standing() != Standing::Kept || self.is_over.load(Ordering::SeqCst) {
            held.give_back();
        }
        (held, Place { hands: self.clone(), token, _permit: permit })
    }

    pub(super) fn beats(&self) -> Vec<Beat> {
        self.held().values().map(|held| held.beat()).collect()
    }

    /// The database took the beats `sent` at that moment, and these leases still hold.
    pub(super) fn heard(&self, asked_at: Instant, sent: &[Beat], still_held: &[Lease]) {
        locked(&self.contact).answered(asked_at);
        for beat in sent {
            if let Some(held) = self.held().get(&beat.lease.token) {
                locked(&held.hold).answered(asked_at, still_held.contains(&beat.lease));
            }
        }
    }

    /// The leases in hand.
    pub(super) fn leases(&self) -> Vec<Lease> {
        self.held().values().map(|held| held.lease.clone()).collect()
    }

    /// Of the leases `asked` for at that moment, the database knows these; none is longer for that.
    pub(super) fn saw(&self, asked_at: Instant, asked: &[Lease], known: &[Lease]) {
        for lease in asked.iter().filter(|lease| !known.contains(lease)) {
            if let Some(held) = self.held().get(&lease.token) {
                locked(&held.hold).answered(asked_at, false);
            }
        }
    }

    /// Whether leases that ran out tell of workers that are gone.
    pub(super) fn may_sweep(&self) -> bool {
        locked(&self.contact).may_sweep(now())
    }

    /// Whether the database has been silent for so long that our leases may be gone.
    pub(super) fn is_cut_off(&self) -> bool {
        locked(&self.contact).is_cut_off(now())
    }

    /// Lets the work in hand finish for `grace`, then has the rest given back.
    pub(super) async fn drain(&self, grace: Duration) {
        if tokio::time::timeout(grace, self.empty()).await.is_err() {
            self.is_over.store(true, Ordering::SeqCst);
            self.held().values().for_each(|held| held.give_back());
            if tokio::time::timeout(RELEASE_BOUND, self.empty()).await.is_err() {
                tracing::warn!(
                    jobs = self.held().len(),
                    "some jobs could not be given back; their leases will expire"
                );
            }
        }
    }

    async fn empty(&self) {
        drop(self.places.acquire_many(self.capacity).await);
    }

    fn held(&self) -> MutexGuard<'_, HashMap<LeaseToken, Arc<Held>>> {
        locked(&self.held)
    }
}

impl Held {
    pub(super) fn expect_paths(&self, paths: u64) {
        self.paths.store(paths, Ordering::Relaxed);
    }

    pub(super) fn is_lost(&self) -> bool {
        self.lost.load(Ordering::Relaxed)
    }

    pub(super) fn is_cancelled(&self) -> bool {
        self.control.cancel.load(Ordering::Relaxed)
    }

    /// What to do with it now.
    pub(super) fn standing(&self) -> Standing {
        locked(&self.hold).standing(now())
    }

    /// Cancels the work, of which nothing may be said any more.
    pub(super) fn lose(&self) {
        self.lost.store(true, Ordering::Relaxed);
        self.control.cancel.store(true, Ordering::Relaxed);
    }

    /// Cancels the work, and has the job given back.
    pub(super) fn give_back(&self) {
        self.control.cancel.store(true, Ordering::Relaxed);
    }

    fn beat(&self) -> Beat {
        let paths = self.paths.load(Ordering::Relaxed).max(1);
        let done = self.control.paths_done.load(Ordering::Relaxed).min(paths);
        Beat { lease: self.lease.clone(), progress: done as f64 / paths as f64 }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.hands.held().remove(&self.token);
    }
}

/// The clock of the runtime, by which its pauses go.
pub(super) fn now() -> Instant {
    tokio::time::Instant::now().into_std()
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::jobs::ids::JobId;
    use crate::worker::hold::SILENCE_MAX;

    async fn take(hands: &Arc<Hands>, asked_at: Instant) -> (Arc<Held>, Place) {
        let lease = Lease { job: JobId::random(), token: LeaseToken(Uuid::new_v4()) };
        let permit = hands.free_places(1).await.remove(0);
        hands.take(lease, asked_at, permit)
    }

    #[tokio::test]
    async fn what_was_claimed_too_late_is_given_back_and_not_lost() {
        let hands = Arc::new(Hands::new(2));
        let (in_time, _place) = take(&hands, now()).await;
        let (late, _place) = take(&hands, now() - SILENCE_MAX).await;
        assert!(!in_time.is_cancelled() && late.is_cancelled() && !late.is_lost());
    }

    #[tokio::test]
    async fn an_answer_is_counted_from_its_question() {
        let hands = Arc::new(Hands::new(2));
        let asked_at = now() - SILENCE_MAX;
        let (kept, _place) = take(&hands, asked_at).await;
        let (gone, _place) = take(&hands, asked_at).await;
        let beats = hands.beats();
        for (asked_at, standing) in [(asked_at, Standing::CutOff), (now(), Standing::Kept)] {
            hands.heard(asked_at, &beats, std::slice::from_ref(&kept.lease));
            assert_eq!((kept.standing(), gone.standing()), (standing, Standing::Lost));
        }
    }
}
