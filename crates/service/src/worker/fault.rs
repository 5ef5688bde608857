//! What an error means for a job: the one place that decides.

use monte_carlo_engine::PlanError;

use crate::core_service::error::CoreError;
use crate::jobs::machine::Fault;
use crate::jobs::skip::SkipReason;
use crate::simulator::SimulatorError;
use crate::store::{Origin, StoreError};

/// Why an attempt ended without a result.
#[derive(Debug, thiserror::Error)]
pub(super) enum AttemptError {
    /// Core Service did not give us the account.
    #[error(transparent)]
    Core(#[from] CoreError),
    /// The account is no longer active; asked for the daily run alone.
    #[error("the account is not active any more")]
    NotActive,
    /// The account cannot be simulated as asked.
    #[error(transparent)]
    Plan(#[from] PlanError),
    /// The simulator did not finish.
    #[error(transparent)]
    Simulator(#[from] SimulatorError),
    /// The database did not take a write.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The job's row cannot be read by this version.
    #[error("the stored job cannot be read: {0}")]
    Unreadable(String),
    /// A thread of ours panicked.
    #[error("the service failed: {0}")]
    Internal(String),
    /// Another worker has the job, or nobody has: whatever we would write is refused.
    #[error("the lease was lost")]
    LeaseLost,
    /// The database was silent for so long that the lease may be lost.
    #[error("the database could not be reached while the job was simulated")]
    CutOff,
    /// This process stops.
    #[error("the worker is stopping")]
    Stopping,
}

/// What becomes of the attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// The job machine is told of a fault.
    Fault(Fault),
    /// The job machine is told that there is nothing to simulate.
    Skip(SkipReason),
    /// The job is given back, uncharged.
    Release,
    /// Nothing is written.
    Stale,
}

/// Judges an error, for a job that came to be in this way. The daily run orders whatever is active at that hour: that
/// there is nothing to simulate is no fault then.
pub(super) fn verdict(error: &AttemptError, origin: Origin) -> Verdict {
    let said = error.to_string();
    match error {
        AttemptError::Plan(PlanError::NoClosingTrades) if origin == Origin::Daily => {
            Verdict::Skip(SkipReason::NoClosingTrades)
        }
        AttemptError::Core(CoreError::NotFound { .. }) if origin == Origin::Daily => {
            Verdict::Skip(SkipReason::AccountNotFound)
        }
        AttemptError::NotActive => Verdict::Skip(SkipReason::AccountNotActive),
        AttemptError::Core(core) => Verdict::Fault(core.fault()),
        AttemptError::Plan(_) | AttemptError::Unreadable(_) => Verdict::Fault(Fault::Terminal(said)),
        // The database is a neighbour like the others; and a job that starves the beats itself is given up after a day.
        AttemptError::Simulator(SimulatorError::Unavailable(_)) | AttemptError::CutOff => {
            Verdict::Fault(Fault::Snooze(said))
        }
        AttemptError::Simulator(SimulatorError::Poison(_) | SimulatorError::Refused { .. }) => {
            Verdict::Fault(Fault::Terminal(said))
        }
        AttemptError::Simulator(SimulatorError::Engine(_) | SimulatorError::Late)
        | AttemptError::Internal(_) => Verdict::Fault(Fault::Retry(said)),
        // Never the database's own words: callers read this.
        AttemptError::Store(StoreError::Unavailable(_) | StoreError::Contended(_)) => {
            Verdict::Fault(Fault::Snooze("the database could not be reached to store the input".into()))
        }
        AttemptError::Store(_) => Verdict::Fault(Fault::Retry("the database did not take the input".into())),
        // Only the worker cancels, and says why beforehand; a cancel without a cause is a lost lease.
        AttemptError::Simulator(SimulatorError::Cancelled) | AttemptError::LeaseLost => Verdict::Stale,
        AttemptError::Stopping => Verdict::Release,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core_service::error::Effort;

    #[test]
    fn every_error_has_its_verdict() {
        let retry = |text: &str| Verdict::Fault(Fault::Retry(text.into()));
        let snooze = |text: &str| Verdict::Fault(Fault::Snooze(text.into()));
        let terminal = |text: &str| Verdict::Fault(Fault::Terminal(text.into()));
        let cases = [
            (
                AttemptError::Plan(PlanError::NoClosingTrades),
                terminal("the account has no closing trades, so there is nothing to simulate from"),
            ),
            (AttemptError::Unreadable("x".into()), terminal("the stored job cannot be read: x")),
            (
                AttemptError::Simulator(SimulatorError::Unavailable("no replica".into())),
                snooze("the simulator cannot be reached: no replica"),
            ),
            (
                AttemptError::Simulator(SimulatorError::Engine("index".into())),
                retry("the engine failed: index"),
            ),
            (
                AttemptError::Simulator(SimulatorError::Late),
                retry("the simulation was not done in the time of one attempt"),
            ),
            (
                AttemptError::Simulator(SimulatorError::Poison("index".into())),
                terminal("the engine cannot simulate this job: index"),
            ),
            (
                AttemptError::Simulator(SimulatorError::Refused {
                    message: "must be 1".into(),
                    field: Some("config.x".into()),
                }),
                terminal("config.x: must be 1"),
            ),
            (AttemptError::Internal("index".into()), retry("the service failed: index")),
            (
                AttemptError::Store(StoreError::Failed("secret SQL".into())),
                retry("the database did not take the input"),
            ),
            (
                AttemptError::Store(StoreError::Unavailable("secret host".into())),
                snooze("the database could not be reached to store the input"),
            ),
            (
                AttemptError::Store(StoreError::Contended(8)),
                snooze("the database could not be reached to store the input"),
            ),
            (AttemptError::Simulator(SimulatorError::Cancelled), Verdict::Stale),
            (AttemptError::LeaseLost, Verdict::Stale),
            (AttemptError::CutOff, snooze("the database could not be reached while the job was simulated")),
            (AttemptError::Stopping, Verdict::Release),
        ];
        for (error, expected) in cases {
            for origin in [Origin::Kafka, Origin::Api, Origin::Import] {
                assert_eq!(verdict(&error, origin), expected, "{error}");
            }
        }
    }

    #[test]
    fn the_daily_run_skips_what_others_fail() {
        let gone = || AttemptError::Core(CoreError::NotFound { call: "GET /funded-accounts/a".into() });
        for (error, reason) in [
            (AttemptError::Plan(PlanError::NoClosingTrades), SkipReason::NoClosingTrades),
            (gone(), SkipReason::AccountNotFound),
            (AttemptError::NotActive, SkipReason::AccountNotActive),
        ] {
            assert_eq!(verdict(&error, Origin::Daily), Verdict::Skip(reason), "{error}");
        }
        assert!(matches!(verdict(&gone(), Origin::Api), Verdict::Fault(Fault::Terminal(_))));
        let away = AttemptError::Core(CoreError::Server {
            call: "GET /trades".into(),
            status: 503,
            effort: Effort::default(),
        });
        assert!(matches!(verdict(&away, Origin::Daily), Verdict::Fault(Fault::Snooze(_))), "all else alike");
        let work = AttemptError::Plan(PlanError::TooMuchWork { paths: 1, steps: 2, limit: 1 });
        assert!(matches!(verdict(&work, Origin::Daily), Verdict::Fault(Fault::Terminal(_))));
    }
}
