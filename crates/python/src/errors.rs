//! What went wrong, as Python's exceptions.

use monte_carlo_engine::wire::WireError;
use monte_carlo_engine::{FieldError, PlanError};
use pyo3::create_exception;
use pyo3::exceptions::PyException;
use pyo3::prelude::*;

create_exception!(monte_carlo_engine, EngineError, PyException, "Any fault of a call of this package.");
create_exception!(
    monte_carlo_engine,
    BadFrame,
    EngineError,
    "The bytes are no request that this engine reads: cut, changed on the way, or of no path of their plan."
);
create_exception!(
    monte_carlo_engine,
    EngineVersionMismatch,
    EngineError,
    "The request is of an engine whose results have other bits, or of another format."
);
create_exception!(
    monte_carlo_engine,
    BadRequest,
    EngineError,
    "The request is not JSON, or not of the form that `/simulate` takes."
);
create_exception!(
    monte_carlo_engine,
    CannotBeSimulated,
    EngineError,
    "Understood, but no such simulation can be run; `field` names what is at fault, where it is one field."
);
create_exception!(monte_carlo_engine, Cancelled, EngineError, "Its `CancelFlag` was set.");
create_exception!(monte_carlo_engine, DeadlineExceeded, EngineError, "It was not done in the time it had.");
create_exception!(
    monte_carlo_engine,
    EngineFailed,
    EngineError,
    "The engine panicked: a fault of its own, which the same request may bring about again."
);

/// Adds them all to the module.
pub(crate) fn add_to(module: &Bound<'_, PyModule>) -> PyResult<()> {
    let py = module.py();
    module.add("EngineError", py.get_type::<EngineError>())?;
    module.add("BadFrame", py.get_type::<BadFrame>())?;
    module.add("EngineVersionMismatch", py.get_type::<EngineVersionMismatch>())?;
    module.add("BadRequest", py.get_type::<BadRequest>())?;
    module.add("CannotBeSimulated", py.get_type::<CannotBeSimulated>())?;
    module.add("Cancelled", py.get_type::<Cancelled>())?;
    module.add("DeadlineExceeded", py.get_type::<DeadlineExceeded>())?;
    module.add("EngineFailed", py.get_type::<EngineFailed>())
}

/// Why there is no answer. Made without the interpreter, and raised with it.
#[derive(Debug)]
pub(crate) enum Fault {
    Wire(WireError),
    /// The shard is none of its plan's.
    ForeignShard,
    Plan(PlanError),
    Request(String),
    Cancelled,
    Deadline,
    Panicked(String),
    /// An exception of Python's own, as of a signal.
    Python(PyErr),
}

impl From<WireError> for Fault {
    fn from(error: WireError) -> Self {
        Self::Wire(error)
    }
}

impl From<PlanError> for Fault {
    fn from(error: PlanError) -> Self {
        Self::Plan(error)
    }
}

impl From<monte_carlo_engine::Cancelled> for Fault {
    fn from(_: monte_carlo_engine::Cancelled) -> Self {
        Self::Cancelled
    }
}

impl Fault {
    /// The exception to raise.
    pub(crate) fn raise(self, py: Python<'_>) -> PyErr {
        match self {
            Self::Wire(error @ (WireError::OtherEngine { .. } | WireError::OtherFormat(_))) => {
                EngineVersionMismatch::new_err(error.to_string())
            }
            Self::Wire(error) => BadFrame::new_err(error.to_string()),
            Self::ForeignShard => BadFrame::new_err("the shard is none of its plan's"),
            Self::Plan(error) => cannot_be_simulated(py, &error),
            Self::Request(message) => BadRequest::new_err(message),
            Self::Cancelled => Cancelled::new_err("the simulation was cancelled"),
            Self::Deadline => DeadlineExceeded::new_err("the simulation was not done in the time it had"),
            Self::Panicked(message) => EngineFailed::new_err(message),
            Self::Python(error) => error,
        }
    }
}

fn cannot_be_simulated(py: Python<'_>, error: &PlanError) -> PyErr {
    let (field, message) = match error {
        PlanError::NoClosingTrades => ("inputData.tradeHistory", error.to_string()),
        PlanError::Field(FieldError { field, message }) => (field.as_str(), message.clone()),
        PlanError::TooMuchWork { .. } => ("config.paths", error.to_string()),
    };
    let raised = CannotBeSimulated::new_err(message);
    match raised.value(py).setattr("field", field) {
        Ok(()) => raised,
        Err(error) => error,
    }
}
