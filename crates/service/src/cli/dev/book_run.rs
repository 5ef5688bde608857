//! Follows the sample book through the service, from its events to its results.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::outcome::Outcome;
use crate::sample_core::book::Book;
use crate::store::{JobFilter, JobRecord, JobStatus, Store, StoreError};

/// Between two looks at the jobs.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// Waits until every passed trader's job has ended; shows a bar meanwhile where a person watches.
pub(super) async fn follow(book: &Book, store: &dyn Store) -> Result<Vec<Outcome>, StoreError> {
    let passed: Vec<_> = book.passed().collect();
    let bar = ProgressBar::with_draw_target(Some(passed.len() as u64), ProgressDrawTarget::stderr());
    if let Ok(style) = ProgressStyle::with_template("{pos}/{len} {wide_bar} {elapsed} {msg}") {
        bar.set_style(style);
    }
    let mut outcomes = Vec::with_capacity(passed.len());
    for trader in passed {
        let job = ended(store, &trader.assessment_id).await?;
        let outcome = Outcome {
            assessment_id: trader.assessment_id.clone(),
            trader: format!("{} {}", trader.assessment_id, trader.name),
            tier: trader.tier.name.clone().unwrap_or_default(),
            trades: job.result.as_ref().and_then(|result| result["tradesAnalyzed"].as_u64()),
            job_id: job.id.0,
            status: job.status.as_str(),
            error: (job.status == JobStatus::Failed).then_some(job.error).flatten(),
            result: job.result.unwrap_or_default(),
        };
        bar.set_message(format!("{}: {}", outcome.trader, outcome.breach_text()));
        bar.inc(1);
        outcomes.push(outcome);
    }
    bar.finish_and_clear();
    Ok(outcomes)
}

/// The assessment's oldest job, the one that its event made, once it has ended.
async fn ended(store: &dyn Store, assessment_id: &str) -> Result<JobRecord, StoreError> {
    const JOBS_MAX: u32 = 200;
    let filter = JobFilter { assessment_id: Some(assessment_id.to_owned()), ..JobFilter::default() };
    loop {
        if let Some(job) = store.jobs(&filter, JOBS_MAX, None).await?.pop()
            && matches!(job.status, JobStatus::Completed | JobStatus::Failed)
        {
            return Ok(job);
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}
