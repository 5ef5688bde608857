//! `doctor`: examines each thing that the service needs, says what is wrong, and how to mend it.
//!
//! One file a thing: it asks, within a bound, and judges what it heard; the judgements are pure. A thing that is away
//! is one fault: what could only be seen with its help is unknown, not wrong.

mod core_service;
mod database;
mod jobs;
mod kafka;
mod ray;
mod redis;

use std::time::Duration;

use futures::future::BoxFuture;
use futures::join;
use serde::Serialize;

use crate::config::Config;
use crate::runtime::adapters;

/// Longest that one thing may take to be examined.
const BOUND: Duration = Duration::from_secs(15);

/// How one thing is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    Ok,
    /// Worth a look; the service works.
    Warning,
    /// The service does not work, or soon will not.
    Fault,
    /// Cannot be seen, because of a fault elsewhere.
    Unknown,
}

/// What was found of one thing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// `kafka.topics`, …: stable, for scripts.
    pub check: &'static str,
    pub state: State,
    /// What was seen; no secret.
    pub found: String,
    /// One sentence, with a warning or a fault.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mend: Option<String>,
}

impl Finding {
    fn ok(check: &'static str, found: impl Into<String>) -> Self {
        Self { check, state: State::Ok, found: found.into(), mend: None }
    }

    fn warning(check: &'static str, found: impl Into<String>, mend: impl Into<String>) -> Self {
        Self { check, state: State::Warning, found: found.into(), mend: Some(mend.into()) }
    }

    fn fault(check: &'static str, found: impl Into<String>, mend: impl Into<String>) -> Self {
        Self { check, state: State::Fault, found: found.into(), mend: Some(mend.into()) }
    }

    fn unknown(check: &'static str, because: &str) -> Self {
        Self { check, state: State::Unknown, found: because.to_owned(), mend: None }
    }
}

/// Everything that was found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Report {
    /// No fault; there may be warnings.
    pub healthy: bool,
    pub findings: Vec<Finding>,
}

impl Report {
    fn new(findings: Vec<Finding>) -> Self {
        let healthy = findings.iter().all(|finding| finding.state != State::Fault);
        Self { healthy, findings }
    }
}

/// Examines everything at once; ends within a quarter of a minute and a moment.
///
/// # Errors
/// Where a setting makes no client at all.
pub async fn examine(config: &Config) -> anyhow::Result<Report> {
    let store = adapters::connect_store(config)?;
    let core_service = adapters::connect_core_service(config, None)?;
    let link = adapters::connect_redis(&config.redis)?;
    let (database, jobs, kafka, redis, core_service, ray) = join!(
        bounded("database", Box::pin(database::examine(&*store))),
        bounded("jobs", Box::pin(jobs::examine(&*store))),
        bounded("kafka", Box::pin(kafka::examine(adapters::kafka_settings(config)))),
        bounded("redis", Box::pin(redis::examine(&link))),
        bounded("core_service", Box::pin(core_service::examine(&core_service))),
        bounded("ray", Box::pin(ray::examine(&config.simulator))),
    );
    Ok(Report::new([database, kafka, redis, core_service, ray, jobs].concat()))
}

async fn bounded(check: &'static str, examination: BoxFuture<'_, Vec<Finding>>) -> Vec<Finding> {
    let late = |_| {
        let found = format!("no answer within {} s", BOUND.as_secs());
        let mend = "Look whether it hangs, and whether a firewall swallows what is sent to it.";
        vec![Finding::fault(check, found, mend)]
    };
    tokio::time::timeout(BOUND, examination).await.unwrap_or_else(late)
}
