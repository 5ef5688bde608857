//! The daily run: once a local day, a job for each funded account that is active.
//!
//! No replica leads. Every one looks at the same timetable; of those that see a fire, one moves the watermark in the
//! database and opens the day's run; of those that see an open run, one holds its lease and carries it out, batch by
//! batch, each with the progress that it is. A run that is cut off anywhere goes on where it stopped, by whoever comes
//! next; the jobs' `dedupe_key`, `daily:<local day>:<account>`, makes one job an account and day of whatever happens.
//! It may be deleted with its job: by then no fire of that day is due any more, and nobody may ask for it.
//!
//! `timetable`, `due` and `patience` decide and are pure; `pass` and `scheduler` carry out; `trigger` is the door for
//! people. Time comes in by a [`Clock`].

pub mod due;
pub mod metrics;
mod pass;
mod patience;
pub mod scheduler;
pub mod timetable;
pub mod trigger;

use std::sync::Arc;
use std::time::Duration;

use crate::core_service::client::CoreServiceClient;
use crate::signals::Signals;
use crate::store::daily::DailyRuns;

/// Says what time it is, in milliseconds since 1970.
pub type Clock = Arc<dyn Fn() -> i64 + Send + Sync>;

/// What carries daily runs out.
#[derive(Clone)]
pub struct DailyRunner {
    pub store: Arc<dyn DailyRuns>,
    pub core_service: Arc<CoreServiceClient>,
    /// To wake workers when jobs are there.
    pub signals: Arc<Signals>,
    /// Accounts with a result that is not older are passed over.
    pub skip_recent: Option<Duration>,
    pub clock: Clock,
}
