//! The jobs: which failed lately, and why.

use std::collections::BTreeMap;

use super::Finding;
use crate::store::{JobFilter, JobRecord, JobStatus, Store};
use crate::telemetry::clock;

const FAILURES: &str = "jobs.failures";

/// What is older has been seen.
const RECENT_MS: i64 = 24 * 60 * 60 * 1_000;
/// The newest failed jobs that are looked at: one page.
const LOOKED_AT: u32 = 200;
/// Reasons that are told, the most frequent first.
const REASONS_TOLD: usize = 3;

pub(super) async fn examine(store: &dyn Store) -> Vec<Finding> {
    let failed = JobFilter { status: Some(JobStatus::Failed), ..JobFilter::default() };
    vec![match store.jobs(&failed, LOOKED_AT, None).await {
        Ok(jobs) => judge(&jobs, clock::now_ms()),
        Err(_) => Finding::unknown(FAILURES, "the jobs cannot be read; see the database"),
    }]
}

fn judge(failed: &[JobRecord], now_ms: i64) -> Finding {
    // An imported job may not have been told when it failed.
    let is_recent = |job: &&JobRecord| now_ms - job.completed_at_ms.unwrap_or(job.created_at_ms) < RECENT_MS;
    let recent: Vec<&JobRecord> = failed.iter().filter(is_recent).collect();
    let Some(newest) = recent.first() else { return Finding::ok(FAILURES, "none failed in 24 h") };
    let mut reasons = BTreeMap::<&str, usize>::new();
    for job in &recent {
        *reasons.entry(job.error.as_deref().unwrap_or("no reason was kept")).or_default() += 1;
    }
    let mut reasons: Vec<_> = reasons.into_iter().collect();
    reasons.sort_by_key(|&(_, count)| std::cmp::Reverse(count));
    let told: Vec<_> =
        reasons.iter().take(REASONS_TOLD).map(|(reason, count)| format!("{count} × {reason}")).collect();
    let more = if failed.len() == LOOKED_AT as usize { " or more" } else { "" };
    Finding::warning(
        FAILURES,
        format!("{}{more} failed in 24 h: {}", recent.len(), told.join("; ")),
        format!(
            "Read one whole (`GET /simulations/{}`) and the log (`kubectl logs -f deployment/monte-carlo-service`); \
             once its cause is mended, post the same simulation again.",
            newest.id.0
        ),
    )
}
