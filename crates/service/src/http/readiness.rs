//! What `GET /ready` asks: each dependency by its own probe, all at once, each bounded in time.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use futures::future::join_all;

use crate::store::Store;

/// How one dependency is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Check {
    pub name: &'static str,
    /// Without it the service is not ready.
    pub required: bool,
    pub ok: bool,
    /// A phrase that anybody may read: no address, no SQL.
    pub detail: String,
}

/// Knows how the dependencies are. Answers within a bounded time.
#[async_trait]
pub trait Readiness: Send + Sync + 'static {
    async fn checks(&self) -> Vec<Check>;
}

/// Asks one dependency.
#[async_trait]
pub trait Probe: Send + Sync + 'static {
    /// `database`, `kafka`, …
    fn name(&self) -> &'static str;
    /// Without it the service is not ready.
    fn required(&self) -> bool;
    /// `Ok` with a phrase if it is there, `Err` with one if not; anybody may read both.
    async fn probe(&self) -> Result<String, String>;
}

/// Asks all dependencies at once and waits for none longer than `timeout`.
pub struct Probes {
    probes: Vec<Arc<dyn Probe>>,
    timeout: Duration,
}

impl Probes {
    pub fn new(probes: Vec<Arc<dyn Probe>>, timeout: Duration) -> Self {
        Self { probes, timeout }
    }

    async fn check(&self, probe: &dyn Probe) -> Check {
        let answer = tokio::time::timeout(self.timeout, probe.probe()).await;
        let answer = answer.unwrap_or_else(|_| Err(format!("no answer in {} ms", self.timeout.as_millis())));
        let ok = answer.is_ok();
        let (Ok(detail) | Err(detail)) = answer;
        Check { name: probe.name(), required: probe.required(), ok, detail }
    }
}

#[async_trait]
impl Readiness for Probes {
    async fn checks(&self) -> Vec<Check> {
        join_all(self.probes.iter().map(|probe| self.check(probe.as_ref()))).await
    }
}

/// The database: required, and its migrations with it.
pub struct DatabaseProbe(pub Arc<dyn Store>);

#[async_trait]
impl Probe for DatabaseProbe {
    fn name(&self) -> &'static str {
        "database"
    }

    fn required(&self) -> bool {
        true
    }

    async fn probe(&self) -> Result<String, String> {
        let logged = |fault| tracing::warn!(error = %fault, "the database is not ready");
        self.0.ping().await.map_err(logged).map_err(|()| "cannot be reached".to_owned())?;
        match self.0.is_migrated().await.map_err(logged) {
            Ok(true) => Ok("reachable and migrated".to_owned()),
            Ok(false) => Err("migrations are missing".to_owned()),
            Err(()) => Err("cannot be reached".to_owned()),
        }
    }
}
