//! How much work one process takes on, and how long it may take to lay it down.

use std::time::Duration;

use super::forms::number;
use super::reader::Reader;
use super::variable::{Preset, Variable};

/// The most jobs in hand; each holds its history in memory.
const CONCURRENCY_MAX: u32 = 256;
/// The longest grace; no orchestrator waits longer than some minutes.
const GRACE_SECONDS_MAX: u64 = 600;

pub const WORKER_CONCURRENCY: Variable = Variable::ours(
    "WORKER_CONCURRENCY",
    Preset::Value("4"),
    "a whole number from 1 to 256",
    "Jobs that one process has in hand at once; they share the simulation's threads.",
);
pub const SHUTDOWN_GRACE_SECONDS: Variable = Variable::ours(
    "SHUTDOWN_GRACE_SECONDS",
    Preset::Value("25"),
    "a whole number from 1 to 600",
    "Time from SIGTERM to finish requests and give jobs back; below Kubernetes' 30 s.",
);

/// The worker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WorkerConfig {
    pub concurrency: u32,
    pub shutdown_grace: Duration,
}

impl WorkerConfig {
    pub(super) fn read(reader: &Reader<'_>) -> Option<Self> {
        let concurrency = reader.read(&WORKER_CONCURRENCY, number(1..=CONCURRENCY_MAX));
        let grace_s = reader.read(&SHUTDOWN_GRACE_SECONDS, number(1..=GRACE_SECONDS_MAX));
        Some(Self { concurrency: concurrency?, shutdown_grace: Duration::from_secs(grace_s?) })
    }
}
