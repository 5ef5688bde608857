//! What can go wrong with Core Service, and what it means for a job.

use crate::jobs::lifecycle::Fault;

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
    #[error("Core Service cannot be reached: {call}: {cause}")]
    Unreachable { call: String, cause: String },
    /// 5xx or 429: it is there and cannot answer now.
    #[error("Core Service cannot answer now: {call} answered {status}")]
    Server { call: String, status: u16 },
    /// An answer that is not what the contract says.
    #[error("Core Service answered {call} with something else than the contract says: {cause}")]
    Garbage { call: String, cause: String },
    /// More than a job may hold.
    #[error("the history behind {call} has more than {limit} trades", limit = monte_carlo_engine::MAX_TRADES)]
    TooManyTrades { call: String },
}

impl CoreError {
    /// What it means for the job that asked. A wrong token is an operator's to mend, so the job waits for that;
    /// garbage may be one bad moment of a proxy, but not for ever.
    pub fn fault(&self) -> Fault {
        let text = self.to_string();
        match self {
            Self::NotFound { .. } | Self::TooManyTrades { .. } => Fault::Terminal(text),
            Self::Refused { .. } | Self::Unreachable { .. } | Self::Server { .. } => Fault::Snooze(text),
            Self::Garbage { .. } => Fault::Retry(text),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_error_has_its_fault() {
        let call = || "GET /trades".to_owned();
        let cause = || "cause".to_owned();
        type Wanted = fn(String) -> Fault;
        let table: [(CoreError, Wanted); 7] = [
            (CoreError::NotFound { call: call() }, Fault::Terminal),
            (CoreError::TooManyTrades { call: call() }, Fault::Terminal),
            (CoreError::Refused { call: call(), status: 401 }, Fault::Snooze),
            (CoreError::Unreachable { call: call(), cause: cause() }, Fault::Snooze),
            (CoreError::Server { call: call(), status: 503 }, Fault::Snooze),
            (CoreError::Server { call: call(), status: 429 }, Fault::Snooze),
            (CoreError::Garbage { call: call(), cause: cause() }, Fault::Retry),
        ];
        for (error, wanted) in table {
            assert_eq!(error.fault(), wanted(error.to_string()));
            assert!(error.to_string().contains("GET /trades"), "{error}");
        }
    }
}
