//! Whether a failed try of one call is worth another; pure, so that a table can pin it.

use std::time::Duration;

use super::error::CoreError;

/// Tries of one call. Three ride out a restart of one of its replicas; what lasts longer is the job's to wait out.
pub(super) const TRIES_MAX: u32 = 3;
/// Before the second try; four times that before the third.
const PAUSE_BASE: Duration = Duration::from_millis(200);
/// The longest `Retry-After` that is waited for with a job in hand; beyond it the job is put back.
const RETRY_AFTER_MAX: Duration = Duration::from_secs(3);

/// How a call has gone so far.
#[derive(Clone, Copy, Debug)]
pub(super) struct SoFar {
    pub(super) tries: u32,
    pub(super) took: Duration,
    /// What a 429 or 503 asked for.
    pub(super) retry_after: Option<Duration>,
}

/// The pause before the next try; `None` to give up. No try begins once `budget` is spent, so that a slow server
/// costs two time-outs at most. `jitter` is a fresh random number in 0 .. 1.
pub(super) fn pause(error: &CoreError, so_far: SoFar, budget: Duration, jitter: f64) -> Option<Duration> {
    let may_pass = match error {
        CoreError::Unreachable { .. } | CoreError::Server { .. } => true,
        // A proxy's page may be gone at once; an answer that is wrong stays wrong.
        CoreError::Garbage { .. } => so_far.tries == 1,
        CoreError::NotFound { .. }
        | CoreError::Refused { .. }
        | CoreError::TooLarge { .. }
        | CoreError::TooManyTrades { .. }
        | CoreError::LeftAlone { .. }
        | CoreError::NoTurn { .. } => false,
    };
    if !may_pass || so_far.tries >= TRIES_MAX || so_far.took >= budget {
        return None;
    }
    let base = PAUSE_BASE * 4_u32.pow(so_far.tries.saturating_sub(1));
    let ours = base / 2 + (base / 2).mul_f64(jitter.clamp(0.0, 1.0));
    match so_far.retry_after {
        Some(asked) if asked > RETRY_AFTER_MAX => None,
        Some(asked) => Some(asked.max(ours)),
        None => Some(ours),
    }
}

#[cfg(test)]
mod tests {
    use super::super::error::Effort;
    use super::*;

    fn call() -> String {
        "GET /trades".to_owned()
    }

    fn after(tries: u32, took_ms: u64, retry_after_s: Option<u64>) -> SoFar {
        let retry_after = retry_after_s.map(Duration::from_secs);
        SoFar { tries, took: Duration::from_millis(took_ms), retry_after }
    }

    #[test]
    fn each_class_has_its_tries() {
        let effort = Effort::default();
        let cause = || "cause".to_owned();
        let table = [
            (CoreError::Unreachable { call: call(), cause: cause(), effort }, [true, true, false]),
            (CoreError::Server { call: call(), status: 503, effort }, [true, true, false]),
            (CoreError::Server { call: call(), status: 429, effort }, [true, true, false]),
            (CoreError::Garbage { call: call(), cause: cause() }, [true, false, false]),
            (CoreError::NotFound { call: call() }, [false; 3]),
            (CoreError::Refused { call: call(), status: 401 }, [false; 3]),
            (CoreError::TooLarge { call: call(), limit: 1 }, [false; 3]),
            (CoreError::TooManyTrades { call: call() }, [false; 3]),
        ];
        for (error, wanted) in table {
            let got =
                [1, 2, 3].map(|tries| pause(&error, after(tries, 10, None), Duration::MAX, 0.5).is_some());
            assert_eq!(got, wanted, "{error}");
        }
    }

    #[test]
    fn pauses_grow_and_heed_what_is_asked_for_within_reason() {
        let error = CoreError::Server { call: call(), status: 503, effort: Effort::default() };
        let budget = Duration::from_secs(10);
        let ms = |so_far, jitter| pause(&error, so_far, budget, jitter).map(|pause| pause.as_millis());
        assert_eq!(ms(after(1, 0, None), 0.0), Some(100));
        assert_eq!(ms(after(1, 0, None), 1.0), Some(200));
        assert_eq!(ms(after(2, 0, None), 1.0), Some(800));
        assert_eq!(ms(after(1, 0, Some(0)), 1.0), Some(200));
        assert_eq!(ms(after(1, 0, Some(2)), 1.0), Some(2_000));
        assert_eq!(ms(after(1, 0, Some(60)), 1.0), None, "the job waits, not the worker");
        assert_eq!(ms(after(1, 10_000, None), 1.0), None, "the budget is spent");
    }
}
