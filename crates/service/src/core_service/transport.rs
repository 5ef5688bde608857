//! One GET: bounded in time and size, never retried here, never redirected; its failures sorted.

use std::error::Error as _;
use std::time::Duration;

use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue, RETRY_AFTER};
use reqwest::{Client, Response, StatusCode, Url, redirect};
use secrecy::{ExposeSecret, SecretString};
use tokio::sync::{Semaphore, SemaphorePermit};

use super::client::{CoreServiceSettings, SetupError};
use super::error::{CoreError, Effort};
use crate::telemetry::trace_context::TraceContext;

/// The largest list: [`monte_carlo_engine::MAX_TRADES`] trades at some 300 bytes each.
const LIST_BYTES_MAX: usize = 64 * 1024 * 1024;
/// The largest account: some hundred times what one needs.
const ACCOUNT_BYTES_MAX: usize = 1024 * 1024;
/// Answers beyond this are read one at a time, so that all workers together hold one of them in memory.
const LARGE_BYTES: usize = 4 * 1024 * 1024;
/// A host that does not take the connection by then is away.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);

pub(super) struct Transport {
    base: Url,
    http: Client,
    large_bodies: Semaphore,
}

/// What is asked for: the metrics' label, and how large its answer may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Assessment,
    FundedAccount,
    FundedAccounts,
    Trades,
    Health,
}

impl Kind {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Assessment => "assessment",
            Self::FundedAccount => "funded_account",
            Self::FundedAccounts => "funded_accounts",
            Self::Trades => "trades",
            Self::Health => "health",
        }
    }

    fn body_bytes_max(self) -> usize {
        match self {
            Self::Assessment | Self::FundedAccount | Self::Health => ACCOUNT_BYTES_MAX,
            Self::FundedAccounts | Self::Trades => LIST_BYTES_MAX,
        }
    }
}

/// A question: path segments below the base, and the query.
pub(super) struct Call<'a> {
    pub(super) kind: Kind,
    pub(super) path: &'a [&'a str],
    pub(super) query: &'a [(&'a str, &'a str)],
}

/// A try that gave nothing to use.
pub(super) struct Failed {
    pub(super) error: CoreError,
    /// Where the answer asked to be left alone for so long.
    pub(super) retry_after: Option<Duration>,
}

impl From<CoreError> for Failed {
    fn from(error: CoreError) -> Self {
        Self { error, retry_after: None }
    }
}

/// An answer's bytes; a large one keeps others of its size waiting until it is dropped.
struct Body<'a> {
    bytes: Vec<u8>,
    _turn: Option<SemaphorePermit<'a>>,
}

impl Call<'_> {
    /// How errors and logs name it.
    pub(super) fn name(&self) -> String {
        let path: String = self.path.iter().flat_map(|segment| ["/", segment]).collect();
        let pairs: Vec<String> = self.query.iter().map(|(key, value)| format!("{key}={value}")).collect();
        let mark = if pairs.is_empty() { "" } else { "?" };
        format!("GET {path}{mark}{}", pairs.join("&"))
    }
}

impl Transport {
    pub(super) fn new(settings: &CoreServiceSettings) -> Result<Self, SetupError> {
        let base = Url::parse(&settings.base_url).map_err(|error| SetupError::Url(error.to_string()))?;
        if !matches!(base.scheme(), "http" | "https") || base.cannot_be_a_base() {
            return Err(SetupError::Url("it must begin with http:// or https://".into()));
        }
        // Retries are `calls`' affair, which counts them; a neighbour in the cluster needs no proxy.
        let http = Client::builder()
            .default_headers(authorization(settings.token.as_ref())?)
            .user_agent("monte-carlo-service")
            .retry(reqwest::retry::never())
            .redirect(redirect::Policy::none())
            .no_proxy()
            .connect_timeout(CONNECT_TIMEOUT)
            .build()
            .map_err(|error| SetupError::Client(error.to_string()))?;
        Ok(Self { base, http, large_bodies: Semaphore::new(1) })
    }

    /// What `read` makes of a 200 that says that it is JSON; within `bound`, body included.
    pub(super) async fn json<T>(
        &self,
        call: &Call<'_>,
        trace: &TraceContext,
        bound: Duration,
        read: impl Fn(&[u8]) -> Result<T, String>,
    ) -> Result<T, Failed> {
        let garbage = |cause: String| CoreError::Garbage { call: call.name(), cause };
        let answer = async {
            let response = self.send(call, trace, bound).await?;
            if !is_json(response.headers()) {
                return Err(garbage("it is not JSON".into()).into());
            }
            let body = self.body(response, call).await?;
            read(&body.bytes).map_err(|cause| garbage(cause).into())
        };
        tokio::time::timeout(bound, answer).await.unwrap_or_else(|_| {
            let cause = format!("no whole answer within {} ms", bound.as_millis());
            Err(unreachable(call, cause).into())
        })
    }

    /// The head of a 200.
    pub(super) async fn send(
        &self,
        call: &Call<'_>,
        trace: &TraceContext,
        bound: Duration,
    ) -> Result<Response, Failed> {
        let mut request = self
            .http
            .get(self.url(call))
            .timeout(bound)
            .header("accept", "application/json")
            .header("x-correlation-id", &trace.correlation_id)
            .header("traceparent", &trace.traceparent);
        if let Some(state) = &trace.tracestate {
            request = request.header("tracestate", state);
        }
        let response = request.send().await.map_err(|error| unreachable(call, causes(&error)))?;
        sort(response, call.name())
    }

    async fn body(&self, mut response: Response, call: &Call<'_>) -> Result<Body<'_>, CoreError> {
        let limit = call.kind.body_bytes_max();
        let too_large = || CoreError::TooLarge { call: call.name(), limit };
        if response.content_length().is_some_and(|length| length > limit as u64) {
            return Err(too_large());
        }
        let (mut bytes, mut turn) = (Vec::new(), None);
        while let Some(chunk) = response.chunk().await.map_err(|error| unreachable(call, causes(&error)))? {
            if bytes.len() + chunk.len() > limit {
                return Err(too_large());
            }
            if turn.is_none() && bytes.len() + chunk.len() > LARGE_BYTES {
                // Never closed, so this never fails.
                turn = self.large_bodies.acquire().await.ok();
            }
            bytes.extend_from_slice(&chunk);
        }
        Ok(Body { bytes, _turn: turn })
    }

    fn url(&self, call: &Call<'_>) -> Url {
        let mut url = self.base.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().extend(call.path);
        }
        if !call.query.is_empty() {
            url.query_pairs_mut().extend_pairs(call.query);
        }
        url
    }
}

fn authorization(token: Option<&SecretString>) -> Result<HeaderMap, SetupError> {
    let mut headers = HeaderMap::new();
    if let Some(token) = token {
        let mut value = HeaderValue::from_str(&format!("Bearer {}", token.expose_secret()))
            .map_err(|_| SetupError::Token)?;
        value.set_sensitive(true);
        headers.insert(AUTHORIZATION, value);
    }
    Ok(headers)
}

fn is_json(headers: &HeaderMap) -> bool {
    let kind = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let essence = kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    essence == "application/json" || (essence.starts_with("application/") && essence.ends_with("+json"))
}

fn sort(response: Response, call: String) -> Result<Response, Failed> {
    let status = response.status();
    let error = match status {
        StatusCode::OK => return Ok(response),
        StatusCode::NOT_FOUND => CoreError::NotFound { call },
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => {
            CoreError::Refused { call, status: status.as_u16() }
        }
        _ if status == StatusCode::TOO_MANY_REQUESTS || status.is_server_error() => {
            CoreError::Server { call, status: status.as_u16(), effort: Effort::default() }
        }
        _ => CoreError::Garbage { call, cause: format!("status {}", status.as_u16()) },
    };
    Err(Failed { error, retry_after: retry_after(response.headers()) })
}

/// In seconds; the other form, a date, is for caches and passed over.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    headers.get(RETRY_AFTER)?.to_str().ok()?.trim().parse().ok().map(Duration::from_secs)
}

fn unreachable(call: &Call<'_>, cause: String) -> CoreError {
    CoreError::Unreachable { call: call.name(), cause, effort: Effort::default() }
}

/// The whole chain of causes: the outermost says only that a request failed. Without the address, which the
/// call's name stands for.
fn causes(error: &reqwest::Error) -> String {
    let mut cause = if error.is_timeout() { "timed out".to_owned() } else { String::new() };
    let mut inner = error.source();
    while let Some(error) = inner {
        cause = if cause.is_empty() { error.to_string() } else { format!("{cause}: {error}") };
        inner = error.source();
    }
    if cause.is_empty() { error.to_string() } else { cause }
}
