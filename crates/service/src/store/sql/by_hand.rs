//! People cancel jobs, and have them tried anew.

use async_trait::async_trait;

use super::SqlStore;
use super::arg::args;
use super::fault::Fault;
use super::read::can_be_an_id;
use super::records;
use super::session::{Scope, Session};
use super::work::Work;
use crate::jobs::ids::JobId;
use crate::jobs::machine::CANCELLED;
use crate::store::StoreError;
use crate::store::by_hand::{ByHand, Moved};

const CANCEL: &str = "
    UPDATE simulation_jobs
    SET status = 'failed', completed_at_ms = {now}, error = $2,
        lease_token = NULL, lease_worker = NULL, lease_expires_ms = NULL, deadline_at_ms = NULL
    WHERE id = $1 AND status NOT IN ('completed', 'failed')";

/// The reason of the failure stays, as that of the last try.
const RETRY: &str = "
    UPDATE simulation_jobs
    SET status = 'pending', attempts = 0, snoozes = 0, progress = 0, run_after_ms = {now},
        started_at_ms = NULL, completed_at_ms = NULL
    WHERE id = $1 AND status = 'failed'";

const SELECT_STANDING: &str = "SELECT status, error FROM simulation_jobs WHERE id = $1";

struct Cancel<'a>(&'a JobId);

impl Work for Cancel<'_> {
    type Answer = Moved;
    const OPERATION: &'static str = "cancel";
    const SCOPE: Scope = Scope::Transaction;
    /// The second time finds it cancelled, which is what was wanted.
    const REPEATABLE: bool = true;

    async fn run(&self, session: &mut Session) -> Result<Moved, Fault> {
        moved(session, self.0, CANCEL, &[CANCELLED]).await
    }
}

struct Retry<'a>(&'a JobId);

impl Work for Retry<'_> {
    type Answer = Moved;
    const OPERATION: &'static str = "retry";
    const SCOPE: Scope = Scope::Transaction;
    /// The job may have failed again meanwhile; a person asks once for each time.
    const REPEATABLE: bool = false;

    async fn run(&self, session: &mut Session) -> Result<Moved, Fault> {
        moved(session, self.0, RETRY, &[]).await
    }
}

async fn moved(
    session: &mut Session,
    id: &JobId,
    sql: &str,
    values: &'static [&'static str],
) -> Result<Moved, Fault> {
    if !can_be_an_id(id) {
        return Ok(Moved::Unknown);
    }
    let args = args![&id.0].into_iter().chain(values.iter().map(|&value| value.into())).collect();
    if session.run(sql, args).await?.affected == 1 {
        return Ok(Moved::Done);
    }
    let rows = session.run(SELECT_STANDING, args![&id.0]).await?.rows;
    let Some(row) = rows.first() else { return Ok(Moved::Unknown) };
    let is_cancelled = row.get::<Option<String>>("error")?.as_deref() == Some(CANCELLED);
    let status = records::status(row)?;
    Ok(if sql == CANCEL && is_cancelled { Moved::Done } else { Moved::Refused(status) })
}

#[async_trait]
impl ByHand for SqlStore {
    async fn cancel(&self, id: &JobId) -> Result<Moved, StoreError> {
        self.runner.perform(&Cancel(id)).await
    }

    async fn retry(&self, id: &JobId) -> Result<Moved, StoreError> {
        self.runner.perform(&Retry(id)).await
    }
}
