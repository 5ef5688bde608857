//! Jobs, clients, and what is true of a job that is done.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use futures::future::join_all;
use monte_carlo_engine::{Control, Execution, Plan, SimulationConfig, Subject, Tally, report};
use monte_carlo_service::core_service::client::{
    CoreServiceClient, CoreServiceSettings, install_tls_provider,
};
use monte_carlo_service::sample_core::book::Book;
use monte_carlo_service::sample_core::server::{Dialect, SampleCore};
use monte_carlo_service::simulator::local::LocalSimulator;
use monte_carlo_service::simulator::ray::RaySimulator;
use monte_carlo_service::simulator::ray::limits::Limits;
use monte_carlo_service::simulator::{Assignment, Outcome, Request, Simulator};
use monte_carlo_service::telemetry::trace_context::TraceContext;
use serde_json::{Value, json};

/// Where the Ray is that all tests share; nobody breaks it.
pub(crate) fn shared_ray() -> String {
    required("TEST_RAY_URL")
}

#[expect(clippy::disallowed_methods, reason = "where the tests are told of the server")]
pub(crate) fn required(variable: &str) -> String {
    std::env::var(variable).unwrap_or_else(|_| panic!("{variable} is not set: run ./test ray"))
}

/// Small shards, so that a job of a test has several.
pub(crate) fn limits() -> Limits {
    Limits { path_steps_per_second: 20e6, ..Limits::default() }
}

/// A client that computes nothing by itself: what comes back, Ray has computed.
pub(crate) fn client(url: &str) -> RaySimulator {
    client_with(url, None, limits())
}

pub(crate) fn client_with(url: &str, fallback: Option<LocalSimulator>, limits: Limits) -> RaySimulator {
    install_tls_provider();
    RaySimulator::new(&url.parse().expect("a URL"), fallback, limits).expect("a client")
}

/// The jobs of the sample book's first traders.
pub(crate) async fn jobs(count: usize, config: &Value) -> Vec<Assignment> {
    install_tls_provider();
    let book = Book::sample();
    let core = SampleCore::start(book.clone(), ([127, 0, 0, 1], 0).into(), None).await.expect("a port");
    let core_service = CoreServiceClient::new(&CoreServiceSettings {
        base_url: core.url(Dialect::Wrapped),
        token: None,
        timeout: Duration::from_secs(10),
    })
    .expect("a client");
    let trace = TraceContext::continue_from(None, None, None);
    let config: SimulationConfig = serde_json::from_value(config.clone()).expect("a configuration");
    let mut jobs = Vec::new();
    for trader in &book.traders {
        let subject = Subject::Assessment(trader.assessment_id.clone());
        let Ok(input) = core_service.gather(&subject, &trace).await else { continue };
        let Ok(plan) = Plan::new(&subject, &input, &config, 100_000) else { continue };
        let request = Request { subject, input, config: config.clone(), default_paths: 100_000 };
        jobs.push(Assignment { request, plan: Arc::new(plan) });
        if jobs.len() == count {
            break;
        }
    }
    assert_eq!(jobs.len(), count, "the book has so many traders");
    jobs
}

/// Jobs of some seconds of two cores.
pub(crate) async fn long_jobs(count: usize) -> Vec<Assignment> {
    jobs(count, &json!({"paths": 2_000_000, "steps": 200, "historyReplicates": 40})).await
}

pub(crate) async fn digest(simulator: &dyn Simulator, job: &Assignment, wanted: &str) -> String {
    let (executed_on, digest) = executed(simulator, job, &Arc::default()).await;
    assert_eq!(executed_on, wanted);
    digest
}

/// Where it was executed, and the digest of its result.
pub(crate) async fn executed(
    simulator: &dyn Simulator,
    job: &Assignment,
    control: &Arc<Control>,
) -> (&'static str, String) {
    let outcome = simulator.simulate(job.clone(), control.clone()).await.expect("an outcome");
    let Outcome::Tally { tally, executed_on } = outcome else { panic!("not a tally") };
    assert_eq!(control.paths_done.load(Ordering::Relaxed), job.plan.paths_in_all());
    (executed_on, digest_of(job, &tally))
}

pub(crate) fn digest_of(job: &Assignment, tally: &Tally) -> String {
    let execution = Execution { executed_on: String::new(), simulation_time_seconds: 0.0 };
    report(&job.plan, tally, &execution).result_digest
}

/// Runs `jobs` on Ray, and `fault` once the first has come some way; all are done, and have the bits that they have here.
pub(crate) async fn survive(ray: &RaySimulator, jobs: &[Assignment], fault: impl Future<Output = ()>) {
    let controls: Vec<Arc<Control>> = jobs.iter().map(|_| Arc::default()).collect();
    let runs = jobs.iter().zip(&controls).map(|(job, control)| executed(ray, job, control));
    let fault = async {
        begun(&controls[0]).await;
        fault.await;
    };
    let (done, ()) = tokio::join!(join_all(runs), fault);
    for (job, (executed_on, on_ray)) in jobs.iter().zip(done) {
        assert_eq!((executed_on, on_ray), ("ray", here(job).await));
    }
}

/// The digest of what this process computes.
pub(crate) async fn here(job: &Assignment) -> String {
    digest(&LocalSimulator::new(2).expect("threads"), job, "local").await
}

/// Waits for a job's first shard.
pub(crate) async fn begun(control: &Control) {
    while control.paths_done.load(Ordering::Relaxed) == 0 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}
