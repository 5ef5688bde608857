//! Signs of life, and leases that ran out.

use super::arg::{Arg, args};
use super::fault::Fault;
use super::records;
use super::session::{Scope, Session};
use super::work::Work;
use crate::jobs::ids::Lease;
use crate::store::{Beat, ExpiredLease};

/// A lease that ran out but that nobody has swept may still be extended; a deadline may not. Jobs are found by their ids:
/// said as `status = 'running'`, PostgreSQL would at times rather go through everything that runs.
const BEAT: &str = "
    UPDATE simulation_jobs AS job
    SET lease_expires_ms = {least}({now} + $4, job.deadline_at_ms),
        progress = {greatest}(job.progress, given.share)
    FROM {rows job_id:text token:uuid share:float8}
    WHERE job.id = given.job_id AND job.lease_token = given.token
        AND job.status NOT IN ('pending', 'completed', 'failed') AND job.deadline_at_ms > {now}
    RETURNING id, lease_token";

const SELECT_HELD: &str = "
    SELECT id, lease_token FROM simulation_jobs
    JOIN {rows job_id:text token:uuid} ON id = given.job_id AND lease_token = given.token";

const SELECT_EXPIRED: &str = "
    SELECT id, lease_token, claims, attempts, snoozes, progress, started_at_ms - {now} AS started_in_ms,
        lease_expires_ms - {now} AS expires_in_ms, deadline_at_ms - {now} AS deadline_in_ms
    FROM simulation_jobs {by simulation_jobs_expiry}
    WHERE status = 'running' AND lease_expires_ms <= {now}
    ORDER BY lease_expires_ms
    LIMIT $1";

/// Both find nothing at the far end of an index, as long as the clock only goes forward.
const MAKE_DUE: &str = "
    UPDATE simulation_jobs SET run_after_ms = {now} WHERE status = 'pending' AND run_after_ms > {now} + $1";
/// Not to nothing: its worker may be alive.
const CUT_LEASES: &str = "
    UPDATE simulation_jobs SET lease_expires_ms = {now} + $1
    WHERE status = 'running' AND lease_expires_ms > {now} + $1";

pub(super) struct Beats<'a> {
    pub(super) beats: &'a [Beat],
    pub(super) lease_ms: u64,
}

impl Work for Beats<'_> {
    type Answer = Vec<Lease>;
    const OPERATION: &'static str = "beat";
    const SCOPE: Scope = Scope::Statement;
    const REPEATABLE: bool = true;

    async fn run(&self, session: &mut Session) -> Result<Vec<Lease>, Fault> {
        let rows: Vec<_> = self
            .beats
            .iter()
            .map(|beat| args![&beat.lease.job.0, beat.lease.token.0, share(beat.progress)])
            .collect();
        let answer = session.each(BEAT, &rows, &[Arg::from(self.lease_ms)]).await?;
        answer.rows.iter().map(records::lease).collect()
    }
}

/// A share of the whole; what is no number is no progress (PostgreSQL takes NaN for the greatest of all).
fn share(progress: f64) -> f64 {
    if progress.is_nan() { 0.0 } else { progress.clamp(0.0, 1.0) }
}

pub(super) struct Held<'a>(pub(super) &'a [Lease]);

impl Work for Held<'_> {
    type Answer = Vec<Lease>;
    const OPERATION: &'static str = "held";
    const SCOPE: Scope = Scope::Read;
    const REPEATABLE: bool = true;

    async fn run(&self, session: &mut Session) -> Result<Vec<Lease>, Fault> {
        let rows: Vec<_> = self.0.iter().map(|lease| args![&lease.job.0, lease.token.0]).collect();
        session.each(SELECT_HELD, &rows, &[]).await?.rows.iter().map(records::lease).collect()
    }
}

pub(super) struct FollowClock {
    pub(super) wait_ms_max: u64,
    pub(super) lease_ms: u64,
}

impl Work for FollowClock {
    type Answer = u64;
    const OPERATION: &'static str = "follow_clock";
    const SCOPE: Scope = Scope::Transaction;
    const REPEATABLE: bool = true;

    async fn run(&self, session: &mut Session) -> Result<u64, Fault> {
        let due = session.run(MAKE_DUE, args![self.wait_ms_max]).await?.affected;
        let cut = session.run(CUT_LEASES, args![self.lease_ms]).await?.affected;
        Ok(due + cut)
    }
}

pub(super) struct Expired {
    pub(super) limit: u32,
}

impl Work for Expired {
    type Answer = Vec<ExpiredLease>;
    const OPERATION: &'static str = "expired";
    const SCOPE: Scope = Scope::Read;
    const REPEATABLE: bool = true;

    async fn run(&self, session: &mut Session) -> Result<Vec<ExpiredLease>, Fault> {
        session.run(SELECT_EXPIRED, args![self.limit]).await?.rows.iter().map(records::expired).collect()
    }
}
