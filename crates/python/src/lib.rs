//! The engine for Python: bytes in, bytes out, the interpreter's lock released while paths are walked.
//!
//! The module is `monte_carlo_engine._native`; what users import is in `python/monte_carlo_engine`. Nothing is decided
//! here: [`monte_carlo_engine`] plans, simulates and reports, its `wire` reads and writes.

mod cancel;
mod errors;
mod plans;
mod shard;
mod simulate;
mod watch;

use pyo3::prelude::*;

/// Bytes in, bytes out; see `__init__.py` of the package.
#[pymodule]
fn _native(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add("ENGINE_VERSION", monte_carlo_engine::ENGINE_VERSION)?;
    module.add("PROTOCOL", monte_carlo_engine::wire::PROTOCOL)?;
    module.add_class::<cancel::CancelFlag>()?;
    module.add_function(wrap_pyfunction!(shard::run_shard, module)?)?;
    module.add_function(wrap_pyfunction!(shard::shard_frame, module)?)?;
    module.add_function(wrap_pyfunction!(simulate::simulate_json, module)?)?;
    errors::add_to(module)
}
