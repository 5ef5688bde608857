//! `GET /ready`: whether to send requests here. `?verbose=1` says how each dependency is.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::AppState;
use super::readiness::Check;

/// Unlike the API's own parameters, unknown ones are ignored: probes are configured by hand, in many places.
#[derive(Deserialize)]
pub(super) struct Parameters {
    verbose: Option<String>,
}

/// Whether to send requests here.
#[derive(Serialize, ToSchema)]
pub(super) struct Ready {
    /// How each dependency is, by its name; where the request was `verbose`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    checks: Option<BTreeMap<&'static str, CheckView>>,
    /// What is missing, of a service that is not ready.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    error: Option<String>,
    status: Status,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = ReadyStatus)]
enum Status {
    Ready,
    NotReady,
}

#[derive(Serialize, ToSchema)]
#[schema(as = Check)]
struct CheckView {
    /// A phrase for people.
    detail: String,
    ok: bool,
    /// Without it the service is not ready.
    required: bool,
}

/// Whether to send requests here
#[utoipa::path(get, path = "/ready", operation_id = "ready", tag = "operation",
    params(("verbose" = Option<String>, Query, description = "`1`, `true` or nothing adds a check per dependency", example = "1")),
    responses(
        (status = 200, description = "Yes", body = Ready),
        (status = 503, description = "No: a dependency that is required is away, or the service is shutting down", body = Ready),
    ),
)]
pub(super) async fn ready(
    State(app): State<AppState>,
    parameters: Result<Query<Parameters>, QueryRejection>,
) -> Response {
    let verbose = parameters
        .ok()
        .and_then(|Query(parameters)| parameters.verbose)
        .is_some_and(|verbose| matches!(verbose.as_str(), "" | "1" | "true"));
    let checks = app.readiness.checks().await;
    let fault = fault(&app, &checks);
    let checks = verbose.then(|| checks.into_iter().map(shown).collect());
    match fault {
        None => (StatusCode::OK, Json(Ready { checks, error: None, status: Status::Ready })),
        Some(fault) => (
            StatusCode::SERVICE_UNAVAILABLE,
            Json(Ready { checks, error: Some(fault), status: Status::NotReady }),
        ),
    }
    .into_response()
}

/// Why no requests should be sent here, in words that name no address; `None` where all is well.
pub(super) fn fault(app: &AppState, checks: &[Check]) -> Option<String> {
    if app.draining.is_cancelled() {
        Some("the service is shutting down".to_owned())
    } else {
        missing(checks)
    }
}

fn missing(checks: &[Check]) -> Option<String> {
    let required = checks.iter().filter(|check| check.required);
    let faults: Vec<_> =
        required.filter_map(|check| Some(format!("{}: {}", check.name, check.fault?))).collect();
    (!faults.is_empty()).then(|| faults.join("; "))
}

fn shown(check: Check) -> (&'static str, CheckView) {
    let Check { name, required, ok, detail, .. } = check;
    (name, CheckView { detail, ok, required })
}
