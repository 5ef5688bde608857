//! Jobs, and what the simulator of this process says of them.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use monte_carlo_engine::{Control, Execution, InputData, Plan, SimulationConfig, Subject, report};
use monte_carlo_service::core_service::client::install_tls_provider;
use monte_carlo_service::simulator::local::LocalSimulator;
use monte_carlo_service::simulator::ray::RaySimulator;
use monte_carlo_service::simulator::ray::limits::Limits;
use monte_carlo_service::simulator::{Assignment, Outcome, Request, Simulator, SimulatorError};
use reqwest::Url;
use serde_json::{Value, json};

/// Shards are cut as for a slow cluster, so that a small job has several; nothing is tried for long.
pub(crate) fn limits() -> Limits {
    Limits {
        trying: Duration::from_secs(20),
        old_pause: Duration::from_millis(20),
        path_steps_per_second: 1e6,
        ..Limits::default()
    }
}

pub(crate) fn job(config: Value) -> Assignment {
    let trades: Vec<_> = (0..60)
        .map(|day| {
            let pnl = [90, -70, 150, -160, 20][day % 5];
            json!({"id": day.to_string(), "pnl": pnl, "timestamp": day * 86_400_000})
        })
        .collect();
    let input: InputData = serde_json::from_value(json!({
        "tradeHistory": trades,
        "pnlData": {"balance": 50_360, "peak": 50_400, "realized": 360, "unrealized": 0},
    }))
    .expect("an input");
    let config: SimulationConfig = serde_json::from_value(config).expect("a configuration");
    let request =
        Request { subject: Subject::FundedAccount("acc-1".into()), input, config, default_paths: 10_000 };
    let plan =
        Plan::new(&request.subject, &request.input, &request.config, request.default_paths).expect("a plan");
    Assignment { request, plan: Arc::new(plan) }
}

/// A job of six to a dozen shards.
pub(crate) fn usual() -> Assignment {
    job(json!({"paths": 80_000, "steps": 100, "historyReplicates": 40}))
}

/// A client of the stand-in that may compute here.
pub(crate) fn client(url: &Url) -> RaySimulator {
    client_with(url, limits())
}

pub(crate) fn client_with(url: &Url, limits: Limits) -> RaySimulator {
    install_tls_provider();
    let local = LocalSimulator::new(1).expect("a thread");
    RaySimulator::new(url, Some(local), limits).expect("a client")
}

/// One that may not.
pub(crate) fn client_alone(url: &Url) -> RaySimulator {
    install_tls_provider();
    RaySimulator::new(url, None, limits()).expect("a client")
}

pub(crate) async fn outcome(client: &RaySimulator, job: &Assignment) -> Result<Outcome, SimulatorError> {
    client.simulate(job.clone(), Arc::default()).await
}

/// Where it was executed; the digest is that of this process.
pub(crate) async fn executed_on(client: &RaySimulator, job: &Assignment) -> &'static str {
    let control = Arc::new(Control::default());
    let outcome = client.simulate(job.clone(), control.clone()).await;
    let Outcome::Tally { tally, executed_on } = outcome.expect("an outcome") else { panic!("not a tally") };
    assert_eq!(
        control.paths_done.load(Ordering::Relaxed),
        job.plan.paths_in_all(),
        "progress ends where the work does"
    );
    let local = LocalSimulator::new(1).expect("a thread");
    let ours = local.run(job.plan.clone(), Arc::default()).await.expect("the engine works");
    let digest = |tally| {
        let execution = Execution { executed_on: String::new(), simulation_time_seconds: 0.0 };
        report(&job.plan, tally, &execution).result_digest
    };
    assert_eq!(digest(&tally), digest(&ours), "the same bits as here");
    executed_on
}
