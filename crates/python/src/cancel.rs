//! How Python stops what runs without the interpreter.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use monte_carlo_engine::Control;
use pyo3::prelude::*;

/// Stops one call, from any thread. A flag serves one call: it stays set.
#[pyclass(frozen, module = "monte_carlo_engine")]
#[derive(Default)]
pub(crate) struct CancelFlag {
    /// The engine looks at it every millisecond.
    pub(crate) control: Arc<Control>,
}

#[pymethods]
impl CancelFlag {
    #[new]
    fn new() -> Self {
        Self::default()
    }

    /// The call that was given this flag ends within some milliseconds, with `Cancelled`.
    fn set(&self) {
        self.control.cancel.store(true, Ordering::Relaxed);
    }

    /// Whether it is set.
    fn is_set(&self) -> bool {
        self.control.cancel.load(Ordering::Relaxed)
    }

    /// Paths that the call has walked so far.
    #[getter]
    fn paths_done(&self) -> u64 {
        self.control.paths_done.load(Ordering::Relaxed)
    }
}

/// The control behind `flag`, or one that nobody else holds.
pub(crate) fn control_of(flag: Option<&CancelFlag>) -> Arc<Control> {
    flag.map_or_else(Arc::default, |flag| flag.control.clone())
}
