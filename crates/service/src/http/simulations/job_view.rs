//! A job as the API shows it: the specification's fields, then ours. What is absent is left out, never `null`.

use monte_carlo_engine::EpochMs;
use serde::Serialize;
use serde_json::Value;

use crate::jobs::ids::JobId;
use crate::store::{JobRecord, JobStatus};

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(in crate::http) struct JobView {
    id: JobId,
    #[serde(skip_serializing_if = "Option::is_none")]
    assessment_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    funded_account_id: Option<String>,
    status: &'static str,
    input_data: Value,
    #[serde(skip_serializing_if = "Option::is_none")]
    result: Option<Value>,
    /// Of a job of the daily run that found nothing to simulate: it is completed, and has no result.
    #[serde(skip_serializing_if = "Option::is_none")]
    skipped: Option<Skipped>,
    /// Of a failed job alone: a caller who sees it may stop waiting.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
    /// Why a job that will be tried again failed last.
    #[serde(skip_serializing_if = "Option::is_none")]
    last_error: Option<String>,
    created_at: EpochMs,
    #[serde(skip_serializing_if = "Option::is_none")]
    started_at: Option<EpochMs>,
    #[serde(skip_serializing_if = "Option::is_none")]
    completed_at: Option<EpochMs>,
    config: Value,
    progress: f64,
    attempts: u32,
}

#[derive(Serialize)]
struct Skipped {
    /// For programs.
    code: &'static str,
    /// For people.
    reason: String,
}

impl From<JobRecord> for JobView {
    fn from(job: JobRecord) -> Self {
        let (error, last_error) = match job.status {
            JobStatus::Failed => (job.error, None),
            JobStatus::Pending | JobStatus::Running => (None, job.error),
            JobStatus::Completed => (None, None),
        };
        Self {
            assessment_id: job.subject.assessment_id().map(str::to_owned),
            funded_account_id: job.subject.funded_account_id().map(str::to_owned),
            id: job.id,
            status: job.status.as_str(),
            input_data: job.input_data,
            result: job.result,
            skipped: job.skipped.map(|reason| Skipped { code: reason.code(), reason: reason.to_string() }),
            error,
            last_error,
            created_at: EpochMs(job.created_at_ms),
            started_at: job.started_at_ms.map(EpochMs),
            completed_at: job.completed_at_ms.map(EpochMs),
            config: job.config,
            progress: job.progress,
            attempts: job.attempts,
        }
    }
}
