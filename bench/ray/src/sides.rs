//! The two simulators that are compared.

use std::sync::Arc;

use monte_carlo_engine::wire::{RequestDocument, tally_to_bytes};
use monte_carlo_engine::{Control, Execution, Tally, report};
use monte_carlo_service::simulator::local::LocalSimulator;
use monte_carlo_service::simulator::ray::RaySimulator;
use monte_carlo_service::simulator::ray::limits::Limits;
use monte_carlo_service::simulator::{Outcome, Simulator};

use crate::Failure;
use crate::jobs::Job;

/// Threads here, as many as Ray is given replicas of one core.
const THREADS: usize = 2;

/// Where a job runs.
#[derive(Clone, Copy)]
pub(crate) enum Side {
    Here,
    Ray,
}

/// This process and Ray.
pub(crate) struct Sides {
    here: LocalSimulator,
    ray: RaySimulator,
}

impl Sides {
    /// Nothing falls back: what Ray does not do is a failure.
    pub(crate) fn new(url: &str) -> Result<Self, Failure> {
        monte_carlo_service::core_service::client::install_tls_provider();
        let ray = RaySimulator::new(&url.parse()?, None, Limits::default())?;
        Ok(Self { here: LocalSimulator::new(THREADS)?, ray })
    }

    /// What came of it.
    pub(crate) async fn run(&self, side: Side, job: &Job) -> Result<Tally, Failure> {
        let simulator: &dyn Simulator = match side {
            Side::Here => &self.here,
            Side::Ray => &self.ray,
        };
        match simulator.simulate(job.clone(), Arc::new(Control::default())).await? {
            Outcome::Tally { tally, .. } => Ok(*tally),
            Outcome::Foreign(_) => Err("an application of another kind answered".into()),
        }
    }

    /// Each side once, for what is made only once.
    pub(crate) async fn both(&self, job: &Job) -> Result<(), Failure> {
        for side in [Side::Here, Side::Ray] {
            self.run(side, job).await?;
        }
        Ok(())
    }
}

/// By which results are compared.
pub(crate) fn digest(job: &Job, tally: &Tally) -> String {
    let execution = Execution { executed_on: String::new(), simulation_time_seconds: 0.0 };
    report(&job.plan, tally, &execution).result_digest
}

/// The frames of a job of one shard, there and back.
pub(crate) fn frame_bytes(job: &Job, tally: &Tally) -> Result<[usize; 2], Failure> {
    let request = &job.request;
    let document =
        RequestDocument::new(&request.subject, &request.input, &request.config, request.default_paths)?;
    let shards = job.plan.next_stage(None, u64::MAX);
    let [shard] = shards.as_slice() else { return Err("the job has more than one shard".into()) };
    Ok([document.frame(*shard, 0).len(), tally_to_bytes(&job.plan, *shard, tally).len()])
}
