//! Where paths are computed; the only room that knows.

pub mod local;

use std::sync::Arc;

use async_trait::async_trait;
use monte_carlo_engine::{Control, Plan, Tally};

/// Why there is no tally.
#[derive(Debug, thiserror::Error)]
pub enum SimulatorError {
    /// Stopped by the job's own [`Control`].
    #[error("the simulation was cancelled")]
    Cancelled,
    /// The engine panicked: a fault of ours.
    #[error("the engine failed: {0}")]
    Engine(String),
    /// The simulator cannot take work now.
    #[error("the simulator cannot be reached: {0}")]
    Unavailable(String),
}

/// Runs every shard of a plan and merges the tallies.
#[async_trait]
pub trait Simulator: Send + Sync + 'static {
    /// The merged tally of all of the plan's paths; `control` shows progress and cancels.
    async fn simulate(&self, plan: Arc<Plan>, control: Arc<Control>) -> Result<Tally, SimulatorError>;
    /// `local`, `ray`: the result's `executedOn`.
    fn name(&self) -> &'static str;
}
