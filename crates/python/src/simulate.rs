//! A whole simulation, in JSON: what an old deployment's `POST /simulate` takes, and more.

use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use monte_carlo_engine::{
    Cancelled, Control, Execution, InputData, Plan, PnlData, Shard, SimulationConfig, Subject, Tally,
    TierTerms, Trade, report, run_shard,
};
use pyo3::prelude::*;
use pyo3::types::PyBytes;
use serde::Deserialize;

use crate::cancel::{CancelFlag, control_of};
use crate::errors::Fault;
use crate::watch::watched;

/// About a quarter of a second on one core, so that threads end at about the same time.
const SHARD_PATH_STEPS: u64 = 50_000_000;

/// What stands for the subject of a request that names none; the seed comes from it.
const UNNAMED: &str = "unnamed";

/// The platform's words, in either of its dialects; unknown ones are passed over, as between neighbours everywhere.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Asked {
    #[serde(alias = "trade_history")]
    trade_history: Vec<Trade>,
    #[serde(alias = "pnl_data")]
    pnl_data: PnlData,
    #[serde(alias = "starting_balance")]
    starting_balance: Option<f64>,
    #[serde(alias = "total_withdrawals")]
    total_withdrawals: Option<f64>,
    tier: Option<TierTerms>,
    #[serde(alias = "max_drawdown")]
    max_drawdown: Option<f64>,
    #[serde(alias = "max_risk_per_trade")]
    max_risk_per_trade: Option<f64>,
    #[serde(alias = "assessment_id")]
    assessment_id: Option<String>,
    #[serde(alias = "funded_account_id")]
    funded_account_id: Option<String>,
    #[serde(default)]
    config: SimulationConfig,
}

impl Asked {
    /// The arguments of [`Plan::new`], less the default number of paths.
    fn into_parts(self) -> Result<(Subject, InputData, SimulationConfig), Fault> {
        let mut assumptions = Vec::new();
        let subject = match (self.assessment_id, self.funded_account_id) {
            (Some(id), None) => Subject::Assessment(id),
            (None, Some(id)) => Subject::FundedAccount(id),
            (None, None) => {
                let said = "The request names neither an assessment nor a funded account; a funded account is simulated.";
                assumptions.push(said.to_owned());
                Subject::FundedAccount(UNNAMED.to_owned())
            }
            (Some(_), Some(_)) => {
                let fault = "only one of `assessmentId` and `fundedAccountId` may be given";
                return Err(Fault::Request(fault.to_owned()));
            }
        };
        let input = InputData {
            trade_history: self.trade_history,
            pnl_data: self.pnl_data,
            starting_balance: self.starting_balance,
            total_withdrawals: self.total_withdrawals,
            tier: self.tier,
            max_drawdown: self.max_drawdown,
            max_risk_per_trade: self.max_risk_per_trade,
            assumptions,
        };
        Ok((subject, input, self.config))
    }
}

/// Simulates what the JSON text `request` asks for, over `threads` threads, and answers with the result as JSON.
#[pyfunction]
#[pyo3(signature = (
    request, cancel=None, *, executed_on="python", default_paths=1_000_000, threads=1, timeout_seconds=None,
))]
pub(crate) fn simulate_json<'py>(
    py: Python<'py>,
    request: &Bound<'py, PyBytes>,
    cancel: Option<&CancelFlag>,
    executed_on: &str,
    default_paths: u64,
    threads: usize,
    timeout_seconds: Option<f64>,
) -> PyResult<Bound<'py, PyBytes>> {
    let (text, control) = (request.as_bytes(), control_of(cancel));
    let time = timeout_seconds.and_then(|seconds| Duration::try_from_secs_f64(seconds.max(0.0)).ok());
    let answer = watched(py, &control, time, || {
        let began = Instant::now();
        let (subject, input, config) = read(text)?;
        let plan = Plan::new(&subject, &input, &config, default_paths)?;
        let tally = run(&plan, &control, threads.max(1))?;
        let execution = Execution {
            executed_on: executed_on.to_owned(),
            simulation_time_seconds: began.elapsed().as_secs_f64(),
        };
        serde_json::to_vec(&report(&plan, &tally, &execution))
            .map_err(|error| Fault::Request(error.to_string()))
    })?;
    Ok(PyBytes::new(py, &answer))
}

/// Reads a request in JSON.
pub(crate) fn read(text: &[u8]) -> Result<(Subject, InputData, SimulationConfig), Fault> {
    // Derived readers take arrays for structs, by position.
    if text.trim_ascii_start().first() == Some(&b'[') {
        return Err(Fault::Request("the request must be a JSON object".to_owned()));
    }
    let asked: Asked = serde_json::from_slice(text).map_err(|error| Fault::Request(error.to_string()))?;
    asked.into_parts()
}

/// All that a plan needs, stage by stage, over this many threads.
fn run(plan: &Plan, control: &Control, threads: usize) -> Result<Tally, Fault> {
    let mut merged = None;
    loop {
        let shards = plan.next_stage(merged.as_ref(), SHARD_PATH_STEPS);
        if shards.is_empty() {
            return merged.ok_or_else(|| Fault::Panicked("a plan had no shards".to_owned()));
        }
        merged = run_stage(plan, &shards, merged, control, threads)?;
    }
}

/// Adds these shards to what is `merged` already; tallies merge in any order.
fn run_stage(
    plan: &Plan,
    shards: &[Shard],
    merged: Option<Tally>,
    control: &Control,
    threads: usize,
) -> Result<Option<Tally>, Cancelled> {
    let (next, merged) = (AtomicUsize::new(0), Mutex::new(merged));
    let take_shards = || -> Result<(), Cancelled> {
        while let Some(&shard) = shards.get(next.fetch_add(1, Ordering::Relaxed)) {
            let tally = run_shard(plan, shard, control)?;
            let mut merged = merged.lock().unwrap_or_else(PoisonError::into_inner);
            match merged.as_mut() {
                Some(sum) => sum.merge(&tally),
                None => *merged = Some(tally),
            }
        }
        Ok(())
    };
    thread::scope(|scope| {
        let helpers = threads.min(shards.len()).saturating_sub(1);
        let helpers: Vec<_> = (0..helpers).map(|_| scope.spawn(take_shards)).collect();
        let mut outcome = take_shards();
        for helper in helpers {
            // A panic goes on in this thread, whose end the caller awaits.
            outcome = outcome.and(helper.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)));
        }
        outcome
    })?;
    Ok(merged.into_inner().unwrap_or_else(PoisonError::into_inner))
}
