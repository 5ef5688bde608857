//! One shard of a job, in frames.

use std::time::Duration;

use monte_carlo_engine::Shard;
use monte_carlo_engine::wire::{RequestDocument, ShardRequest, tally_to_bytes};
use pyo3::prelude::*;
use pyo3::types::PyBytes;

use crate::cancel::{CancelFlag, control_of};
use crate::errors::Fault;
use crate::plans::plan_of;
use crate::simulate::read;
use crate::watch::watched;

/// Simulates the shard that `frame` asks for and answers with its tally, as a frame.
///
/// It ends when the time that the frame gives it is over, less `waited_seconds`, which it spent before this call.
#[pyfunction]
#[pyo3(signature = (frame, cancel=None, *, waited_seconds=0.0))]
pub(crate) fn run_shard<'py>(
    py: Python<'py>,
    frame: &Bound<'py, PyBytes>,
    cancel: Option<&CancelFlag>,
    waited_seconds: f64,
) -> PyResult<Bound<'py, PyBytes>> {
    let control = control_of(cancel);
    let bytes = frame.as_bytes();
    let request =
        py.detach(|| ShardRequest::from_bytes(bytes)).map_err(|error| Fault::from(error).raise(py))?;
    let waited = Duration::try_from_secs_f64(waited_seconds).unwrap_or_default();
    let time_left = Duration::from_millis(request.time_left_ms).saturating_sub(waited);
    let answer = watched(py, &control, Some(time_left), || {
        let plan = plan_of(&request)?;
        if !plan.has(request.shard) {
            return Err(Fault::ForeignShard);
        }
        let tally = monte_carlo_engine::run_shard(&plan, request.shard, &control)?;
        Ok(tally_to_bytes(&plan, request.shard, &tally))
    })?;
    Ok(PyBytes::new(py, &answer))
}

/// The frame that asks for `paths` paths from `first_path` on of what the JSON text `request` asks for, as the service
/// sends it.
#[pyfunction]
#[pyo3(signature = (request, *, first_path, paths, time_left_ms, default_paths=1_000_000))]
pub(crate) fn shard_frame<'py>(
    py: Python<'py>,
    request: &Bound<'py, PyBytes>,
    first_path: u64,
    paths: u64,
    time_left_ms: u64,
    default_paths: u64,
) -> PyResult<Bound<'py, PyBytes>> {
    let text = request.as_bytes();
    let frame = py.detach(|| {
        let (subject, input, config) = read(text)?;
        let document = RequestDocument::new(&subject, &input, &config, default_paths)?;
        Ok(document.frame(Shard { first_path, paths }, time_left_ms))
    });
    frame.map(|frame| PyBytes::new(py, &frame)).map_err(|fault: Fault| fault.raise(py))
}
