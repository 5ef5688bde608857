//! Where `GET /simulations/:id` reads a job.

use std::sync::Arc;

use async_trait::async_trait;

use crate::jobs::ids::JobId;
use crate::store::{JobRecord, Store, StoreError};

/// One job, input and result whole; what it answers is what the store would.
#[async_trait]
pub trait JobReader: Send + Sync + 'static {
    /// `None` where there is no such job.
    async fn job(&self, id: &JobId) -> Result<Option<JobRecord>, StoreError>;
}

/// The store itself.
pub struct FromStore(pub Arc<dyn Store>);

#[async_trait]
impl JobReader for FromStore {
    async fn job(&self, id: &JobId) -> Result<Option<JobRecord>, StoreError> {
        self.0.job(id).await
    }
}
