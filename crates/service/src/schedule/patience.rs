//! How a run goes on after Core Service failed it. Pure.

/// First pause; doubles with each failure in a row.
const PAUSE_BASE_MS: i64 = 5_000;
/// Longest pause: a Core Service that is back is noticed within a minute.
const PAUSE_MAX_MS: i64 = 60_000;
/// A run that is older is given up, as old as the oldest fire that is still caught up: a later one has superseded it.
pub(super) const RUN_AGE_MAX_MS: i64 = super::due::CATCH_UP_AGE_MAX_MS;

/// What follows a pass that was broken off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// The run goes on where it stopped, not before this moment.
    Again { at_ms: i64 },
    /// It never will.
    GiveUp,
}

/// What follows, where `failures` passes in a row have been broken off before this one.
pub(super) fn after_failure(failures: u32, opened_at_ms: i64, now_ms: i64) -> Next {
    let pause_ms = PAUSE_BASE_MS.saturating_mul(1 << failures.min(16)).min(PAUSE_MAX_MS);
    if now_ms - opened_at_ms >= RUN_AGE_MAX_MS {
        return Next::GiveUp;
    }
    Next::Again { at_ms: now_ms + pause_ms }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_to_a_minute_and_end_after_three_days() {
        let pause = |failures| match after_failure(failures, 0, 1_000) {
            Next::Again { at_ms } => at_ms - 1_000,
            Next::GiveUp => panic!("a second is not too long"),
        };
        assert_eq!([0, 1, 2, 3, 4, 99].map(pause), [5_000, 10_000, 20_000, 40_000, 60_000, 60_000]);
        assert!(matches!(after_failure(9, 0, RUN_AGE_MAX_MS - 1), Next::Again { .. }));
        assert_eq!(after_failure(0, 0, RUN_AGE_MAX_MS), Next::GiveUp);
    }
}
