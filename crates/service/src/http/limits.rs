//! What a caller may ask of the server; every limit with its reason.

use std::time::Duration;

/// The largest request body: 200,000 trades do not fit in it, but any real history does.
pub const BODY_BYTES_MAX: usize = 8 * 1024 * 1024;
/// A body that is too large is read and thrown away up to here, so that the caller is still listening when the
/// refusal is written; beyond it the connection is cut.
pub const DISCARDED_BYTES_MAX: usize = 4 * BODY_BYTES_MAX;
/// From here on a body is parsed off the threads that answer everybody else: 256 KiB of JSON take about 1 ms.
pub const INLINE_PARSE_BYTES_MAX: usize = 256 * 1024;
/// Bodies above [`INLINE_PARSE_BYTES_MAX`] in memory at once; the rest wait unread.
pub const LARGE_BODIES_MAX: usize = 8;
/// Histories checked at once. One of 200,000 trades takes some 300 MB while it is turned into what is stored.
pub const HISTORIES_CHECKED_MAX: usize = 2;
/// The most characters of an error's text or field; a fault in a large body would quote the body.
pub const ERROR_CHARS_MAX: usize = 300;
/// Connections served at once; further ones wait in the listener's backlog.
pub const CONNECTIONS_MAX: usize = 1_024;

/// The waits; tests shorten them.
#[derive(Clone, Copy, Debug)]
pub struct Timeouts {
    /// For a request's head, and between requests. Above the 60 s after which load balancers close idle
    /// connections, so that they close first and never send into a connection that we are closing.
    pub head: Duration,
    /// For a request's whole body: 8 MiB at 3.4 Mbit/s.
    pub body: Duration,
    /// From head to answer; longer than `body`, so that a slow sender is told that it was slow.
    pub request: Duration,
    /// For a daily run by hand to finish; then it goes on by itself, and the caller is told how far it came. Shorter than
    /// `request`, so that there is still time to tell.
    pub daily: Duration,
    /// For Core Service to say whether a subject exists; then the job is accepted and the worker finds out.
    pub existence: Duration,
    /// For one dependency to say that it is there; below Kubernetes' default of 1 s for the probe as a whole.
    pub probe: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            head: Duration::from_secs(75),
            body: Duration::from_secs(20),
            request: Duration::from_secs(30),
            daily: Duration::from_secs(25),
            existence: Duration::from_millis(1_500),
            probe: Duration::from_millis(800),
        }
    }
}
