//! One log line and two metrics a request.

use std::time::Instant;

use axum::extract::{MatchedPath, Request};
use axum::http::{Method, StatusCode};
use axum::middleware::Next;
use axum::response::Response;

use super::metrics::{REQUEST_DURATION, REQUESTS};

/// The route of whatever matches none: the path itself would let callers make series without end.
const UNMATCHED: &str = "unmatched";
/// Routes that machines ask every few seconds; their successes would drown the log.
const QUIET_ROUTES: [&str; 3] = ["/health", "/ready", "/metrics"];

pub(super) async fn record(request: Request, next: Next) -> Response {
    let started = Instant::now();
    let method = method_label(request.method());
    let route = request.extensions().get::<MatchedPath>().cloned();
    let response = next.run(request).await;

    let route = route.as_ref().map_or(UNMATCHED, MatchedPath::as_str);
    let elapsed = started.elapsed();
    count(method, route, response.status(), elapsed.as_secs_f64());
    let duration_ms = elapsed.as_secs_f64() * 1e3;
    let status = response.status().as_u16();
    if QUIET_ROUTES.contains(&route) && response.status().is_success() {
        tracing::debug!(
            http.method = method,
            http.route = route,
            http.status = status,
            duration_ms,
            "answered"
        );
    } else {
        tracing::info!(
            http.method = method,
            http.route = route,
            http.status = status,
            duration_ms,
            "answered"
        );
    }
    response
}

fn count(method: &'static str, route: &str, status: StatusCode, seconds: f64) {
    let labels =
        [("method", method.to_owned()), ("route", route.to_owned()), ("status", status.as_str().to_owned())];
    metrics::counter!(REQUESTS, &labels).increment(1);
    metrics::histogram!(REQUEST_DURATION, &labels).record(seconds);
}

/// Callers may invent methods; labels may not grow with them.
fn method_label(method: &Method) -> &'static str {
    match method.as_str() {
        "GET" => "GET",
        "HEAD" => "HEAD",
        "POST" => "POST",
        "PUT" => "PUT",
        "PATCH" => "PATCH",
        "DELETE" => "DELETE",
        "OPTIONS" => "OPTIONS",
        _ => "other",
    }
}
