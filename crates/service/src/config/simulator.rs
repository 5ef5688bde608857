//! Where paths are computed, and how many.

use monte_carlo_engine::{MAX_PATHS, SimulationConfig};
use reqwest::Url;

use super::forms::{base_url, number};
use super::reader::Reader;
use super::variable::{Preset, Variable};

/// The most threads of the pool; beyond the cores they only take turns.
const THREADS_MAX: usize = 1_024;

pub const SIMULATOR: Variable = Variable::ours(
    "SIMULATOR",
    Preset::Value("ray"),
    "`ray` or `local`",
    "Where paths are computed: on Ray Serve, at `RAY_SERVE_URL`, or in this process. `dev` presets `local`.",
);
pub const SIMULATOR_FALLBACK: Variable = Variable::ours(
    "SIMULATOR_FALLBACK",
    Preset::Value("local"),
    "`local` or `none`",
    "What computes a job that Ray Serve cannot: this process, to the same bits, or nothing until Ray is back.",
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
pub const SIMULATION_HISTORY_REPLICATES: Variable = Variable::ours(
    "SIMULATION_HISTORY_REPLICATES",
    Preset::Found("200 to 400, by paths"),
    "0, or a whole number from 40 to 2000",
    "Weighted histories of a simulation whose request does not name a number: 512 paths each, beside its own. 0 leaves the \
     history's error out.",
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
    /// On Ray Serve.
    Ray(Fallback),
}

/// What computes a job that Ray Serve cannot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fallback {
    /// This process.
    Local,
    /// Nothing: jobs wait.
    Nothing,
}

/// Simulation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SimulatorConfig {
    pub kind: SimulatorKind,
    pub ray_serve_url: Url,
    pub default_paths: u64,
    /// `None`: as the engine has it.
    pub default_history_replicates: Option<u32>,
    /// At least 1.
    pub threads: usize,
}

impl SimulatorConfig {
    pub(super) fn read(reader: &Reader<'_>) -> Option<Self> {
        let fallback = reader.read(&SIMULATOR_FALLBACK, |text| match text {
            "local" => Some(Fallback::Local),
            "none" => Some(Fallback::Nothing),
            _ => None,
        });
        let kind = reader.read(&SIMULATOR, |text| match text {
            "local" => Some(SimulatorKind::Local),
            // Where the other variable is wrong there is no configuration anyhow.
            "ray" => Some(SimulatorKind::Ray(fallback.unwrap_or(Fallback::Local))),
            _ => None,
        });
        let ray_serve_url = reader.read(&RAY_SERVE_URL, base_url);
        let default_paths = reader.read(&SIMULATION_PATHS, number(1..=MAX_PATHS));
        let default_history_replicates = reader.read_optional(&SIMULATION_HISTORY_REPLICATES, replicates);
        let threads = reader.read_optional(&SIMULATION_THREADS, number(1..=THREADS_MAX));
        fallback?;
        Some(Self {
            kind: kind?,
            ray_serve_url: ray_serve_url?,
            default_paths: default_paths?,
            default_history_replicates: default_history_replicates?,
            threads: threads?.unwrap_or_else(cores),
        })
    }
}

/// As a request may ask for them.
fn replicates(text: &str) -> Option<u32> {
    let replicates = text.parse().ok()?;
    let config = SimulationConfig { history_replicates: Some(replicates), ..SimulationConfig::default() };
    config.validate().is_ok().then_some(replicates)
}

/// The cores that this process may use: knows of affinity and of a container's CPU quota.
fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, |cores| cores.get().min(THREADS_MAX))
}
