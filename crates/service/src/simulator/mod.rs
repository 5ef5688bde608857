//! Where paths are computed; the only room that knows.

pub mod local;
pub mod ray;

use std::sync::Arc;

use async_trait::async_trait;
use monte_carlo_engine::{Control, InputData, Plan, SimulationConfig, Subject, Tally};
use serde_json::Value;

/// Why there is no outcome.
#[derive(Debug, thiserror::Error)]
pub enum SimulatorError {
    /// Stopped by the job's own [`Control`].
    #[error("the simulation was cancelled")]
    Cancelled,
    /// The engine panicked, or a shard was lost again and again: a fault of ours, that may pass.
    #[error("the engine failed: {0}")]
    Engine(String),
    /// The engine fails at this job wherever it runs.
    #[error("the engine cannot simulate this job: {0}")]
    Poison(String),
    /// The request cannot be simulated.
    #[error("{}{message}", field.as_ref().map_or_else(String::new, |field| format!("{field}: ")))]
    Refused { message: String, field: Option<String> },
    /// The attempt's time is over.
    #[error("the simulation was not done in the time of one attempt")]
    Late,
    /// The simulator cannot take work now.
    #[error("the simulator cannot be reached: {0}")]
    Unavailable(String),
}

/// What was asked, as another machine needs it: the arguments of [`Plan::new`].
#[derive(Clone, Debug)]
pub struct Request {
    pub subject: Subject,
    pub input: InputData,
    pub config: SimulationConfig,
    /// Paths, where the configuration says nothing.
    pub default_paths: u64,
}

/// One job for a simulator.
#[derive(Clone, Debug)]
pub struct Assignment {
    pub request: Request,
    /// Of that request.
    pub plan: Arc<Plan>,
}

/// What a simulator found.
#[derive(Debug)]
pub enum Outcome {
    /// The merged tally of all of the plan's paths.
    Tally {
        tally: Box<Tally>,
        /// `local`, `ray`, or `ray+local` where this process finished what Ray had begun: the result's `executedOn`.
        executed_on: &'static str,
    },
    /// A whole result of an application that is not this engine, marked as such.
    Foreign(Value),
}

impl Outcome {
    fn tally(tally: Tally, executed_on: &'static str) -> Self {
        Self::Tally { tally: Box::new(tally), executed_on }
    }
}

/// Simulates all of a plan's paths.
#[async_trait]
pub trait Simulator: Send + Sync + 'static {
    /// What came of the assignment; `control` shows progress and cancels.
    async fn simulate(
        &self,
        assignment: Assignment,
        control: Arc<Control>,
    ) -> Result<Outcome, SimulatorError>;
}
