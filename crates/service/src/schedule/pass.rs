//! One pass over the active accounts: list them, skip those that are done, record the others batch by batch.

use std::time::Duration;

use jiff::civil::Date;
use monte_carlo_engine::Subject;
use serde_json::json;
use tokio_util::sync::CancellationToken;

use super::DailyRunner;
use super::metrics::{count_accounts, count_run};
use super::patience::{Next, after_failure};
use crate::core_service::error::CoreError;
use crate::jobs::ids::JobId;
use crate::store::daily::{DailyBatch, DailyCounts, DailyLease, DailyPassEnd, DailyRun};
use crate::store::{NewJob, Origin, StoreError, Write};
use crate::telemetry::trace_context::TraceContext;

/// Jobs of one transaction, as in `intake`.
const BATCH_MAX: usize = 500;
/// A lease's length: three missed beats. A run whose process died goes on after it.
pub(super) const LEASE_MS: u64 = 15_000;
/// Between two signs of life while Core Service lists.
const BEAT_EVERY: Duration = Duration::from_secs(5);
/// The longest id that a job can bear, as in the API.
const ID_CHARS_MAX: usize = 128;

/// How a pass ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Pass {
    /// Every account is dealt with.
    Finished(DailyCounts),
    /// Core Service did not list the accounts; the run goes on later, or is given up.
    Failed(CoreError),
    /// Another process has the run, or this one stops.
    Left,
}

impl DailyRunner {
    /// Carries a claimed run on from where it is, until its end, a failure or `stop`.
    pub(super) async fn pass(
        &self,
        lease: DailyLease,
        run: &DailyRun,
        stop: &CancellationToken,
    ) -> Result<Pass, StoreError> {
        let trace = TraceContext::continue_from(Some(&format!("daily-{}", run.day)), None, None);
        let accounts = tokio::select! {
            accounts = self.core_service.active_funded_accounts(&trace) => accounts,
            outcome = self.beat(lease) => return outcome.map(|()| Pass::Left),
            () = stop.cancelled() => return self.leave(lease).await,
        };
        let accounts = match accounts {
            Ok(accounts) => accounts,
            Err(error) => return self.fail(lease, run, error).await,
        };
        let listed = accounts.len() as u64;
        let (usable, unusable): (Vec<_>, Vec<_>) = accounts.into_iter().partition(|id| is_usable(id));
        let unusable_id = unusable.len() as u64;
        if unusable_id > 0 {
            tracing::warn!(accounts = unusable_id, "some active accounts have ids that no job can bear");
            count_accounts("unusable_id", unusable_id);
        }
        let left: Vec<String> = usable.into_iter().filter(|id| *id > run.last_account).collect();
        let mut before = run.counts.clone();
        // One batch at least, so that the counts are written where there is no account.
        for ids in left.chunks(BATCH_MAX).chain(left.is_empty().then_some(&[][..])) {
            if stop.is_cancelled() {
                return self.leave(lease).await;
            }
            let batch = DailyBatch {
                jobs: ids.iter().map(|id| job(run.day, id, &trace)).collect(),
                last_account: ids.last().unwrap_or(&run.last_account).clone(),
                listed,
                unusable_id,
                skip_recent_ms: self.skip_recent.map(|span| span.as_millis() as u64),
                lease_ms: LEASE_MS,
            };
            let Some(counts) = self.store.record_daily_batch(lease, &batch).await? else {
                return Ok(Pass::Left);
            };
            count(&before, &counts);
            if counts.created > before.created {
                self.signals.jobs_due();
            }
            before = counts;
        }
        self.finish(lease, before).await
    }

    /// Keeps the lease; ends where it is lost.
    async fn beat(&self, lease: DailyLease) -> Result<(), StoreError> {
        loop {
            tokio::time::sleep(BEAT_EVERY).await;
            if self.store.beat_daily_run(lease, LEASE_MS).await? == Write::Stale {
                return Ok(());
            }
        }
    }

    async fn finish(&self, lease: DailyLease, counts: DailyCounts) -> Result<Pass, StoreError> {
        let end = DailyPassEnd::Finished { now_ms: (self.clock)() };
        if self.store.end_daily_pass(lease, &end).await? == Write::Stale {
            return Ok(Pass::Left);
        }
        count_run("finished");
        tracing::info!(
            daily.day = %lease.day,
            daily.accounts = counts.accounts(),
            daily.created = counts.created,
            daily.existing = counts.existing,
            daily.recently_simulated = counts.recently_simulated,
            "the daily run is finished"
        );
        Ok(Pass::Finished(counts))
    }

    async fn fail(&self, lease: DailyLease, run: &DailyRun, cause: CoreError) -> Result<Pass, StoreError> {
        let (now_ms, error) = ((self.clock)(), cause.to_string());
        let end = match after_failure(run.failures, run.opened_at_ms, now_ms) {
            Next::Again { at_ms } => {
                count_run("failed");
                tracing::warn!(daily.day = %lease.day, error, "the daily run cannot go on yet");
                DailyPassEnd::Failed { error, due_at_ms: at_ms }
            }
            Next::GiveUp => {
                count_run("given_up");
                tracing::error!(daily.day = %lease.day, error, "the daily run is given up, for it is too old");
                DailyPassEnd::GivenUp { error, now_ms }
            }
        };
        self.store.end_daily_pass(lease, &end).await?;
        Ok(Pass::Failed(cause))
    }

    async fn leave(&self, lease: DailyLease) -> Result<Pass, StoreError> {
        self.store.end_daily_pass(lease, &DailyPassEnd::Released).await?;
        Ok(Pass::Left)
    }
}

fn job(day: Date, account: &str, trace: &TraceContext) -> NewJob {
    NewJob {
        id: JobId::random(),
        subject: Subject::FundedAccount(account.to_owned()),
        origin: Origin::Daily,
        dedupe_key: Some(format!("daily:{day}:{account}")),
        config: json!({}),
        input: None,
        trace: trace.child(),
    }
}

fn is_usable(id: &str) -> bool {
    !id.is_empty() && id.chars().count() <= ID_CHARS_MAX && !id.chars().any(char::is_control)
}

fn count(before: &DailyCounts, after: &DailyCounts) {
    count_accounts("created", after.created - before.created);
    count_accounts("existing", after.existing - before.existing);
    count_accounts("recently_simulated", after.recently_simulated - before.recently_simulated);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_that_no_job_can_bear_are_known() {
        assert!(is_usable("fnd-1") && is_usable(&"é".repeat(128)));
        assert!(!is_usable("") && !is_usable("a\0b") && !is_usable("a\n") && !is_usable(&"x".repeat(129)));
    }

    #[test]
    fn a_job_is_its_accounts_and_days() {
        let day = Date::constant(2026, 3, 8);
        let trace = TraceContext::continue_from(Some("daily-2026-03-08"), None, None);
        let job = job(day, "fnd-1", &trace);
        assert_eq!(job.dedupe_key.as_deref(), Some("daily:2026-03-08:fnd-1"));
        assert_eq!((job.origin, job.subject.id()), (Origin::Daily, "fnd-1"));
        assert_eq!(job.trace.correlation_id, "daily-2026-03-08");
    }
}
