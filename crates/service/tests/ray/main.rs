//! The client of Ray Serve and the real application under a real `serve run`: real traders' jobs have the bits on Ray that
//! they have here. `./test ray` says where it is.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use futures::future::join_all;
use monte_carlo_engine::{Control, Execution, Plan, SimulationConfig, Subject, report};
use monte_carlo_service::core_service::client::{
    CoreServiceClient, CoreServiceSettings, install_tls_provider,
};
use monte_carlo_service::sample_core::book::Book;
use monte_carlo_service::sample_core::server::{Dialect, SampleCore};
use monte_carlo_service::simulator::local::LocalSimulator;
use monte_carlo_service::simulator::ray::RaySimulator;
use monte_carlo_service::simulator::ray::limits::Limits;
use monte_carlo_service::simulator::{Assignment, Outcome, Request, Simulator, SimulatorError};
use monte_carlo_service::telemetry::trace_context::TraceContext;
use serde_json::{Value, json};

/// Small shards, so that a job of a test has several.
const LIMITS_RATE: f64 = 20e6;

/// A client that computes nothing by itself: what comes back, Ray has computed.
#[expect(clippy::disallowed_methods, reason = "where the tests are told of the server")]
fn client() -> RaySimulator {
    install_tls_provider();
    let url = std::env::var("TEST_RAY_URL").expect("TEST_RAY_URL is not set: run ./test ray");
    let limits = Limits { path_steps_per_second: LIMITS_RATE, ..Limits::default() };
    RaySimulator::new(&url.parse().expect("a URL"), None, limits).expect("a client")
}

/// The jobs of the sample book's first traders.
async fn jobs(count: usize, config: &Value) -> Vec<Assignment> {
    install_tls_provider();
    let book = Book::sample();
    let core = SampleCore::start(book.clone(), ([127, 0, 0, 1], 0).into(), None).await.expect("a port");
    let core_service = CoreServiceClient::new(&CoreServiceSettings {
        base_url: core.url(Dialect::Wrapped),
        token: None,
        timeout: std::time::Duration::from_secs(10),
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

async fn digest(simulator: &dyn Simulator, job: &Assignment, wanted: &str) -> String {
    let control = Arc::new(Control::default());
    let outcome = simulator.simulate(job.clone(), control.clone()).await.expect("an outcome");
    let Outcome::Tally { tally, executed_on } = outcome else { panic!("not a tally") };
    assert_eq!(executed_on, wanted);
    assert_eq!(control.paths_done.load(Ordering::Relaxed), job.plan.paths_in_all());
    let execution = Execution { executed_on: String::new(), simulation_time_seconds: 0.0 };
    report(&job.plan, &tally, &execution).result_digest
}

async fn same_on_both(jobs: &[Assignment]) {
    let (ray, local) = (client(), LocalSimulator::new(2).expect("threads"));
    let on_ray = join_all(jobs.iter().map(|job| digest(&ray, job, "ray"))).await;
    for (job, on_ray) in jobs.iter().zip(on_ray) {
        assert_eq!(on_ray, digest(&local, job, "local").await, "{}", job.request.subject.id());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn traders_of_the_book_have_the_same_bits_on_ray_and_here() {
    same_on_both(&jobs(8, &json!({"paths": 100_000})).await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn so_have_jobs_of_every_shape() {
    for config in [
        json!({"paths": 50_000, "level": "day", "rules": "assessment"}),
        json!({"paths": 50_000, "model": "iid", "sizing": "fixed", "seed": 7}),
        json!({"tolerance": {"metric": "breachProbability", "standardError": 0.002, "maxPaths": 500_000}}),
    ] {
        same_on_both(&jobs(2, &config).await).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_that_is_stopped_leaves_ray_free_for_others() {
    let (ray, large, small) = (
        client(),
        jobs(1, &json!({"paths": 50_000_000, "steps": 2_000})).await.remove(0),
        jobs(1, &json!({"paths": 10_000})).await.remove(0),
    );
    let control = Arc::new(Control::default());
    let stop = async {
        while control.paths_done.load(Ordering::Relaxed) == 0 {
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
        control.cancel.store(true, Ordering::Relaxed);
    };
    let (outcome, ()) = tokio::join!(ray.simulate(large, control.clone()), stop);
    assert!(matches!(outcome, Err(SimulatorError::Cancelled)), "{outcome:?}");
    digest(&ray, &small, "ray").await;
}
