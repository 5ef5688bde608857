//! What waits, for those who watch: short ranges of small indexes, whatever the tables hold beside.

use super::arg::args;
use super::fault::Fault;
use super::session::{Row, Scope, Session};
use super::work::Work;
use crate::store::{Backlog, Waiting};

/// Counted in the order of an index that holds nothing else, so that a server whose statistics are old does not read
/// the whole table instead; the oldest is one row of the index that knows ages.
const SELECT: &str = "
    SELECT 'pending' AS what, count(*) AS waiting, {now} - (
        SELECT created_at_ms FROM simulation_jobs {by simulation_jobs_by_status}
        WHERE status = 'pending' ORDER BY created_at_ms LIMIT 1) AS oldest_age_ms
    FROM (
        SELECT run_after_ms FROM simulation_jobs {by simulation_jobs_claim}
        WHERE status = 'pending' ORDER BY run_after_ms LIMIT $1) AS pending
    UNION ALL
    SELECT 'running' AS what, count(*) AS waiting, {now} - (
        SELECT created_at_ms FROM simulation_jobs {by simulation_jobs_by_status}
        WHERE status = 'running' ORDER BY created_at_ms LIMIT 1) AS oldest_age_ms
    FROM (
        SELECT lease_expires_ms FROM simulation_jobs {by simulation_jobs_expiry}
        WHERE status = 'running' ORDER BY lease_expires_ms LIMIT $1) AS running
    UNION ALL
    SELECT 'outbox' AS what, count(*) AS waiting, {now} - min(created_at_ms) AS oldest_age_ms
    FROM (
        SELECT created_at_ms FROM outbox {by outbox_unpublished}
        WHERE published_at_ms IS NULL ORDER BY created_at_ms LIMIT $1) AS unpublished";

pub(super) struct CountBacklog {
    pub(super) limit: u32,
}

impl Work for CountBacklog {
    type Answer = Backlog;
    const OPERATION: &'static str = "backlog";
    const SCOPE: Scope = Scope::Read;
    const REPEATABLE: bool = true;

    async fn run(&self, session: &mut Session) -> Result<Backlog, Fault> {
        let mut backlog = Backlog::default();
        for row in &session.run(SELECT, args![self.limit]).await?.rows {
            let what: String = row.get("what")?;
            match what.as_str() {
                "pending" => backlog.pending = waiting(row)?,
                "running" => backlog.running = waiting(row)?,
                _ => backlog.outbox = waiting(row)?,
            }
        }
        Ok(backlog)
    }
}

fn waiting(row: &Row) -> Result<Waiting, Fault> {
    let (count, oldest_age_ms): (i64, Option<i64>) = (row.get("waiting")?, row.get("oldest_age_ms")?);
    // Clocks may be set back.
    let unsigned = |number: i64| u64::try_from(number).unwrap_or_default();
    Ok(Waiting { count: unsigned(count), oldest_age_ms: oldest_age_ms.map_or(0, unsigned) })
}
