//! `GET /metrics`, and how the metrics of this room are shaped.

use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use metrics_exporter_prometheus::{BuildError, Matcher, PrometheusBuilder};

use super::AppState;
use crate::core_service::calls::{
    BREAKER_OPEN, REQUEST_DURATION as CORE_DURATION, REQUESTS as CORE_REQUESTS,
};
use crate::fleet::pace::TURNS;
use crate::fleet::results::READS;
use crate::worker::SIMULATION_DURATION;

/// `http_requests_total{method,route,status}`.
pub const REQUESTS: &str = "http_requests_total";
/// `http_request_duration_seconds{method,route,status}`.
pub const REQUEST_DURATION: &str = "http_request_duration_seconds";

/// Dense round 10 ms, where the operators' alert on the 99th percentile stands.
const DURATION_BUCKETS_S: [f64; 13] =
    [0.0005, 0.001, 0.0025, 0.005, 0.0075, 0.01, 0.015, 0.025, 0.05, 0.1, 0.5, 2.5, 10.0];

/// The builder that knows this room's buckets, for whoever installs the recorder. `GET /metrics` drains its
/// histograms; a process that nobody scrapes must call `run_upkeep` on the handle now and then.
///
/// # Errors
/// Never: the buckets are not empty.
pub fn with_buckets(builder: PrometheusBuilder) -> Result<PrometheusBuilder, BuildError> {
    builder
        .set_buckets_for_metric(Matcher::Full(REQUEST_DURATION.to_owned()), &DURATION_BUCKETS_S)?
        .set_buckets_for_metric(Matcher::Full(SIMULATION_DURATION.to_owned()), &SIMULATION_BUCKETS_S)?
        .set_buckets_for_metric(Matcher::Full(CORE_DURATION.to_owned()), &CORE_SERVICE_BUCKETS_S)
}

/// Says what the metrics are, once the recorder is installed.
pub fn describe() {
    metrics::describe_counter!(REQUESTS, "Requests answered");
    metrics::describe_histogram!(
        REQUEST_DURATION,
        metrics::Unit::Seconds,
        "From a request's head to its answer"
    );
    metrics::describe_counter!(READS, "Reads of one job by what Redis had of it");
    metrics::describe_counter!(TURNS, "Calls to Core Service that were given their turn, by whom");
    metrics::describe_counter!(
        CORE_REQUESTS,
        "Tries of calls to Core Service by outcome, and calls that were not sent"
    );
    metrics::describe_histogram!(
        CORE_DURATION,
        metrics::Unit::Seconds,
        "One try of a call to Core Service, body included"
    );
    metrics::describe_gauge!(
        BREAKER_OPEN,
        "1 while calls to Core Service are held back because it failed too often"
    );
}

/// From a neighbour in the cluster to the longest time-out that is usual.
const CORE_SERVICE_BUCKETS_S: [f64; 9] = [0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 2.5, 10.0, 30.0];

/// From a claim to its settlement, `simulation_duration_seconds{status}`: from a small history to the attempt's deadline.
const SIMULATION_BUCKETS_S: [f64; 12] =
    [0.01, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 15.0, 60.0, 300.0, 1_200.0];

/// Metrics for Prometheus
#[utoipa::path(get, path = "/metrics", operation_id = "metrics", tag = "operation", responses(
    (status = 200, description = "Prometheus' text format", body = String, content_type = "text/plain; version=0.0.4; charset=utf-8"),
))]
pub(super) async fn metrics(State(app): State<AppState>) -> impl IntoResponse {
    ([(CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], app.metrics.render())
}
