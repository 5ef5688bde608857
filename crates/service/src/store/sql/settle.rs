//! What a worker writes, fenced by its lease: whoever has lost it changes nothing.

use super::arg::{Arg, args};
use super::fault::Fault;
use super::outbox;
use super::session::{Scope, Session};
use super::work::Work;
use crate::jobs::ids::Lease;
use crate::jobs::input::StoredInput;
use crate::jobs::machine::State;
use crate::store::{Settlement, Settler, Write};

/// Every write of a worker ends in this. The token alone decides: a lease that ran out but that nobody has swept
/// still holds, for nobody else has the job. Jobs are found by their ids: said as `status = 'running'`, beside a lease that
/// ran out, PostgreSQL would at times rather go through every lease that did.
macro_rules! fenced {
    ($update:literal) => {
        concat!(
            $update,
            " WHERE id = $1 AND lease_token = $2 AND status NOT IN ('pending', 'completed', 'failed')"
        )
    };
}

/// And a sweeper's in this: between its look and its write, the worker may have beaten after all.
const RAN_OUT: &str = " AND lease_expires_ms <= {now}";

const TO_PENDING: &str = fenced!(
    "UPDATE simulation_jobs
     SET status = 'pending', attempts = $3, snoozes = $4, run_after_ms = {now} + $5, error = $6, progress = 0,
         lease_token = NULL, lease_worker = NULL, lease_expires_ms = NULL, deadline_at_ms = NULL"
);

const TO_COMPLETED: &str = fenced!(
    "UPDATE simulation_jobs
     SET status = 'completed', completed_at_ms = {now}, error = NULL, progress = 1,
         lease_token = NULL, lease_worker = NULL, lease_expires_ms = NULL, deadline_at_ms = NULL"
);

const TO_FAILED: &str = fenced!(
    "UPDATE simulation_jobs
     SET status = 'failed', completed_at_ms = {now}, error = $3,
         lease_token = NULL, lease_worker = NULL, lease_expires_ms = NULL, deadline_at_ms = NULL"
);

const SUMMARIZE_INPUT: &str = fenced!("UPDATE simulation_jobs SET input_summary = $3");

/// A job ends once: a result that is there already is a broken invariant, and is refused.
const INSERT_RESULT: &str = "INSERT INTO simulation_results (job_id, result) VALUES ($1, $2)";

const INSERT_SKIP: &str = "INSERT INTO simulation_skips (job_id, reason) VALUES ($1, $2)";

const UPSERT_INPUT: &str = "
    INSERT INTO simulation_inputs (job_id, input) VALUES ($1, $2)
    ON CONFLICT (job_id) DO UPDATE SET input = excluded.input";

/// Ends an attempt.
pub(super) struct Settle<'a> {
    pub(super) lease: &'a Lease,
    pub(super) settlement: &'a Settlement,
}

impl Work for Settle<'_> {
    type Answer = Write;
    const OPERATION: &'static str = "settle";
    const SCOPE: Scope = Scope::Transaction;
    /// The second time would meet the first and call it stale.
    const REPEATABLE: bool = false;

    async fn run(&self, session: &mut Session) -> Result<Write, Fault> {
        let Settlement { by, next, result, outbox } = self.settlement;
        let (sql, values) = match &next.state {
            State::Pending { due_at_ms, last_error } => {
                (TO_PENDING, args![next.attempts, next.snoozes, *due_at_ms, last_error.as_deref()])
            }
            State::Completed | State::Skipped { .. } => (TO_COMPLETED, args![]),
            State::Failed { reason } => (TO_FAILED, args![reason]),
            State::Running { .. } => return Err(Fault::Misuse("an attempt cannot end in running")),
        };
        let sql = match by {
            Settler::Holder => sql.to_owned(),
            Settler::Sweeper => [sql, RAN_OUT].concat(),
        };
        if write_fenced(session, self.lease, &sql, values).await? == Write::Stale {
            return Ok(Write::Stale);
        }
        if let State::Skipped { reason } = next.state {
            session.run(INSERT_SKIP, args![&self.lease.job.0, reason.code()]).await?;
        }
        if let Some(result) = result {
            session.run(INSERT_RESULT, args![&self.lease.job.0, result.to_string()]).await?;
        }
        if let Some(message) = outbox {
            outbox::insert_last(session, message).await?;
        }
        Ok(Write::Applied)
    }
}

/// Stores the input that was fetched.
pub(super) struct SaveInput<'a> {
    pub(super) lease: &'a Lease,
    pub(super) input: &'a StoredInput,
}

impl Work for SaveInput<'_> {
    type Answer = Write;
    const OPERATION: &'static str = "save_input";
    const SCOPE: Scope = Scope::Transaction;
    const REPEATABLE: bool = true;

    async fn run(&self, session: &mut Session) -> Result<Write, Fault> {
        let summary = args![self.input.summary.to_string()];
        let write = write_fenced(session, self.lease, SUMMARIZE_INPUT, summary).await?;
        if write == Write::Applied {
            session.run(UPSERT_INPUT, args![&self.lease.job.0, self.input.full.to_string()]).await?;
        }
        Ok(write)
    }
}

async fn write_fenced(
    session: &mut Session,
    lease: &Lease,
    sql: &str,
    values: Vec<Arg<'_>>,
) -> Result<Write, Fault> {
    let args = [args![&lease.job.0, lease.token.0], values].concat();
    match session.run(sql, args).await?.affected {
        0 => Ok(Write::Stale),
        1 => Ok(Write::Applied),
        more => Err(Fault::Corrupt(format!("job {} has {more} rows", lease.job))),
    }
}
