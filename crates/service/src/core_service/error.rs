//! What can go wrong with Core Service, and what it means for a job.

use std::fmt;
use std::time::Duration;

use crate::jobs::machine::Fault;

/// A call that gave no answer to use. Its text names the call and the cause, never the token.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CoreError {
    /// 404: there is no such account.
    #[error("Core Service knows no such thing: {call} answered 404")]
    NotFound { call: String },
    /// 401 or 403: our token is missing or wrong.
    #[error("Core Service refuses our token: {call} answered {status}; check CORE_SERVICE_TOKEN")]
    Refused { call: String, status: u16 },
    /// No connection, or no whole answer in time.
    #[error("Core Service cannot be reached: {call}{effort}: {cause}")]
    Unreachable { call: String, cause: String, effort: Effort },
    /// 5xx or 429: it is there and cannot answer now.
    #[error("Core Service cannot answer now: {call} answered {status}{effort}")]
    Server { call: String, status: u16, effort: Effort },
    /// An answer that is not what the contract says.
    #[error("Core Service answered {call} with something else than the contract says: {cause}")]
    Garbage { call: String, cause: String },
    /// An answer that is larger than any such answer may be; it was not read to its end.
    #[error("Core Service answered {call} with more than {limit} bytes")]
    TooLarge { call: String, limit: usize },
    /// More than a job may hold.
    #[error("the history behind {call} has more than {limit} trades", limit = monte_carlo_engine::MAX_TRADES)]
    TooManyTrades { call: String },
    /// The breaker is open: nothing was sent.
    #[error("Core Service is left alone for now, since it failed too often: {call} was not sent; {last}")]
    LeftAlone { call: String, last: String },
    /// Our own limit on calls is used up: nothing was sent.
    #[error("{call} was not sent: CORE_SERVICE_MAX_CALLS_PER_SECOND is used up for more than {wait_s} s")]
    NoTurn { call: String, wait_s: u64 },
}

/// What a call cost before it was given up; shown as ` after 3 tries in 1.2 s`, and not at all where it is empty.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Effort {
    pub tries: u32,
    pub took: Duration,
}

impl fmt::Display for Effort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.took.as_secs_f64();
        match self.tries {
            0 => Ok(()),
            1 => write!(f, " after 1 try in {seconds:.1} s"),
            tries => write!(f, " after {tries} tries in {seconds:.1} s"),
        }
    }
}

impl CoreError {
    /// What it means for the job that asked. A wrong token is an operator's to mend, so the job waits for that;
    /// garbage may be one bad moment of a proxy, but not for ever.
    pub fn fault(&self) -> Fault {
        let text = self.to_string();
        match self {
            Self::NotFound { .. } | Self::TooManyTrades { .. } => Fault::Terminal(text),
            Self::Refused { .. }
            | Self::Unreachable { .. }
            | Self::Server { .. }
            | Self::LeftAlone { .. }
            | Self::NoTurn { .. } => Fault::Snooze(text),
            Self::Garbage { .. } | Self::TooLarge { .. } => Fault::Retry(text),
        }
    }

    /// The class, as the metric `core_service_requests_total{outcome}` names it.
    pub(super) fn outcome(&self) -> &'static str {
        match self {
            Self::NotFound { .. } => "not_found",
            Self::Refused { .. } => "refused",
            Self::Unreachable { .. } => "unreachable",
            Self::Server { status: 429, .. } => "too_many_requests",
            Self::Server { .. } => "server_error",
            Self::Garbage { .. } => "garbage",
            Self::TooLarge { .. } | Self::TooManyTrades { .. } => "too_large",
            Self::LeftAlone { .. } => "breaker_open",
            Self::NoTurn { .. } => "no_turn",
        }
    }

    /// Whether it says that Core Service is not there or cannot answer anybody.
    pub(super) fn is_outage(&self) -> bool {
        matches!(self, Self::Unreachable { .. } | Self::Server { .. })
    }

    /// The same, saying what was spent on it.
    pub(super) fn after(mut self, spent: Effort) -> Self {
        if let Self::Unreachable { effort, .. } | Self::Server { effort, .. } = &mut self {
            *effort = spent;
        }
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_error_has_its_fault() {
        let call = || "GET /trades".to_owned();
        let cause = || "cause".to_owned();
        let effort = Effort::default();
        type Wanted = fn(String) -> Fault;
        let table: [(CoreError, Wanted, &str); 10] = [
            (CoreError::NotFound { call: call() }, Fault::Terminal, "not_found"),
            (CoreError::TooManyTrades { call: call() }, Fault::Terminal, "too_large"),
            (CoreError::Refused { call: call(), status: 401 }, Fault::Snooze, "refused"),
            (CoreError::Unreachable { call: call(), cause: cause(), effort }, Fault::Snooze, "unreachable"),
            (CoreError::Server { call: call(), status: 503, effort }, Fault::Snooze, "server_error"),
            (CoreError::Server { call: call(), status: 429, effort }, Fault::Snooze, "too_many_requests"),
            (CoreError::LeftAlone { call: call(), last: cause() }, Fault::Snooze, "breaker_open"),
            (CoreError::NoTurn { call: call(), wait_s: 1 }, Fault::Snooze, "no_turn"),
            (CoreError::Garbage { call: call(), cause: cause() }, Fault::Retry, "garbage"),
            (CoreError::TooLarge { call: call(), limit: 1 }, Fault::Retry, "too_large"),
        ];
        for (error, wanted, outcome) in table {
            assert_eq!(error.fault(), wanted(error.to_string()));
            assert_eq!(error.outcome(), outcome);
            assert!(error.to_string().contains("GET /trades"), "{error}");
        }
    }

    #[test]
    fn what_was_spent_is_said() {
        let error = CoreError::Server { call: "GET /trades".into(), status: 503, effort: Effort::default() };
        assert_eq!(error.to_string(), "Core Service cannot answer now: GET /trades answered 503");
        let spent = Effort { tries: 3, took: Duration::from_millis(1_210) };
        assert_eq!(
            error.after(spent).to_string(),
            "Core Service cannot answer now: GET /trades answered 503 after 3 tries in 1.2 s"
        );
    }
}
