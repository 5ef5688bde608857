//! The one place that reads the wall clock.

/// Milliseconds since 1970 by this machine's clock. Leases never use it: they live by the database's.
#[expect(clippy::disallowed_methods, reason = "the edge where time enters")]
pub fn now_ms() -> i64 {
    jiff::Timestamp::now().as_millisecond()
}
