//! Whether a job that has ended may go. Pure.

use std::time::Duration;

use crate::store::retention::EndedJob;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Purge,
    /// It has not been kept long enough.
    Young,
    /// Its events have not all left: the outbox refers to it.
    Unsent,
}

/// What becomes of `job`, where jobs are kept for `keep`.
pub(super) fn verdict(job: &EndedJob, keep: Duration) -> Verdict {
    // A clock that was set back makes ages negative.
    let is_old = u128::try_from(job.ended_for_ms).is_ok_and(|age_ms| age_ms >= keep.as_millis());
    match (is_old, job.has_unsent) {
        (false, _) => Verdict::Young,
        (true, true) => Verdict::Unsent,
        (true, false) => Verdict::Purge,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::jobs::ids::JobId;

    #[test]
    fn what_ended_long_enough_ago_goes_once_it_is_told() {
        let keep = Duration::from_millis(1_000);
        let at = |ended_for_ms, has_unsent| {
            verdict(&EndedJob { id: JobId("a".into()), created_at_ms: 0, ended_for_ms, has_unsent }, keep)
        };
        for (age_ms, has_unsent, expected) in [
            (999, false, Verdict::Young),
            (1_000, false, Verdict::Purge),
            (1_000, true, Verdict::Unsent),
            (999, true, Verdict::Young),
            (i64::MAX, false, Verdict::Purge),
            (-1, false, Verdict::Young),
            (-1_000, false, Verdict::Young),
            (i64::MIN, false, Verdict::Young),
        ] {
            assert_eq!(at(age_ms, has_unsent), expected, "{age_ms} {has_unsent}");
        }
    }
}
