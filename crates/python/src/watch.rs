//! Runs work without the interpreter, within a time, and ends it when it is no longer wanted.

use std::any::Any;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::{Duration, Instant};

use monte_carlo_engine::Control;
use pyo3::prelude::*;

use crate::errors::Fault;

/// How soon an interrupt from the keyboard is seen.
const SIGNAL_CHECK: Duration = Duration::from_millis(100);

/// Runs `work` on a thread of its own, while this one waits for its end, the end of `time` and signals. A thread costs some
/// tens of microseconds, a shard a quarter of a second; so no other clockwork is needed, and a panic ends in its thread.
pub(crate) fn watched<T: Send>(
    py: Python<'_>,
    control: &Control,
    time: Option<Duration>,
    work: impl FnOnce() -> Result<T, Fault> + Send,
) -> PyResult<T> {
    let outcome = py.detach(|| {
        thread::scope(|scope| {
            let (done, end) = channel::<()>();
            let worker = scope.spawn(move || {
                let outcome = work();
                drop(done);
                outcome
            });
            let stopped = wait(&end, time);
            if stopped.is_some() {
                control.cancel.store(true, Ordering::Relaxed);
            }
            let outcome =
                worker.join().unwrap_or_else(|panic| Err(Fault::Panicked(message_of(panic.as_ref()))));
            match (outcome, stopped) {
                (Err(Fault::Cancelled), Some(why)) => Err(why),
                (outcome, _) => outcome,
            }
        })
    });
    outcome.map_err(|fault| fault.raise(py))
}

/// Waits for the end of the work; says why it should stop, if it should before.
fn wait(end: &Receiver<()>, time: Option<Duration>) -> Option<Fault> {
    let began = Instant::now();
    loop {
        let left = time.map(|time| time.saturating_sub(began.elapsed()));
        match end.recv_timeout(left.map_or(SIGNAL_CHECK, |left| left.min(SIGNAL_CHECK))) {
            Ok(()) | Err(RecvTimeoutError::Disconnected) => return None,
            Err(RecvTimeoutError::Timeout) => {}
        }
        if time.is_some_and(|time| began.elapsed() >= time) {
            return Some(Fault::Deadline);
        }
        if let Some(signal) = Python::attach(|py| py.check_signals().err()) {
            return Some(Fault::Python(signal));
        }
    }
}

fn message_of(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("a panic without a message").to_owned()
}
