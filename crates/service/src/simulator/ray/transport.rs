//! One call to Ray Serve: bounded in time and size, never retried here, never redirected.

use std::error::Error as _;
use std::time::Duration;

use reqwest::header::{CONTENT_TYPE, HeaderMap, RETRY_AFTER};
use reqwest::{Client, Method, RequestBuilder, Response, StatusCode, Url, redirect};
use serde_json::json;

use super::verdict::{Failure, Refusal, Said};

/// `ray_serve_requests_total{status}`: calls, by `success` or `error`.
pub(super) const REQUESTS: &str = "ray_serve_requests_total";

/// The header that our own code puts on every answer, with its engine's version.
pub const MARK: &str = "x-monte-carlo-engine";
/// What Serve and our own code end a call by.
const TIME_LEFT: &str = "x-request-timeout-seconds";
/// A call's id: in Serve's log too, and what `shards/cancel` names it by.
const CALL: &str = "x-request-id";

/// A host that does not take the connection by then is away; the first job of a service without Ray waits so long.
const CONNECT_BOUND: Duration = Duration::from_secs(1);
/// Shorter than any proxy keeps a connection that is idle, so that none is used that the other side closes.
const IDLE_BOUND: Duration = Duration::from_secs(30);
/// The largest tally: a shard is cut to answer with less than 1 MB.
pub(super) const ANSWER_BYTES_MAX: usize = 4 << 20;
/// The largest health report, and the largest refusal.
const WORD_BYTES_MAX: usize = 64 << 10;
/// The largest result of an old application: some hundred times what one takes.
const RESULT_BYTES_MAX: usize = 4 << 20;

/// Where Ray Serve is, with a pool of connections.
pub struct Transport {
    base: Url,
    http: Client,
}

impl Transport {
    /// A client that has called nobody yet.
    ///
    /// # Errors
    /// A phrase, where none can be made.
    pub fn new(base: &Url) -> Result<Self, String> {
        // Retries are the board's affair, which counts them; a neighbour in the cluster needs no proxy.
        let http = Client::builder()
            .user_agent("monte-carlo-service")
            .retry(reqwest::retry::never())
            .redirect(redirect::Policy::none())
            .no_proxy()
            .connect_timeout(CONNECT_BOUND)
            .pool_idle_timeout(IDLE_BOUND)
            .build()
            .map_err(|error| error.to_string())?;
        Ok(Self { base: base.clone(), http })
    }

    /// The body of `GET /health`.
    ///
    /// # Errors
    /// A phrase.
    pub async fn health(&self, bound: Duration) -> Result<Vec<u8>, String> {
        let answer = ask(self.request(Method::GET, &["health"], bound), bound, WORD_BYTES_MAX).await;
        answer.map(|(_, body)| body).map_err(|failure| match failure {
            Failure::NotConnected(why) | Failure::Broken(why) => why,
            Failure::TimedOut => format!("no answer within {} ms", bound.as_millis()),
            Failure::TooLarge => "GET /health answered with more than a health report".to_owned(),
            Failure::Refused(refusal) => format!("GET /health answered {}", refusal.status),
            Failure::Wire(error) => error.to_string(),
        })
    }

    /// The answer to the frame of a shard, where our own code gave it.
    pub(super) async fn shard(
        &self,
        call: &str,
        frame: Vec<u8>,
        bound: Duration,
    ) -> Result<Vec<u8>, Failure> {
        let request = self.request(Method::POST, &["shards"], bound).header(CALL, call);
        let request = request.header(CONTENT_TYPE, "application/octet-stream").body(frame);
        let (head, body) = ask(request, bound, ANSWER_BYTES_MAX).await?;
        match head.mark.as_deref() {
            Some(engine) if engine == monte_carlo_engine::ENGINE_VERSION => Ok(body),
            _ => Err(Failure::Refused(head)),
        }
    }

    /// Ends calls for shards by their ids.
    pub(super) async fn cancel(&self, calls: &[String], bound: Duration) -> Result<(), Failure> {
        let request = self.request(Method::POST, &["shards", "cancel"], bound).json(&json!({"calls": calls}));
        ask(request, bound, WORD_BYTES_MAX).await.map(|_| ())
    }

    /// The answer of an old application to a whole job.
    pub(super) async fn simulate(&self, document: Vec<u8>, bound: Duration) -> Result<Vec<u8>, Failure> {
        let request = self.request(Method::POST, &["simulate"], bound);
        let request = request.header(CONTENT_TYPE, "application/json").body(document);
        ask(request, bound, RESULT_BYTES_MAX).await.map(|(_, body)| body)
    }

    fn request(&self, method: Method, path: &[&str], bound: Duration) -> RequestBuilder {
        let mut url = self.base.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().extend(path);
        }
        self.http.request(method, url).timeout(bound).header(TIME_LEFT, format!("{:.3}", bound.as_secs_f64()))
    }
}

/// A 200's head and its whole body, within `bound`.
async fn ask(
    request: RequestBuilder,
    bound: Duration,
    bytes_max: usize,
) -> Result<(Refusal, Vec<u8>), Failure> {
    let answer = async {
        let response = request.send().await.map_err(|error| unanswered(&error))?;
        let mut head = head_of(&response);
        if response.status() == StatusCode::OK {
            return Ok((head, body_of(response, bytes_max).await?));
        }
        // Of a refusal that is no word of ours the status says enough.
        if let Ok(body) = body_of(response, WORD_BYTES_MAX).await {
            head.said = serde_json::from_slice::<Said>(&body).unwrap_or_default();
        }
        Err(Failure::Refused(head))
    };
    tokio::time::timeout(bound, answer).await.unwrap_or(Err(Failure::TimedOut))
}

/// Counts a call, once it is known what its answer was worth.
pub(super) fn count(is_success: bool) {
    let status = if is_success { "success" } else { "error" };
    metrics::counter!(REQUESTS, "status" => status).increment(1);
}

fn head_of(response: &Response) -> Refusal {
    let headers = response.headers();
    Refusal {
        status: response.status().as_u16(),
        mark: text(headers, MARK),
        // In seconds; the other form, a date, is for caches and passed over.
        retry_after: text(headers, RETRY_AFTER.as_str())
            .and_then(|text| text.parse().ok())
            .map(Duration::from_secs),
        said: Said::default(),
    }
}

fn text(headers: &HeaderMap, name: &str) -> Option<String> {
    headers.get(name)?.to_str().ok().map(|text| text.trim().to_owned())
}

async fn body_of(mut response: Response, bytes_max: usize) -> Result<Vec<u8>, Failure> {
    if response.content_length().is_some_and(|length| length > bytes_max as u64) {
        return Err(Failure::TooLarge);
    }
    let mut bytes = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| unanswered(&error))? {
        if bytes.len() + chunk.len() > bytes_max {
            return Err(Failure::TooLarge);
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes)
}

/// The innermost cause: "connection refused" says more than "error sending request".
fn unanswered(error: &reqwest::Error) -> Failure {
    let mut cause = error.source();
    while let Some(deeper) = cause.and_then(std::error::Error::source) {
        cause = Some(deeper);
    }
    let why = cause.map_or_else(|| error.to_string(), ToString::to_string);
    if error.is_connect() {
        Failure::NotConnected(why)
    } else if error.is_timeout() {
        Failure::TimedOut
    } else {
        Failure::Broken(why)
    }
}
