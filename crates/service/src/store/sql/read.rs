//! The windows on the store: nothing here changes anything.

use super::arg::args;
use super::fault::Fault;
use super::records;
use super::session::{Scope, Session};
use super::work::Work;
use crate::jobs::ids::JobId;
use crate::store::{Cursor, JobFilter, JobRecord, JobStatus};

/// Longest id that is asked for; ours have 36 characters.
const ID_BYTES_MAX: usize = 256;

macro_rules! job_columns {
    () => {
        "job.id, job.assessment_id, job.funded_account_id, job.origin, job.status, job.config, job.error,
         job.progress, job.attempts, job.correlation_id, job.created_at_ms, job.started_at_ms,
         job.completed_at_ms, result.result, skip.reason AS skip_reason"
    };
}

const SELECT_JOB: &str = concat!(
    "SELECT ",
    job_columns!(),
    ", input.input
     FROM simulation_jobs AS job
     LEFT JOIN simulation_results AS result ON result.job_id = job.id
     LEFT JOIN simulation_skips AS skip ON skip.job_id = job.id
     LEFT JOIN simulation_inputs AS input ON input.job_id = job.id
     WHERE job.id = $1"
);

const SELECT_JOBS: &str = concat!(
    "SELECT ",
    job_columns!(),
    ", job.input_summary AS input
     FROM simulation_jobs AS job
     LEFT JOIN simulation_results AS result ON result.job_id = job.id
     LEFT JOIN simulation_skips AS skip ON skip.job_id = job.id
     WHERE true"
);

pub(super) struct Ping;

impl Work for Ping {
    type Answer = ();
    const OPERATION: &'static str = "ping";
    const SCOPE: Scope = Scope::Read;
    const REPEATABLE: bool = true;

    async fn run(&self, session: &mut Session) -> Result<(), Fault> {
        session.run("SELECT 1", args![]).await?;
        Ok(())
    }
}

pub(super) struct Job<'a>(pub(super) &'a JobId);

impl Work for Job<'_> {
    type Answer = Option<JobRecord>;
    const OPERATION: &'static str = "job";
    const SCOPE: Scope = Scope::Read;
    const REPEATABLE: bool = true;

    async fn run(&self, session: &mut Session) -> Result<Option<JobRecord>, Fault> {
        if !can_be_an_id(self.0) {
            return Ok(None);
        }
        session.run(SELECT_JOB, args![&self.0.0]).await?.rows.first().map(records::job).transpose()
    }
}

/// Whether a job may have it: no database takes a NUL.
pub(super) fn can_be_an_id(JobId(id): &JobId) -> bool {
    id.len() <= ID_BYTES_MAX && !id.contains('\0')
}

pub(super) struct Jobs<'a> {
    pub(super) filter: &'a JobFilter,
    pub(super) limit: u32,
    pub(super) cursor: Option<&'a Cursor>,
}

impl Work for Jobs<'_> {
    type Answer = Vec<JobRecord>;
    const OPERATION: &'static str = "jobs";
    const SCOPE: Scope = Scope::Read;
    const REPEATABLE: bool = true;

    async fn run(&self, session: &mut Session) -> Result<Vec<JobRecord>, Fault> {
        // Only the conditions that are asked for, so that each combination finds its index.
        let mut sql = SELECT_JOBS.to_owned();
        let mut args = args![self.limit];
        let JobFilter { assessment_id, funded_account_id, status } = self.filter;
        for (column, value) in [
            ("assessment_id", assessment_id.as_deref()),
            ("funded_account_id", funded_account_id.as_deref()),
            ("status", status.map(JobStatus::as_str)),
        ] {
            if let Some(value) = value {
                args.push(value.into());
                sql.push_str(&format!(" AND job.{column} = ${}", args.len()));
            }
        }
        if *status == Some(JobStatus::Completed) {
            // Not by the joined row: PostgreSQL takes `skip.reason IS NULL` for rare, and walks through all jobs.
            sql.push_str(
                " AND NOT EXISTS (SELECT 1 FROM simulation_skips AS skipped WHERE skipped.job_id = job.id)",
            );
        }
        if let Some(Cursor { created_at_ms, id }) = self.cursor {
            args.extend(args![*created_at_ms, &id.0]);
            let last = args.len();
            sql.push_str(&format!(" AND (job.created_at_ms, job.id) < (${}, ${last})", last - 1));
        }
        sql.push_str(" ORDER BY job.created_at_ms DESC, job.id DESC LIMIT $1");
        session.run(&sql, args).await?.rows.iter().map(records::job).collect()
    }
}
