//! The loop: looks at the timetable, opens what is due, carries out what is open. Every replica runs one.

use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::DailyRunner;
use super::due::{CatchUp, Due, due};
use super::metrics::count_run;
use super::pass::{LEASE_MS, Pass};
use super::timetable::Timetable;
use crate::store::daily::{DailyCause, DailyClaim, NewDailyRun};
use crate::store::{StoreError, Write};

/// Between two looks: how late a fire may be noticed, and an open run whose process died.
const LOOK_EVERY: Duration = Duration::from_secs(5);

/// One replica's scheduler.
pub struct Scheduler {
    pub runner: DailyRunner,
    /// `None`: nothing fires; runs that people opened are carried out all the same.
    pub timetable: Option<Timetable>,
    pub catch_up: CatchUp,
}

impl Scheduler {
    /// Works until `stop`; a run in hand is given back then.
    pub async fn run(self, stop: CancellationToken) {
        while !stop.is_cancelled() {
            if let Err(error) = self.tick(&stop).await {
                tracing::warn!(%error, "the daily schedule waits for the database");
            }
            // Jittered, so that replicas do not look in step.
            let pause = LOOK_EVERY.mul_f64(0.75 + fastrand::f64() / 2.0);
            stop.run_until_cancelled(tokio::time::sleep(pause)).await;
        }
    }

    /// One look, and the work that it finds.
    ///
    /// # Errors
    /// Where the database fails it; whatever was begun goes on at the next look, by whichever replica.
    pub async fn tick(&self, stop: &CancellationToken) -> Result<(), StoreError> {
        if let Some(timetable) = &self.timetable {
            self.open_what_is_due(timetable).await?;
        }
        self.carry_out_what_is_open(stop).await
    }

    async fn open_what_is_due(&self, timetable: &Timetable) -> Result<(), StoreError> {
        let (store, now_ms) = (&self.runner.store, (self.runner.clock)());
        let watermark_ms = store.daily_watermark(now_ms).await?;
        match due(timetable, watermark_ms, now_ms, self.catch_up) {
            Due::Nothing => {}
            Due::Run { fire, is_late } => {
                let (cause, outcome) = match is_late {
                    false => (DailyCause::Schedule, "opened"),
                    true => (DailyCause::CatchUp, "caught_up"),
                };
                let run = NewDailyRun { day: fire.day, cause, now_ms };
                if store.record_daily_fire(fire.at_ms, Some(&run)).await? == Write::Applied {
                    count_run(outcome);
                    tracing::info!(daily.day = %fire.day, daily.cause = cause.as_str(), "the daily run begins");
                }
            }
            Due::PassOver(fire) => {
                if store.record_daily_fire(fire.at_ms, None).await? == Write::Applied {
                    count_run("passed_over");
                    tracing::warn!(daily.day = %fire.day, "a daily run was missed and is not caught up");
                }
            }
        }
        Ok(())
    }

    async fn carry_out_what_is_open(&self, stop: &CancellationToken) -> Result<(), StoreError> {
        while !stop.is_cancelled() {
            let claim = DailyClaim { day: None, now_ms: (self.runner.clock)(), lease_ms: LEASE_MS };
            let Some((lease, run)) = self.runner.store.claim_daily_run(claim).await? else { return Ok(()) };
            // One that left it may find it again at once: the next look is soon enough.
            if self.runner.pass(lease, &run, stop).await? == Pass::Left {
                return Ok(());
            }
        }
        Ok(())
    }
}
