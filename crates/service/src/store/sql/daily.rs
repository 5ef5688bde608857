//! Daily runs: their fires, their leases, how far they have come.

use async_trait::async_trait;
use jiff::civil::Date;

use super::SqlStore;
use super::arg::args;
use super::daily_batch::RecordBatch;
use super::fault::Fault;
use super::records;
use super::session::{Scope, Session};
use super::work::Work;
use crate::jobs::ids::LeaseToken;
use crate::store::daily::{
    DailyBatch, DailyClaim, DailyCounts, DailyLease, DailyPassEnd, DailyRun, DailyRuns, NewDailyRun,
};
use crate::store::{StoreError, Write};

/// The row of [`INSERT_WATERMARK`]; other schedules would have others.
const SCHEDULE: &str = "daily";

const INSERT_WATERMARK: &str = "
    INSERT INTO schedule_watermarks (schedule, watermark_ms) VALUES ($1, $2)
    ON CONFLICT DO NOTHING";

const SELECT_WATERMARK: &str = "SELECT watermark_ms FROM schedule_watermarks WHERE schedule = $1";

/// Of two replicas that see the same fire, one moves the mark.
const MOVE_WATERMARK: &str = "
    UPDATE schedule_watermarks SET watermark_ms = $2 WHERE schedule = $1 AND watermark_ms < $2";

/// A day's second fire, or a run by hand, goes through the accounts again: those that are new since then have no job.
const OPEN: &str = "
    INSERT INTO daily_runs (local_day, state, cause, due_at_ms, opened_at_ms) VALUES ($1, 'open', $2, $3, $3)
    ON CONFLICT (local_day) DO UPDATE
    SET state = 'open', cause = excluded.cause, last_account = '', counts = excluded.counts, failures = 0, error = NULL,
        due_at_ms = excluded.due_at_ms, opened_at_ms = excluded.opened_at_ms, ended_at_ms = NULL
    WHERE daily_runs.state <> 'open'";

macro_rules! claim {
    ($which:literal) => {
        concat!(
            "WITH due AS MATERIALIZED (
                 SELECT local_day FROM daily_runs WHERE state = 'open' AND lease_expires_ms <= {now} AND ",
            $which,
            " ORDER BY due_at_ms, local_day LIMIT 1 {skip_locked})
             UPDATE daily_runs SET lease_token = {uuid}, lease_expires_ms = {now} + $2
             WHERE local_day IN (SELECT local_day FROM due) AND state = 'open' AND lease_expires_ms <= {now}
             RETURNING local_day, state, last_account, counts, failures, error, opened_at_ms, lease_token"
        )
    };
}

const CLAIM_DUE: &str = claim!("due_at_ms <= $1");
const CLAIM_DAY: &str = claim!("local_day = $1");

const SELECT_RUN: &str = "
    SELECT local_day, state, last_account, counts, failures, error, opened_at_ms FROM daily_runs
    WHERE local_day = $1";

/// Every write of whoever carries a run out ends in this.
macro_rules! fenced {
    ($update:literal) => {
        concat!($update, " WHERE local_day = $1 AND lease_token = $2 AND state = 'open'")
    };
}
pub(super) use fenced;

const BEAT: &str = fenced!("UPDATE daily_runs SET lease_expires_ms = {now} + $3");

const FINISH: &str = fenced!(
    "UPDATE daily_runs SET state = 'finished', ended_at_ms = $3, failures = 0, error = NULL, lease_token = NULL,
         lease_expires_ms = 0"
);

const FAIL: &str = fenced!(
    "UPDATE daily_runs SET due_at_ms = $3, failures = failures + 1, error = $4, lease_token = NULL,
         lease_expires_ms = 0"
);

const GIVE_UP: &str = fenced!(
    "UPDATE daily_runs SET state = 'given_up', ended_at_ms = $3, error = $4, lease_token = NULL,
         lease_expires_ms = 0"
);

const RELEASE: &str = fenced!("UPDATE daily_runs SET lease_token = NULL, lease_expires_ms = 0");

#[async_trait]
impl DailyRuns for SqlStore {
    async fn daily_watermark(&self, now_ms: i64) -> Result<i64, StoreError> {
        self.runner.perform(&Watermark { now_ms }).await
    }

    async fn record_daily_fire(&self, fire_ms: i64, run: Option<&NewDailyRun>) -> Result<Write, StoreError> {
        self.runner.perform(&RecordFire { fire_ms, run }).await
    }

    async fn open_daily_run(&self, run: &NewDailyRun) -> Result<(), StoreError> {
        self.runner.perform(&Open(run)).await
    }

    async fn claim_daily_run(&self, claim: DailyClaim) -> Result<Option<(DailyLease, DailyRun)>, StoreError> {
        self.runner.perform(&Claim(claim)).await
    }

    async fn beat_daily_run(&self, lease: DailyLease, lease_ms: u64) -> Result<Write, StoreError> {
        self.runner.perform(&Beat { lease, lease_ms }).await
    }

    async fn record_daily_batch(
        &self,
        lease: DailyLease,
        batch: &DailyBatch,
    ) -> Result<Option<DailyCounts>, StoreError> {
        self.runner.perform(&RecordBatch { lease, batch }).await
    }

    async fn end_daily_pass(&self, lease: DailyLease, end: &DailyPassEnd) -> Result<Write, StoreError> {
        self.runner.perform(&EndPass { lease, end }).await
    }

    async fn daily_run(&self, day: Date) -> Result<Option<DailyRun>, StoreError> {
        self.runner.perform(&Run(day)).await
    }
}

struct Watermark {
    now_ms: i64,
}

impl Work for Watermark {
    type Answer = i64;
    const OPERATION: &'static str = "daily_watermark";
    const SCOPE: Scope = Scope::Transaction;
    const REPEATABLE: bool = true;

    async fn run(&self, session: &mut Session) -> Result<i64, Fault> {
        for _ in 0..2 {
            if let Some(row) = session.run(SELECT_WATERMARK, args![SCHEDULE]).await?.rows.first() {
                return Ok(row.get("watermark_ms")?);
            }
            session.run(INSERT_WATERMARK, args![SCHEDULE, self.now_ms]).await?;
        }
        session.run(SELECT_WATERMARK, args![SCHEDULE]).await?.rows.first().map_or_else(
            || Err(Fault::Corrupt("a schedule's watermark that is neither new nor there".into())),
            |row| Ok(row.get("watermark_ms")?),
        )
    }
}

struct RecordFire<'a> {
    fire_ms: i64,
    run: Option<&'a NewDailyRun>,
}

impl Work for RecordFire<'_> {
    type Answer = Write;
    const OPERATION: &'static str = "record_daily_fire";
    const SCOPE: Scope = Scope::Transaction;
    const REPEATABLE: bool = true;

    async fn run(&self, session: &mut Session) -> Result<Write, Fault> {
        if session.run(MOVE_WATERMARK, args![SCHEDULE, self.fire_ms]).await?.affected == 0 {
            return Ok(Write::Stale);
        }
        if let Some(run) = self.run {
            Open(run).run(session).await?;
        }
        Ok(Write::Applied)
    }
}

struct Open<'a>(&'a NewDailyRun);

impl Work for Open<'_> {
    type Answer = ();
    const OPERATION: &'static str = "open_daily_run";
    const SCOPE: Scope = Scope::Statement;
    const REPEATABLE: bool = true;

    async fn run(&self, session: &mut Session) -> Result<(), Fault> {
        let NewDailyRun { day, cause, now_ms } = self.0;
        session.run(OPEN, args![day.to_string(), cause.as_str(), *now_ms]).await?;
        Ok(())
    }
}

struct Claim(DailyClaim);

impl Work for Claim {
    type Answer = Option<(DailyLease, DailyRun)>;
    const OPERATION: &'static str = "claim_daily_run";
    const SCOPE: Scope = Scope::Statement;
    /// A run that was claimed unnoticed is free again when its lease runs out.
    const REPEATABLE: bool = false;

    async fn run(&self, session: &mut Session) -> Result<Self::Answer, Fault> {
        let DailyClaim { day, now_ms, lease_ms } = self.0;
        let answer = match day {
            Some(day) => session.run(CLAIM_DAY, args![day.to_string(), lease_ms]).await?,
            None => session.run(CLAIM_DUE, args![now_ms, lease_ms]).await?,
        };
        let Some(row) = answer.rows.first() else { return Ok(None) };
        let run = records::daily_run(row)?;
        let token = LeaseToken(row.get("lease_token")?);
        Ok(Some((DailyLease { day: run.day, token }, run)))
    }
}

struct Beat {
    lease: DailyLease,
    lease_ms: u64,
}

impl Work for Beat {
    type Answer = Write;
    const OPERATION: &'static str = "beat_daily_run";
    const SCOPE: Scope = Scope::Statement;
    const REPEATABLE: bool = true;

    async fn run(&self, session: &mut Session) -> Result<Write, Fault> {
        let DailyLease { day, token } = self.lease;
        let answer = session.run(BEAT, args![day.to_string(), token.0, self.lease_ms]).await?;
        Ok(if answer.affected == 0 { Write::Stale } else { Write::Applied })
    }
}

struct EndPass<'a> {
    lease: DailyLease,
    end: &'a DailyPassEnd,
}

impl Work for EndPass<'_> {
    type Answer = Write;
    const OPERATION: &'static str = "end_daily_pass";
    const SCOPE: Scope = Scope::Statement;
    /// The second time would meet the first and call it stale.
    const REPEATABLE: bool = false;

    async fn run(&self, session: &mut Session) -> Result<Write, Fault> {
        let (sql, values) = match self.end {
            DailyPassEnd::Finished { now_ms } => (FINISH, args![*now_ms]),
            DailyPassEnd::Failed { error, due_at_ms } => (FAIL, args![*due_at_ms, error]),
            DailyPassEnd::GivenUp { error, now_ms } => (GIVE_UP, args![*now_ms, error]),
            DailyPassEnd::Released => (RELEASE, args![]),
        };
        let DailyLease { day, token } = self.lease;
        let answer = session.run(sql, [args![day.to_string(), token.0], values].concat()).await?;
        Ok(if answer.affected == 0 { Write::Stale } else { Write::Applied })
    }
}

struct Run(Date);

impl Work for Run {
    type Answer = Option<DailyRun>;
    const OPERATION: &'static str = "daily_run";
    const SCOPE: Scope = Scope::Read;
    const REPEATABLE: bool = true;

    async fn run(&self, session: &mut Session) -> Result<Option<DailyRun>, Fault> {
        let answer = session.run(SELECT_RUN, args![self.0.to_string()]).await?;
        answer.rows.first().map(records::daily_run).transpose()
    }
}
