//! `GET /metrics`.

use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use metrics_process::Collector;

use super::AppState;

/// `http_requests_total{method,route,status}`.
pub const REQUESTS: &str = "http_requests_total";
/// `http_request_duration_seconds{method,route,status}`.
pub const REQUEST_DURATION: &str = "http_request_duration_seconds";

/// Metrics for Prometheus
#[utoipa::path(get, path = "/metrics", operation_id = "metrics", tag = "operation", responses(
    (status = 200, description = "Prometheus' text format", body = String, content_type = "text/plain; version=0.0.4; charset=utf-8"),
))]
pub(super) async fn metrics(State(app): State<AppState>) -> impl IntoResponse {
    // A few small files of /proc.
    Collector::default().collect();
    ([(CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], app.metrics.render())
}
