//! The daily run's part of the store: which fires are accounted for, and how far each day's run has come.
//!
//! Whatever falls due lives by the callers' clocks and comes in as a parameter; leases live by the database's.

use std::collections::BTreeMap;

use async_trait::async_trait;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use super::{NewJob, StoreError, Write};
use crate::jobs::ids::LeaseToken;

/// Why a run was opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DailyCause {
    /// Its fire came.
    Schedule,
    /// Its fire was missed.
    CatchUp,
    /// Somebody asked for it.
    Hand,
}

impl DailyCause {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Schedule => "schedule",
            Self::CatchUp => "catch_up",
            Self::Hand => "hand",
        }
    }
}

/// A run to open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NewDailyRun {
    pub day: Date,
    pub cause: DailyCause,
    /// By the caller's clock.
    pub now_ms: i64,
}

/// Where a run stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DailyState {
    /// Being carried out, or waiting to go on.
    Open,
    Finished,
    /// Too old; a later one has superseded it.
    GivenUp,
}

impl DailyState {
    pub const ALL: [Self; 3] = [Self::Open, Self::Finished, Self::GivenUp];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Finished => "finished",
            Self::GivenUp => "given_up",
        }
    }

    /// The state of that name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == name)
    }
}

/// What a run has done so far.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct DailyCounts {
    /// Active accounts, as Core Service listed them last.
    pub listed: u64,
    /// Jobs that are new.
    pub created: u64,
    /// Accounts that had the day's job already.
    pub existing: u64,
    /// Accounts that had it and whose job was skipped, by the reason's code.
    pub skipped: BTreeMap<String, u64>,
    /// Accounts with a result that is recent enough.
    pub recently_simulated: u64,
    /// Accounts whose id is none that a job can bear.
    pub unusable_id: u64,
}

impl DailyCounts {
    /// Accounts that are dealt with.
    pub fn accounts(&self) -> u64 {
        let skipped: u64 = self.skipped.values().sum();
        self.created + self.existing + skipped + self.recently_simulated + self.unusable_id
    }
}

/// A run as readers see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DailyRun {
    pub day: Date,
    pub state: DailyState,
    /// Accounts up to this id, in the order of its bytes, are dealt with.
    pub last_account: String,
    pub counts: DailyCounts,
    /// Passes in a row that were broken off.
    pub failures: u32,
    /// Why the last one was.
    pub error: Option<String>,
    pub opened_at_ms: i64,
}

/// A wish for a run to carry out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DailyClaim {
    /// This one, whether it is due or not; else any that is due.
    pub day: Option<Date>,
    /// By the caller's clock.
    pub now_ms: i64,
    pub lease_ms: u64,
}

/// A claim on a run; every write of whoever carries it out names both.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DailyLease {
    pub day: Date,
    pub token: LeaseToken,
}

/// Some accounts' jobs, to be recorded with the progress that they are.
#[derive(Clone, Debug, PartialEq)]
pub struct DailyBatch {
    /// One an account, each with its `dedupe_key`.
    pub jobs: Vec<NewJob>,
    /// The last of these accounts.
    pub last_account: String,
    /// As Core Service listed them.
    pub listed: u64,
    /// Of those.
    pub unusable_id: u64,
    /// Accounts with a result that is not older are passed over.
    pub skip_recent_ms: Option<u64>,
    /// The lease is extended by the way.
    pub lease_ms: u64,
}

/// How a pass over the accounts ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DailyPassEnd {
    Finished {
        now_ms: i64,
    },
    /// Broken off; the run goes on not before `due_at_ms`.
    Failed {
        error: String,
        due_at_ms: i64,
    },
    GivenUp {
        error: String,
        now_ms: i64,
    },
    /// Given back unharmed: a shutdown.
    Released,
}

/// The truth about daily runs.
#[async_trait]
pub trait DailyRuns: Send + Sync + 'static {
    /// Every fire up to the answer is accounted for. The first time ever that is `now_ms`: what came before the service
    /// was there, it has not missed.
    async fn daily_watermark(&self, now_ms: i64) -> Result<i64, StoreError>;
    /// Accounts for the fires up to `fire_ms`, and opens the run of the last one, if it is to be carried out. `Stale`
    /// where that fire is accounted for: another replica was quicker.
    async fn record_daily_fire(&self, fire_ms: i64, run: Option<&NewDailyRun>) -> Result<Write, StoreError>;
    /// Opens a day's run, again where it has ended. One that is open stays as it is.
    async fn open_daily_run(&self, run: &NewDailyRun) -> Result<(), StoreError>;
    /// Takes an open run that nobody holds.
    async fn claim_daily_run(&self, claim: DailyClaim) -> Result<Option<(DailyLease, DailyRun)>, StoreError>;
    /// Extends the lease.
    async fn beat_daily_run(&self, lease: DailyLease, lease_ms: u64) -> Result<Write, StoreError>;
    /// Inserts the batch's jobs, those that are not there, and the progress, in one transaction; the run's counts after
    /// it, or `None` where the lease was lost and nothing changed.
    async fn record_daily_batch(
        &self,
        lease: DailyLease,
        batch: &DailyBatch,
    ) -> Result<Option<DailyCounts>, StoreError>;
    /// Ends a pass and gives the lease back.
    async fn end_daily_pass(&self, lease: DailyLease, end: &DailyPassEnd) -> Result<Write, StoreError>;
    /// One day's run.
    async fn daily_run(&self, day: Date) -> Result<Option<DailyRun>, StoreError>;
}
