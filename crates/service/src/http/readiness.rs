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
    /// What is wrong, as anybody may read it.
    pub fault: Option<&'static str>,
    /// A phrase for operators, who ask for it: it may name an address, never a secret, never SQL.
    pub detail: String,
}

/// Why a dependency is not there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Absence {
    /// For anybody; a text that was written beforehand names no address.
    pub fault: &'static str,
    /// For operators.
    pub detail: String,
}

impl Absence {
    /// With all that an operator should know.
    pub fn new(fault: &'static str, detail: String) -> Self {
        Self { fault, detail }
    }

    /// Of which there is no more to say.
    pub fn plain(fault: &'static str) -> Self {
        Self::new(fault, fault.to_owned())
    }
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
    /// `Ok` with a phrase if it is there.
    async fn probe(&self) -> Result<String, Absence>;
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
        let answer = answer.unwrap_or_else(|_| {
            Err(Absence::new("no answer in time", format!("no answer in {} ms", self.timeout.as_millis())))
        });
        let (ok, fault, detail) = match answer {
            Ok(detail) => (true, None, detail),
            Err(Absence { fault, detail }) => (false, Some(fault), detail),
        };
        Check { name: probe.name(), required: probe.required(), ok, fault, detail }
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

    async fn probe(&self) -> Result<String, Absence> {
        let away = |fault| {
            tracing::warn!(error = %fault, "the database is not ready");
            Absence::plain("cannot be reached")
        };
        self.0.ping().await.map_err(away)?;
        match self.0.is_migrated().await.map_err(away)? {
            true => Ok("reachable and migrated".to_owned()),
            false => Err(Absence::plain("migrations are missing")),
        }
    }
}
