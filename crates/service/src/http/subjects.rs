//! Whether an assessment or account exists; Core Service knows.

use async_trait::async_trait;
use monte_carlo_engine::Subject;

/// What Core Service says of a subject.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Existence {
    Exists,
    NotFound,
    /// It cannot be asked now; the worker will find out.
    Unknown,
}

/// Asks Core Service. Its own faults are [`Existence::Unknown`]: whether to accept a job must not hang on them.
#[async_trait]
pub trait SubjectLookup: Send + Sync + 'static {
    async fn exists(&self, subject: &Subject) -> Existence;
}
