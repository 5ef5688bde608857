//! How an operation is carried out: bounded in tries and in time, whatever the database does.
//!
//! CockroachDB, and PostgreSQL at SERIALIZABLE, may refuse any transaction with 40001 and expect it to be tried
//! again; this is the one place that does so.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use super::fault::{Fault, Remedy, outward, remedy};
use super::session::{Pools, Scope, Session};
use crate::store::StoreError;

/// Tries of one transaction. Eight, with the pauses below, ride out a burst of some seconds; what lasts longer
/// is the caller's to wait out, without a connection in hand.
const TRIES_MAX: u32 = 8;
/// Pause before the second try; doubles with each, with full jitter, so that rivals part.
const PAUSE_BASE_MS: u64 = 4;
/// Longest pause.
const PAUSE_MAX_MS: u64 = 256;
/// Longest wait for an operation with all its tries. Beyond the server's own limit on a statement: this is for
/// a server that no longer answers at all.
const PATIENCE: Duration = Duration::from_secs(15);

/// One operation of the store. It may run several times; only what the last run did remains.
pub(super) trait Work: Sync {
    type Answer: Send;
    /// Its name in metrics.
    const OPERATION: &'static str;
    const SCOPE: Scope;
    /// Whether doing it again is harmless where the first time may have come about unnoticed.
    const REPEATABLE: bool;

    fn run(&self, session: &mut Session) -> impl Future<Output = Result<Self::Answer, Fault>> + Send;
}

/// An attempt that failed.
struct Failure {
    fault: Fault,
    /// It may have come about all the same: the connection broke while it was being committed.
    in_doubt: bool,
}

/// A database, and how often it had to be asked again.
#[derive(Debug)]
pub(super) struct Runner {
    pub(super) pools: Pools,
    retries: AtomicU64,
}

impl Runner {
    pub(super) fn new(pools: Pools) -> Self {
        Self { pools, retries: AtomicU64::new(0) }
    }

    /// Transactions tried again so far.
    pub(super) fn retries(&self) -> u64 {
        self.retries.load(Ordering::Relaxed)
    }

    /// Carries `work` out.
    pub(super) async fn perform<W: Work>(&self, work: &W) -> Result<W::Answer, StoreError> {
        match tokio::time::timeout(PATIENCE, self.persist(work)).await {
            Ok(answer) => answer,
            Err(_) => Err(StoreError::Unavailable(format!("no answer within {} s", PATIENCE.as_secs()))),
        }
    }

    async fn persist<W: Work>(&self, work: &W) -> Result<W::Answer, StoreError> {
        let mut reconnected = false;
        for attempt in 0..TRIES_MAX {
            let Failure { fault, in_doubt } = match self.attempt(work).await {
                Ok(answer) => return Ok(answer),
                Err(failure) => failure,
            };
            let Fault::Database(error) = &fault else { return Err(outward(fault)) };
            let remedy = remedy(error);
            if remedy == Remedy::Reconnect {
                self.pools.shake();
            }
            match remedy {
                Remedy::Again(code) => self.count(W::OPERATION, code),
                Remedy::Reconnect if !reconnected && (W::REPEATABLE || !in_doubt) => {
                    reconnected = true;
                    self.count(W::OPERATION, "connection".to_owned());
                }
                Remedy::Reconnect | Remedy::Wait | Remedy::GiveUp => return Err(outward(fault)),
            }
            tokio::time::sleep(pause(attempt)).await;
        }
        Err(StoreError::Contended(TRIES_MAX))
    }

    async fn attempt<W: Work>(&self, work: &W) -> Result<W::Answer, Failure> {
        let certain = |fault: Fault| Failure { fault, in_doubt: false };
        let mut session = self.pools.session(W::SCOPE).await.map_err(|error| certain(error.into()))?;
        let answer = work
            .run(&mut session)
            .await
            .map_err(|fault| Failure { fault, in_doubt: W::SCOPE == Scope::Statement })?;
        session.commit().await.map_err(|error| Failure { fault: error.into(), in_doubt: true })?;
        Ok(answer)
    }

    fn count(&self, operation: &'static str, code: String) {
        self.retries.fetch_add(1, Ordering::Relaxed);
        metrics::counter!("database_transaction_retries_total", "operation" => operation, "code" => code)
            .increment(1);
    }
}

/// A random time below the ceiling of this attempt.
fn pause(attempt: u32) -> Duration {
    let ceiling = PAUSE_BASE_MS.saturating_mul(1 << attempt.min(16)).min(PAUSE_MAX_MS);
    Duration::from_micros(fastrand::u64(0..=ceiling * 1_000))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_to_a_bound() {
        for attempt in 0..64 {
            assert!(pause(attempt) <= Duration::from_millis(PAUSE_MAX_MS));
        }
        assert!(pause(0) <= Duration::from_millis(PAUSE_BASE_MS));
    }
}
