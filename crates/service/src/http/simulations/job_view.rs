//! A job as the API shows it: the specification's fields, then ours. What is absent is left out, never `null`.

use monte_carlo_engine::{EpochMs, PnlData, Report, SimulationConfig, Trade};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;
use utoipa::openapi::schema::Type;
use utoipa::openapi::{Array, Object, Ref, RefOr, Schema};

use crate::jobs::ids::JobId;
use crate::store::{JobRecord, JobStatus};

/// A simulation: ordered, running or done. What is absent is left out, never `null`.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Simulation)]
pub(in crate::http) struct JobView {
    /// Opaque.
    #[schema(value_type = String)]
    id: JobId,
    /// Of whom; exactly one of this and `fundedAccountId`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    assessment_id: Option<String>,
    /// Of whom; exactly one of this and `assessmentId`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    funded_account_id: Option<String>,
    #[schema(value_type = JobStatus)]
    status: &'static str,
    #[schema(schema_with = stored_input)]
    input_data: Value,
    /// Of a completed simulation.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Report, nullable = false)]
    result: Option<Value>,
    /// Of a job of the daily run that found nothing to simulate: it is completed, and has no result.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    skipped: Option<Skipped>,
    /// Of a failed job alone: a caller who sees it may stop waiting.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    error: Option<String>,
    /// Why a job that will be tried again failed last.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    last_error: Option<String>,
    #[schema(value_type = String, format = DateTime)]
    created_at: EpochMs,
    /// When it was first taken up.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String, format = DateTime)]
    started_at: Option<EpochMs>,
    /// When it was completed or failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String, format = DateTime)]
    completed_at: Option<EpochMs>,
    /// As asked for; what was not asked for took the service's defaults, which `result` names.
    #[schema(value_type = SimulationConfig)]
    config: Value,
    /// Share of the paths done.
    #[schema(minimum = 0.0, maximum = 1.0)]
    progress: f64,
    /// How often it was taken up.
    attempts: u32,
}

/// Why there was nothing to simulate.
#[derive(Serialize, ToSchema)]
struct Skipped {
    /// For programs.
    code: &'static str,
    /// For people.
    reason: String,
}

/// An input as a job holds it: empty until it was fetched, and without its trades in lists.
fn stored_input() -> Object {
    let whole = Object::builder().schema_type(Type::Object);
    let parts: [(_, RefOr<Schema>); 2] = [
        ("tradeHistory", Array::new(Ref::from_schema_name(Trade::name())).into()),
        ("pnlData", Ref::from_schema_name(PnlData::name()).into()),
    ];
    parts
    .into_iter()
    .fold(whole, |object, (name, schema)| object.property(name, schema))
    .property("tradeCount", Object::builder().schema_type(Type::Integer).description(Some("In lists, in place of the trades")))
    .description(Some("What is simulated (`InputData`): empty until it was fetched from Core Service, and without its trades in lists"))
    .build()
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
