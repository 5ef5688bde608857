//! Jobs of the sample book's traders, as the service would make them.

use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::Duration;

use monte_carlo_engine::{InputData, Plan, SimulationConfig, Subject};
use monte_carlo_service::core_service::client::{
    CoreServiceClient, CoreServiceSettings, install_tls_provider,
};
use monte_carlo_service::sample_core::book;
use monte_carlo_service::sample_core::server::{Dialect, SampleCore};
use monte_carlo_service::simulator::{Assignment, Request};
use monte_carlo_service::telemetry::trace_context::TraceContext;
use serde_json::Value;

use crate::Failure;

/// What a simulator is given.
pub(crate) type Job = Assignment;

/// Traders with a history, whose jobs can be simulated.
pub(crate) struct Book(Vec<(Subject, InputData)>);

impl Book {
    /// The sample book, asked of a Core Service as any other.
    pub(crate) async fn read() -> Result<Self, Failure> {
        install_tls_provider();
        let book = book::Book::sample();
        let core = SampleCore::start(book.clone(), (Ipv4Addr::LOCALHOST, 0).into(), None).await?;
        let client = CoreServiceClient::new(&CoreServiceSettings {
            base_url: core.url(Dialect::Wrapped),
            token: None,
            timeout: Duration::from_secs(10),
        })?;
        let trace = TraceContext::continue_from(None, None, None);
        let mut traders = Vec::new();
        for trader in &book.traders {
            let subject = Subject::Assessment(trader.assessment_id.clone());
            // Some of the book's traders are there to be refused.
            let Ok(input) = client.gather(&subject, &trace).await else { continue };
            if Plan::new(&subject, &input, &SimulationConfig::default(), 1).is_ok() {
                traders.push((subject, input));
            }
        }
        if traders.is_empty() { Err("the sample book is empty".into()) } else { Ok(Self(traders)) }
    }

    /// A job of one of them; after the last comes the first.
    pub(crate) fn job(&self, trader: usize, config: &Value) -> Result<Job, Failure> {
        let (subject, input) = self.0[trader % self.0.len()].clone();
        let config: SimulationConfig = serde_json::from_value(config.clone())?;
        let plan = Plan::new(&subject, &input, &config, 1)?;
        let request = Request { subject, input, config, default_paths: 1 };
        Ok(Assignment { request, plan: Arc::new(plan) })
    }
}
