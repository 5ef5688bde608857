//! What the rest of the service may ask of Core Service.

use std::sync::Arc;
use std::time::Duration;

use monte_carlo_engine::{InputData, Subject, Trade};
use secrecy::SecretString;

use super::account;
use super::active_accounts;
use super::calls::Caller;
use super::error::CoreError;
use super::history::{Endless, History, Next, PAGE_SIZE};
use super::pace::Pace;
use super::transport::{Call, Kind, Transport};
use super::wire::{AccountDocument, Listing, WireTrade};
use crate::telemetry::trace_context::TraceContext;

/// How long a caller of the API waits for us to look whether an account exists.
const EXISTS_TIMEOUT: Duration = Duration::from_millis(1_500);

/// Where Core Service is and how we show who we are.
#[derive(Clone, Debug)]
pub struct CoreServiceSettings {
    /// May have a path; questions go below it.
    pub base_url: String,
    /// Sent as `Authorization: Bearer`, where there is one.
    pub token: Option<SecretString>,
    /// For one try of a call, body included.
    pub timeout: Duration,
}

/// Settings that no client can be made of.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    #[error("the URL of Core Service is wrong: {0}")]
    Url(String),
    #[error("the token for Core Service holds characters that no header may hold")]
    Token,
    #[error("the HTTP client cannot be made: {0}")]
    Client(String),
}

/// Whether Core Service knows an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Existence {
    Exists,
    NotFound,
    /// It did not say in time.
    Unknown,
}

/// An account for the daily run.
#[derive(Clone, Debug)]
pub enum Gathered {
    Input(Box<InputData>),
    NotActive,
}

/// A client with its pool of connections; share one.
pub struct CoreServiceClient {
    calls: Caller,
}

impl CoreServiceClient {
    /// Needs the TLS provider of the process, see [`install_tls_provider`].
    ///
    /// # Errors
    /// [`SetupError`]; it never calls anyone.
    pub fn new(settings: &CoreServiceSettings) -> Result<Self, SetupError> {
        Ok(Self { calls: Caller::new(Transport::new(settings)?, settings.timeout) })
    }

    /// The same client, whose calls go out no faster than `pace` allows. Probes of [`Self::check`] are not counted.
    #[must_use]
    pub fn paced(self, pace: Arc<dyn Pace>) -> Self {
        Self { calls: self.calls.paced(pace) }
    }

    /// The account with its whole history, as a simulation needs it; cancelled trades are left out.
    ///
    /// # Errors
    /// [`CoreError`], of which [`CoreError::fault`] says what it means for a job.
    pub async fn gather(&self, subject: &Subject, trace: &TraceContext) -> Result<InputData, CoreError> {
        let trace = trace.child();
        let document = self.account(subject, &trace).await?;
        self.complete(subject, document, &trace).await
    }

    /// Whether there is such an account; within a second and a half.
    pub async fn exists(&self, subject: &Subject, trace: &TraceContext) -> Existence {
        match self.calls.head(&AccountPath::of(subject).call(), &trace.child(), EXISTS_TIMEOUT).await {
            Ok(()) => Existence::Exists,
            Err(CoreError::NotFound { .. }) => Existence::NotFound,
            Err(error) => {
                tracing::warn!(%error, "whether the account exists is not known");
                Existence::Unknown
            }
        }
    }

    /// As [`gather`](Self::gather), for an account that is still active; [`Gathered::NotActive`] for one that says that
    /// it is not.
    ///
    /// # Errors
    /// As [`gather`](Self::gather).
    pub async fn gather_active(
        &self,
        subject: &Subject,
        trace: &TraceContext,
    ) -> Result<Gathered, CoreError> {
        let trace = trace.child();
        let document = self.account(subject, &trace).await?;
        if document.status.as_deref().is_some_and(|status| status != "active") {
            return Ok(Gathered::NotActive);
        }
        Ok(Gathered::Input(Box::new(self.complete(subject, document, &trace).await?)))
    }

    /// Ids of the accounts that are funded and active, in the order of their bytes; a page that does not arrive is
    /// asked for again.
    ///
    /// # Errors
    /// [`CoreError`].
    pub async fn active_funded_accounts(&self, trace: &TraceContext) -> Result<Vec<String>, CoreError> {
        Ok(active_accounts::list(&self.calls, &trace.child()).await?.into_iter().collect())
    }

    /// Whether it answers at all within `bound`: any answer that is no server error counts, since no path of it
    /// is sure to be there.
    ///
    /// # Errors
    /// [`CoreError::Unreachable`], [`CoreError::Server`].
    pub async fn check(&self, bound: Duration) -> Result<(), CoreError> {
        let trace = TraceContext::continue_from(None, None, None);
        let call = Call { kind: Kind::Health, path: &["health"], query: &[] };
        match self.calls.probe(&call, &trace, bound).await {
            Err(error) if error.is_outage() => Err(error),
            Ok(()) | Err(_) => Ok(()),
        }
    }

    /// The last time that our token was refused, until a call succeeds.
    pub fn last_refusal(&self) -> Option<String> {
        self.calls.last_refusal()
    }

    /// Why calls are held back, while the breaker is not closed.
    pub fn held_back(&self) -> Option<String> {
        self.calls.held_back()
    }

    async fn account(&self, subject: &Subject, trace: &TraceContext) -> Result<AccountDocument, CoreError> {
        let path = AccountPath::of(subject);
        let call = path.call();
        let key = match subject {
            Subject::Assessment(_) => "assessment",
            Subject::FundedAccount(_) => "fundedAccount",
        };
        self.calls.json(&call, trace, |body| account::parse(body, key)).await
    }

    async fn complete(
        &self,
        subject: &Subject,
        document: AccountDocument,
        trace: &TraceContext,
    ) -> Result<InputData, CoreError> {
        let trades = self.history(subject, trace).await?;
        account::input(subject, document, trades)
            .map_err(|cause| CoreError::Garbage { call: AccountPath::of(subject).call().name(), cause })
    }

    async fn history(&self, subject: &Subject, trace: &TraceContext) -> Result<Vec<Trade>, CoreError> {
        // Both dialects' spellings, since which one it speaks is not known yet.
        let [ours, theirs] = match subject {
            Subject::Assessment(_) => ["assessmentId", "assessment_id"],
            Subject::FundedAccount(_) => ["fundedAccountId", "funded_account_id"],
        };
        let limit = PAGE_SIZE.to_string();
        let mut history = History::default();
        let mut offset = 0;
        loop {
            let start = offset.to_string();
            let query = [(ours, subject.id()), (theirs, subject.id()), ("limit", &limit), ("offset", &start)];
            let call = Call { kind: Kind::Trades, path: &["trades"], query: &query };
            let page: Listing<WireTrade> = self.calls.json(&call, trace, decode).await?;
            match history.add(page) {
                Ok(Next::Offset(next)) => offset = next,
                Ok(Next::Done) => return Ok(history.into_trades()),
                Err(Endless::TooManyTrades) => return Err(CoreError::TooManyTrades { call: call.name() }),
                Err(Endless::Incomplete { seen, total }) => {
                    let total = total.map_or_else(String::new, |total| format!(" of {total}"));
                    let cause = format!("its pages hold {seen} trades{total} and go on repeating them");
                    return Err(CoreError::Garbage { call: call.name(), cause });
                }
            }
        }
    }
}

/// Where an account is asked for.
struct AccountPath<'a>(Kind, [&'a str; 2]);

impl<'a> AccountPath<'a> {
    fn of(subject: &'a Subject) -> Self {
        match subject {
            Subject::Assessment(id) => Self(Kind::Assessment, ["assessments", id]),
            Subject::FundedAccount(id) => Self(Kind::FundedAccount, ["funded-accounts", id]),
        }
    }

    fn call(&self) -> Call<'_> {
        Call { kind: self.0, path: &self.1, query: &[] }
    }
}

/// Makes *ring* the process's TLS provider; once, in `main` and in tests. A second call does nothing.
pub fn install_tls_provider() {
    let _ = rustls::crypto::ring::default_provider().install_default();
}

pub(super) fn decode<T: serde::de::DeserializeOwned>(body: &[u8]) -> Result<T, String> {
    let mut json = serde_json::Deserializer::from_slice(body);
    let value = serde_path_to_error::deserialize(&mut json).map_err(|error| error.to_string())?;
    json.end().map_err(|error| error.to_string())?;
    Ok(value)
}
