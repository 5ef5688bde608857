//! Where paths are computed, and how many.

use monte_carlo_engine::MAX_PATHS;
use reqwest::Url;

use super::forms::{base_url, number};
use super::reader::Reader;
use super::variable::{Preset, Variable};

/// The most threads of the pool; beyond the cores they only take turns.
const THREADS_MAX: usize = 1_024;

pub const SIMULATOR: Variable = Variable::ours(
    "SIMULATOR",
    Preset::Value("local"),
    "`local`",
    "Where paths are computed; `local` is this process.",
);
pub const RAY_SERVE_URL: Variable = Variable::specified(
    "RAY_SERVE_URL",
    Preset::Value("http://ray-head-svc:8000"),
    "an `http://` or `https://` URL without credentials or query",
    "Ray Serve endpoint.",
);
pub const SIMULATION_PATHS: Variable = Variable::ours(
    "SIMULATION_PATHS",
    Preset::Value("1000000"),
    "a whole number from 1 to 100000000",
    "Paths of a simulation whose request does not name a number.",
);
pub const SIMULATION_THREADS: Variable = Variable::ours(
    "SIMULATION_THREADS",
    Preset::Found("number of cores"),
    "a whole number from 1 to 1024",
    "Threads that compute paths.",
);

/// Where paths are computed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SimulatorKind {
    /// In this process.
    Local,
}

/// Simulation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SimulatorConfig {
    pub kind: SimulatorKind,
    pub ray_serve_url: Url,
    pub default_paths: u64,
    /// At least 1.
    pub threads: usize,
}

impl SimulatorConfig {
    pub(super) fn read(reader: &Reader<'_>) -> Option<Self> {
        let kind = reader.read(&SIMULATOR, |text| (text == "local").then_some(SimulatorKind::Local));
        let ray_serve_url = reader.read(&RAY_SERVE_URL, base_url);
        let default_paths = reader.read(&SIMULATION_PATHS, number(1..=MAX_PATHS));
        let threads = reader.read_optional(&SIMULATION_THREADS, number(1..=THREADS_MAX));
        Some(Self {
            kind: kind?,
            ray_serve_url: ray_serve_url?,
            default_paths: default_paths?,
            threads: threads?.unwrap_or_else(cores),
        })
    }
}

/// The cores that this process may use: knows of affinity and of a container's CPU quota.
fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, |cores| cores.get().min(THREADS_MAX))
}
