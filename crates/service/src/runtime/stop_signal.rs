//! SIGTERM and Ctrl-C: the first asks, the second insists, and so does time.

use std::io;
use std::time::Duration;

use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

/// The exit code of a process that was told twice.
const EXIT_INSISTED: i32 = 130;

/// A token that the first signal cancels; the second ends the process at once.
///
/// # Errors
/// Where the system refuses a handler.
pub fn listen() -> io::Result<CancellationToken> {
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    let asked = CancellationToken::new();
    let told = asked.clone();
    tokio::spawn(async move {
        for word in 0.. {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
            if word > 0 {
                std::process::exit(EXIT_INSISTED);
            }
            told.cancel();
        }
    });
    Ok(asked)
}

/// Ends the process with `code` after `bound`, where it has not ended by then: what hangs may be a thread that no task can
/// cut off, of a client library or of a look-up of a name, for which the runtime would wait.
pub fn insist_after(bound: Duration, code: i32) {
    std::thread::spawn(move || {
        std::thread::sleep(bound);
        std::process::exit(code);
    });
}
