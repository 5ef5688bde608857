//! The daily run by hand: opened now, carried out here, answered with its counts.

use std::time::Duration;

use async_trait::async_trait;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use tokio_util::sync::CancellationToken;

use super::DailyRunner;
use super::metrics::count_run;
use super::pass::{LEASE_MS, Pass};
use super::timetable::day_at;
use crate::store::StoreError;
use crate::store::daily::{DailyCause, DailyClaim, DailyCounts, DailyState, NewDailyRun};

/// How far back a day may lie: a run simulates what the accounts are now, whatever the day that it is done for.
pub const DAYS_BACK_MAX: i32 = 31;
/// Between two looks at a run that another process carries out.
const LOOK_EVERY: Duration = Duration::from_millis(200);

/// A run that is finished.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DailyReport {
    pub day: Date,
    pub counts: DailyCounts,
}

/// Why there is no report.
#[derive(Debug, thiserror::Error)]
pub enum TriggerError {
    /// The day has not come yet, or is long past.
    #[error("must be a day from {earliest} to {today}, which is today in {zone}")]
    Day { earliest: Date, today: Date, zone: String },
    /// The run is not finished; it is open and goes on by itself.
    #[error("{cause}; {done} of {listed} accounts are done, and the run of {day} goes on by itself")]
    Unfinished { day: Date, done: u64, listed: u64, cause: String },
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Lets people run the daily run; the API knows no more of it.
#[async_trait]
pub trait DailyDoor: Send + Sync + 'static {
    /// Runs `day`, or today in the schedule's zone, and waits for its end, at most for `patience`.
    async fn run(&self, day: Option<Date>, patience: Duration) -> Result<DailyReport, TriggerError>;
}

/// The door with the schedule behind it.
pub struct Trigger {
    pub runner: DailyRunner,
    /// Whose days count.
    pub zone: TimeZone,
}

#[async_trait]
impl DailyDoor for Trigger {
    async fn run(&self, day: Option<Date>, patience: Duration) -> Result<DailyReport, TriggerError> {
        let now_ms = (self.runner.clock)();
        let day = chosen(day, day_at(now_ms, &self.zone).unwrap_or_default(), &self.zone)?;
        let run = NewDailyRun { day, cause: DailyCause::Hand, now_ms };
        self.runner.store.open_daily_run(&run).await?;
        count_run("by_hand");
        // Cut off in the middle it leaves a lease that runs out; the schedulers see to the rest.
        match tokio::time::timeout(patience, self.until_finished(day)).await {
            Ok(outcome) => outcome,
            Err(_) => Err(self.unfinished(day, "the daily run takes longer than it is waited for").await?),
        }
    }
}

impl Trigger {
    async fn until_finished(&self, day: Date) -> Result<DailyReport, TriggerError> {
        let store = &self.runner.store;
        loop {
            let claim = DailyClaim { day: Some(day), now_ms: (self.runner.clock)(), lease_ms: LEASE_MS };
            if let Some((lease, run)) = store.claim_daily_run(claim).await? {
                match self.runner.pass(lease, &run, &CancellationToken::new()).await? {
                    Pass::Finished(counts) => return Ok(DailyReport { day, counts }),
                    Pass::Failed(error) => return Err(self.unfinished(day, &error.to_string()).await?),
                    Pass::Left => {}
                }
            } else if let Some(run) = store.daily_run(day).await?
                && run.state == DailyState::Finished
            {
                return Ok(DailyReport { day, counts: run.counts });
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    async fn unfinished(&self, day: Date, cause: &str) -> Result<TriggerError, StoreError> {
        let counts = self.runner.store.daily_run(day).await?.map(|run| run.counts).unwrap_or_default();
        let (done, listed) = (counts.accounts(), counts.listed);
        Ok(TriggerError::Unfinished { day, done, listed, cause: cause.to_owned() })
    }
}

fn chosen(asked: Option<Date>, today: Date, zone: &TimeZone) -> Result<Date, TriggerError> {
    let earliest = today.saturating_sub(jiff::Span::new().days(DAYS_BACK_MAX));
    match asked {
        None => Ok(today),
        Some(day) if (earliest..=today).contains(&day) => Ok(day),
        Some(_) => {
            let zone = zone.iana_name().unwrap_or("UTC").to_owned();
            Err(TriggerError::Day { earliest, today, zone })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_is_one_of_the_last_month() {
        let today = Date::constant(2026, 3, 8);
        let on = |asked| chosen(asked, today, &TimeZone::UTC);
        assert_eq!(on(None).ok(), Some(today));
        for day in [today, Date::constant(2026, 3, 1), Date::constant(2026, 2, 5)] {
            assert_eq!(on(Some(day)).ok(), Some(day));
        }
        for day in [Date::constant(2026, 3, 9), Date::constant(2026, 2, 4), Date::MIN, Date::MAX] {
            let error = on(Some(day)).expect_err("not such a day").to_string();
            assert_eq!(error, "must be a day from 2026-02-05 to 2026-03-08, which is today in UTC");
        }
    }
}
