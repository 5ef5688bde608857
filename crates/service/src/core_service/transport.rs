//! One GET: bounded in time and size, never retried here, never redirected; its failures sorted.

use std::error::Error as _;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue};
use reqwest::{Client, Response, StatusCode, Url, redirect};
use secrecy::{ExposeSecret, SecretString};

use super::client::{CoreServiceSettings, SetupError};
use super::error::CoreError;
use crate::telemetry::trace_context::TraceContext;

/// The largest answer: [`monte_carlo_engine::MAX_TRADES`] trades at some 300 bytes each.
const BODY_BYTES_MAX: usize = 64 * 1024 * 1024;
/// A host that does not take the connection by then is away.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);

pub(super) struct Transport {
    base: Url,
    http: Client,
    timeout: Duration,
    refusal: Mutex<Option<String>>,
}

/// A question: path segments below the base, and the query.
pub(super) struct Call<'a> {
    pub(super) path: &'a [&'a str],
    pub(super) query: &'a [(&'a str, &'a str)],
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
        // Retries belong to the job machine, which counts them; a neighbour in the cluster needs no proxy.
        let http = Client::builder()
            .default_headers(authorization(settings.token.as_ref())?)
            .user_agent("monte-carlo-service")
            .retry(reqwest::retry::never())
            .redirect(redirect::Policy::none())
            .no_proxy()
            .connect_timeout(CONNECT_TIMEOUT)
            .build()
            .map_err(|error| SetupError::Client(error.to_string()))?;
        Ok(Self { base, http, timeout: settings.timeout, refusal: Mutex::default() })
    }

    /// The body of a 200, which says that it is JSON.
    pub(super) async fn json(&self, call: &Call<'_>, trace: &TraceContext) -> Result<Vec<u8>, CoreError> {
        let name = call.name();
        let answer = async {
            let response = self.send(call, trace, self.timeout).await?;
            if !is_json(response.headers()) {
                return Err(CoreError::Garbage { call: name.clone(), cause: "it is not JSON".into() });
            }
            body(response, &name).await
        };
        tokio::time::timeout(self.timeout, answer).await.unwrap_or_else(|_| {
            let cause = format!("no whole answer within {} ms", self.timeout.as_millis());
            Err(CoreError::Unreachable { call: name.clone(), cause })
        })
    }

    /// The head of a 200.
    pub(super) async fn send(
        &self,
        call: &Call<'_>,
        trace: &TraceContext,
        bound: Duration,
    ) -> Result<Response, CoreError> {
        let name = call.name();
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
        let response = request.send().await.map_err(|error| unreachable(&name, &error))?;
        self.sort(response, name)
    }

    /// The last 401 or 403, until a call is answered again.
    pub(super) fn last_refusal(&self) -> Option<String> {
        self.refusal.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn sort(&self, response: Response, call: String) -> Result<Response, CoreError> {
        let status = response.status();
        let error = match status {
            StatusCode::OK => {
                self.remember_refusal(None);
                return Ok(response);
            }
            StatusCode::NOT_FOUND => CoreError::NotFound { call },
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => {
                let error = CoreError::Refused { call, status: status.as_u16() };
                self.remember_refusal(Some(error.to_string()));
                error
            }
            StatusCode::TOO_MANY_REQUESTS => CoreError::Server { call, status: status.as_u16() },
            _ if status.is_server_error() => CoreError::Server { call, status: status.as_u16() },
            _ => CoreError::Garbage { call, cause: format!("status {}", status.as_u16()) },
        };
        Err(error)
    }

    fn remember_refusal(&self, refusal: Option<String>) {
        *self.refusal.lock().unwrap_or_else(PoisonError::into_inner) = refusal;
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

async fn body(mut response: Response, call: &str) -> Result<Vec<u8>, CoreError> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| unreachable(call, &error))? {
        if body.len() + chunk.len() > BODY_BYTES_MAX {
            let cause = format!("it is larger than {BODY_BYTES_MAX} bytes");
            return Err(CoreError::Garbage { call: call.into(), cause });
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

/// The whole chain of causes: the outermost says only that a request failed. Without the address, which the
/// call's name stands for.
fn unreachable(call: &str, error: &reqwest::Error) -> CoreError {
    let mut cause = if error.is_timeout() { "timed out".to_owned() } else { String::new() };
    let mut inner = error.source();
    while let Some(error) = inner {
        cause = if cause.is_empty() { error.to_string() } else { format!("{cause}: {error}") };
        inner = error.source();
    }
    if cause.is_empty() {
        cause = error.to_string();
    }
    CoreError::Unreachable { call: call.into(), cause }
}
