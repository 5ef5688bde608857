//! Whether an assessment or account exists; Core Service knows.

use async_trait::async_trait;
use monte_carlo_engine::Subject;

use crate::core_service::client::CoreServiceClient;
pub use crate::core_service::client::Existence;
use crate::telemetry::trace_context::TraceContext;

/// Asks Core Service. Its own faults are [`Existence::Unknown`]: whether to accept a job must not hang on them.
#[async_trait]
pub trait SubjectLookup: Send + Sync + 'static {
    async fn exists(&self, subject: &Subject, trace: &TraceContext) -> Existence;
}

#[async_trait]
impl SubjectLookup for CoreServiceClient {
    async fn exists(&self, subject: &Subject, trace: &TraceContext) -> Existence {
        Self::exists(self, subject, trace).await
    }
}
