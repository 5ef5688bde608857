//! The jobs that a worker has in hand, and the free places beside them.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use monte_carlo_engine::Control;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;

use super::LEASE_MS;
use crate::jobs::ids::{Lease, LeaseToken};
use crate::store::Beat;

/// After this long without a beat that the database took, our leases may be gone: the work is cancelled while they
/// surely hold, and nothing is claimed.
pub(super) const SILENCE_MAX: Duration = Duration::from_millis(LEASE_MS - 1_000);
/// How long a released job may take to reach the database, after the grace.
const RELEASE_BOUND: Duration = Duration::from_secs(1);

/// All jobs in hand.
pub(super) struct Hands {
    places: Arc<Semaphore>,
    capacity: u32,
    held: Mutex<HashMap<LeaseToken, Arc<Held>>>,
    last_beat: Mutex<Instant>,
}

/// One job in hand. It leaves the hands when the place it holds is dropped.
pub(super) struct Held {
    pub(super) lease: Lease,
    pub(super) control: Arc<Control>,
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
            last_beat: Mutex::new(Instant::now()),
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

    /// Puts a claimed job into a free place.
    pub(super) fn take(self: &Arc<Self>, lease: Lease, permit: OwnedSemaphorePermit) -> (Arc<Held>, Place) {
        let token = lease.token;
        let held = Arc::new(Held {
            lease,
            control: Arc::new(Control::default()),
            paths: AtomicU64::new(0),
            lost: AtomicBool::new(false),
        });
        self.held().insert(token, held.clone());
        (held, Place { hands: self.clone(), token, _permit: permit })
    }

    pub(super) fn beats(&self) -> Vec<Beat> {
        self.held().values().map(|held| held.beat()).collect()
    }

    /// The database took the beats `sent`, and these leases still hold; the work on the others is cancelled.
    pub(super) fn heard(&self, sent: &[Beat], still_held: &[Lease]) {
        *self.last_beat() = Instant::now();
        for beat in sent.iter().filter(|beat| !still_held.contains(&beat.lease)) {
            if let Some(held) = self.held().get(&beat.lease.token) {
                held.lose();
            }
        }
    }

    /// Whether the database has been silent for so long that our leases may be gone.
    pub(super) fn is_cut_off(&self) -> bool {
        self.last_beat().elapsed() >= SILENCE_MAX
    }

    pub(super) fn lose_all(&self) {
        self.held().values().for_each(|held| held.lose());
    }

    /// Lets the work in hand finish for `grace`, then has the rest given back.
    pub(super) async fn drain(&self, grace: Duration) {
        if tokio::time::timeout(grace, self.empty()).await.is_err() {
            self.held().values().for_each(|held| held.control.cancel.store(true, Ordering::Relaxed));
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
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn last_beat(&self) -> MutexGuard<'_, Instant> {
        self.last_beat.lock().unwrap_or_else(PoisonError::into_inner)
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

    fn lose(&self) {
        self.lost.store(true, Ordering::Relaxed);
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
