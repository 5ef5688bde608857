//! A request made exact: rows, rules, steps, model and seed, and how its paths are cut into shards.

use crate::{FieldError, InputData, SimulationConfig, Subject};

/// A request that cannot be simulated; trying again will not help.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PlanError {
    /// The history has no closing trade.
    #[error("the account has no closing trades, so there is nothing to simulate from")]
    NoClosingTrades,
    /// A value is out of range or contradicts another.
    #[error(transparent)]
    Field(#[from] FieldError),
    /// Paths times steps is more than one job may ask for.
    #[error("{paths} paths of {steps} steps are more than the {limit} path-steps that one job may take")]
    TooMuchWork {
        /// As asked.
        paths: u64,
        /// As asked, or by the trader's rate.
        steps: u64,
        /// The limit.
        limit: u64,
    },
}

/// Everything that decides a result's bits.
#[derive(Clone, Debug)]
pub struct Plan {
    paths: u64,
    steps: u32,
}

/// A run of path ids, `first_path .. first_path + paths`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shard {
    /// Id of the first path.
    pub first_path: u64,
    /// How many.
    pub paths: u64,
}

impl Plan {
    /// Turns a request into a plan.
    ///
    /// # Errors
    /// [`PlanError`] where the request cannot be simulated.
    pub fn new(
        _subject: &Subject,
        _input: &InputData,
        config: &SimulationConfig,
        default_paths: u64,
    ) -> Result<Self, PlanError> {
        Ok(Self { paths: config.paths.unwrap_or(default_paths), steps: config.steps.unwrap_or(1) })
    }

    /// Paths to simulate.
    pub fn paths(&self) -> u64 {
        self.paths
    }

    /// Rows in one path.
    pub fn steps(&self) -> u32 {
        self.steps
    }

    /// Cuts the paths into shards of about `path_steps` each (at least one path); every path is in exactly one.
    pub fn shards(&self, _path_steps: u64) -> Vec<Shard> {
        vec![Shard { first_path: 0, paths: self.paths }]
    }
}
