//! Carries jobs through: claims them, keeps their leases alive, simulates, settles.
//!
//! Four loops and a task a job. **claim** fills the free places; **beat** extends the leases; **look** sees which were taken
//! away; **sweep** hands on what other
//! workers left behind; **attempt** stops when its lease is lost or may be. Every decision about a job is `machine::step`'s,
//! every one about a lease is [`hold`]'s.

mod attempt;
mod beat;
mod claim;
mod count;
mod fault;
mod hands;
pub mod hold;
mod look;
mod sweep;
mod turns;

use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use self::hands::Hands;
use crate::core_service::client::CoreServiceClient;
use crate::jobs::ids::WorkerId;
use crate::jobs::machine::Action;
use crate::signals::Signals;
use crate::simulator::Simulator;
use crate::store::Store;

/// A lease's length: three missed beats.
pub const LEASE_MS: u64 = 6_000;
/// Between two signs of life.
pub const BEAT_EVERY: Duration = Duration::from_secs(2);
/// Between two looks for leases that ran out.
pub const SWEEP_EVERY: Duration = Duration::from_secs(1);
/// Hard limit of one attempt: a hung call is noticed by the database's clock, whatever the worker thinks.
pub const ATTEMPT_DEADLINE_MS: u64 = 20 * 60 * 1_000;
/// Between two claims when no wake-up comes: the price of a lost wake-up.
pub const POLL_EVERY: Duration = Duration::from_millis(500);
/// Jobs of one claim.
pub const CLAIM_BATCH_MAX: u32 = 32;

/// Name of the metric of whole attempts, `{status}`.
pub const SIMULATION_DURATION: &str = "simulation_duration_seconds";

/// What a worker is told.
#[derive(Clone, Copy, Debug)]
pub struct WorkerSettings {
    /// Jobs in hand at once.
    pub concurrency: usize,
    /// Paths of a job that does not say.
    pub default_paths: u64,
    /// Weighted histories of a job that does not say; `None` where the engine decides.
    pub default_history_replicates: Option<u32>,
    /// How long running work may go on after the stop.
    pub shutdown_grace: Duration,
}

/// What a worker works with.
pub struct Worker {
    /// The queue.
    pub store: Arc<dyn Store>,
    /// Where histories come from.
    pub core_service: Arc<CoreServiceClient>,
    /// Where paths are computed.
    pub simulator: Arc<dyn Simulator>,
    /// Wake-ups, to and from.
    pub signals: Arc<Signals>,
    /// The rest.
    pub settings: WorkerSettings,
    /// New at each boot.
    pub id: WorkerId,
}

impl Worker {
    /// Works until `stop`, then finishes or gives back what it has in hand, within the grace.
    pub async fn run(self, stop: CancellationToken) {
        let worker = Arc::new(self);
        let hands = Arc::new(Hands::new(worker.settings.concurrency));
        let mut loops = JoinSet::new();
        loops.spawn(beat::run(worker.clone(), hands.clone()));
        loops.spawn(look::run(worker.clone(), hands.clone()));
        loops.spawn(sweep::run(worker.clone(), hands.clone()));
        loops.spawn(claim::run(worker.clone(), hands.clone(), stop.clone()));
        if let Some(Some(Err(broken))) = stop.run_until_cancelled(loops.join_next()).await
            && broken.is_panic()
        {
            std::panic::resume_unwind(broken.into_panic());
        }
        // What still waits for an answer then is cut off: a claim that came about unnoticed is a lease that runs out.
        hands.drain(worker.settings.shutdown_grace).await;
        loops.shutdown().await;
    }

    /// Does what is to be done once a job's step is in the database.
    fn follow(&self, action: Action) {
        match action {
            Action::AnnounceStarted | Action::AnnounceCompleted => self.signals.outbox_filled(),
            Action::WakeWorkers => self.signals.jobs_due(),
            // Its worker sees it at its next look.
            Action::StopWork => {}
            // Done within the transaction.
            Action::StoreInput | Action::StoreResult => {}
        }
    }
}
