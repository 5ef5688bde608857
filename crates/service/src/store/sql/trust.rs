//! Which pooled connections are used without being asked first whether they are still there.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// A connection that rested for longer is asked first. A question costs as much as a statement, and under load no connection
/// rests so long.
const REST_MAX: Duration = Duration::from_secs(1);

/// What broke last: whoever lost one connection has probably lost the others too.
#[derive(Debug, Default)]
pub(in crate::store) struct Trust {
    broken_at: Mutex<Option<Instant>>,
}

impl Trust {
    /// Whether a connection that was used that long ago is good still, as far as we know.
    pub(in crate::store) fn covers(&self, rested: Duration) -> bool {
        let broken = self.broken_at.lock().unwrap_or_else(PoisonError::into_inner);
        rested < REST_MAX && broken.is_none_or(|broken| rested < broken.elapsed())
    }

    /// A connection broke: those that were not used since are to be asked.
    pub(super) fn shake(&self) {
        *self.broken_at.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_that_was_just_used_is_trusted_until_another_breaks() {
        let (trust, just_now) = (Trust::default(), Duration::from_millis(1));
        assert!(trust.covers(just_now) && !trust.covers(REST_MAX));
        trust.shake();
        assert!(!trust.covers(just_now));
        std::thread::sleep(just_now * 2);
        assert!(trust.covers(just_now), "it was used since");
    }
}
