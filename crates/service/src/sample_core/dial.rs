//! The fault dial: makes a sample Core Service misbehave, route by route, and keeps what it was asked.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::http::header::{ACCEPT, CONTENT_LENGTH, CONTENT_TYPE, LOCATION, RETRY_AFTER};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use futures::{StreamExt as _, stream};

/// A right answer is read into memory before it is spoilt; ours are small.
const ANSWER_BYTES_MAX: usize = 16 * 1024 * 1024;
/// Padding leaves in pieces, so that it costs no memory.
const PAD_BYTES: usize = 64 * 1024;
/// Requests that are remembered; the oldest go first.
const REQUESTS_MAX: usize = 100_000;

/// A kind of question.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Route {
    Assessment,
    FundedAccount,
    FundedAccounts,
    Trades,
    /// Whatever else is asked.
    Other,
}

impl Route {
    pub const ALL: [Self; 5] =
        [Self::Assessment, Self::FundedAccount, Self::FundedAccounts, Self::Trades, Self::Other];

    fn of(path: &str) -> Self {
        let path = path.strip_prefix("/bare").unwrap_or(path);
        match path.trim_start_matches('/').split('/').collect::<Vec<_>>()[..] {
            ["assessments", _] => Self::Assessment,
            ["funded-accounts"] => Self::FundedAccounts,
            ["funded-accounts", _] => Self::FundedAccount,
            ["trades"] => Self::Trades,
            _ => Self::Other,
        }
    }
}

/// A way to misbehave.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// This status, with an empty JSON object; some with a `Retry-After`, in seconds.
    Status { status: u16, retry_after_s: Option<u64> },
    /// The right answer, late.
    Delay(Duration),
    /// The right head, the first bytes of the right body, and the connection's end.
    CutAfter(usize),
    /// A 200 with this type and body.
    Body { content_type: &'static str, body: String },
    /// The right answer after so many bytes of white space, which JSON allows.
    Padded(usize),
    /// Elsewhere.
    Redirect(String),
}

/// A request, as it came.
#[derive(Clone, Debug)]
pub struct Asked {
    pub at: Instant,
    pub route: Route,
    /// Path and query.
    pub target: String,
    pub status: u16,
}

/// Turned by tests; at first everything works. Clones turn the same dial.
#[derive(Clone, Debug, Default)]
pub struct FaultDial(Arc<Mutex<Settings>>);

#[derive(Debug, Default)]
struct Settings {
    troubles: HashMap<Route, (Trouble, Option<u32>)>,
    asked: VecDeque<Asked>,
    broken_rules: Vec<String>,
}

impl FaultDial {
    /// Every answer of `route` is spoilt, until told otherwise.
    pub fn spoil(&self, route: Route, trouble: Trouble) {
        self.settings().troubles.insert(route, (trouble, None));
    }

    /// The next `times` answers of `route` are spoilt; then it recovers.
    pub fn spoil_times(&self, route: Route, trouble: Trouble, times: u32) {
        self.settings().troubles.insert(route, (trouble, Some(times)));
    }

    /// Nothing works: every route answers `status`.
    pub fn down(&self, status: u16) {
        for route in Route::ALL {
            self.spoil(route, Trouble::Status { status, retry_after_s: None });
        }
    }

    /// Everything works again.
    pub fn recover(&self) {
        self.settings().troubles.clear();
    }

    /// What was asked so far, the oldest first.
    pub fn asked(&self) -> Vec<Asked> {
        self.settings().asked.iter().cloned().collect()
    }

    /// Requests that broke the contract, each with the rule; they were refused.
    pub fn broken_rules(&self) -> Vec<String> {
        self.settings().broken_rules.clone()
    }

    fn trouble(&self, route: Route) -> Option<Trouble> {
        let mut settings = self.settings();
        let (trouble, left) = settings.troubles.get_mut(&route)?;
        match left {
            None => Some(trouble.clone()),
            Some(0) => None,
            Some(left) => {
                *left -= 1;
                Some(trouble.clone())
            }
        }
    }

    fn remember(&self, asked: Asked) {
        let mut settings = self.settings();
        if settings.asked.len() == REQUESTS_MAX {
            settings.asked.pop_front();
        }
        settings.asked.push_back(asked);
    }

    fn settings(&self) -> MutexGuard<'_, Settings> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Refuses what breaks the contract, remembers every request, and spoils the answer as the dial says.
pub(super) async fn turn(State(dial): State<FaultDial>, request: Request, next: Next) -> Response {
    let at = Instant::now();
    let target = request.uri().to_string();
    let route = Route::of(request.uri().path());
    let rule = broken_rule(&request);
    if let Some(rule) = rule {
        dial.settings().broken_rules.push(format!("{target}: {rule}"));
    }
    let response = match (rule, dial.trouble(route)) {
        (Some(rule), _) => (StatusCode::BAD_REQUEST, rule).into_response(),
        (None, None) => next.run(request).await,
        (None, Some(trouble)) => spoilt(trouble, request, next).await,
    };
    // The handlers refuse what only they can know to be wrong: an unknown parameter, a page that is too large.
    if rule.is_none() && response.status() == StatusCode::BAD_REQUEST {
        dial.settings().broken_rules.push(format!("{target}: refused"));
    }
    dial.remember(Asked { at, route, target, status: response.status().as_u16() });
    response
}

fn broken_rule(request: &Request) -> Option<&'static str> {
    let accepts = |headers: &HeaderMap| {
        let accept = headers.get(ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or("*/*");
        accept.contains("*/*") || accept.contains("application/json")
    };
    if request.method() != Method::GET {
        Some("only GET is spoken")
    } else if !accepts(request.headers()) {
        Some("only JSON is spoken")
    } else {
        None
    }
}

async fn spoilt(trouble: Trouble, request: Request, next: Next) -> Response {
    match trouble {
        Trouble::Status { status, retry_after_s } => {
            let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
            let mut response = (status, [(CONTENT_TYPE, "application/json")], "{}").into_response();
            if let Some(seconds) = retry_after_s {
                response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds));
            }
            response
        }
        Trouble::Delay(delay) => {
            tokio::time::sleep(delay).await;
            next.run(request).await
        }
        Trouble::Body { content_type, body } => ([(CONTENT_TYPE, content_type)], body).into_response(),
        Trouble::Redirect(location) => {
            (StatusCode::TEMPORARY_REDIRECT, [(LOCATION, location)]).into_response()
        }
        Trouble::CutAfter(bytes) => {
            let (head, body) = whole(next.run(request).await).await;
            let length = body.len();
            let sent = body.slice(..bytes.min(length));
            // The length promises the rest; the error ends the connection instead.
            let cut = stream::iter([Ok(sent), Err(std::io::Error::other("cut"))]);
            let mut response = (head.status(), Body::from_stream(cut)).into_response();
            *response.headers_mut() = head.headers().clone();
            response.headers_mut().insert(CONTENT_LENGTH, HeaderValue::from(length.max(bytes + 1)));
            response
        }
        Trouble::Padded(bytes) => {
            let (head, body) = whole(next.run(request).await).await;
            let pad = |size| Ok::<_, std::io::Error>(Bytes::from(vec![b' '; size]));
            let pieces = stream::iter(0..bytes / PAD_BYTES).map(move |_| pad(PAD_BYTES));
            let rest = stream::iter([pad(bytes % PAD_BYTES), Ok(body)]);
            let mut response = (head.status(), Body::from_stream(pieces.chain(rest))).into_response();
            *response.headers_mut() = head.headers().clone();
            response.headers_mut().remove(CONTENT_LENGTH);
            response
        }
    }
}

/// The head, and the whole body.
async fn whole(response: Response) -> (Response, Bytes) {
    let (parts, body) = response.into_parts();
    let body = axum::body::to_bytes(body, ANSWER_BYTES_MAX).await.unwrap_or_default();
    (Response::from_parts(parts, Body::empty()), body)
}
