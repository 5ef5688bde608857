//! `GET /ready`: whether to send requests here. `?verbose=1` says how each dependency is.

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::AppState;
use super::readiness::Check;

/// Unlike the API's own parameters, unknown ones are ignored: probes are configured by hand, in many places.
#[derive(Deserialize)]
pub(super) struct Parameters {
    verbose: Option<String>,
}

pub(super) async fn ready(
    State(app): State<AppState>,
    parameters: Result<Query<Parameters>, QueryRejection>,
) -> Response {
    let verbose = parameters
        .ok()
        .and_then(|Query(parameters)| parameters.verbose)
        .is_some_and(|verbose| matches!(verbose.as_str(), "" | "1" | "true"));
    let checks = app.readiness.checks().await;
    let fault = if app.draining.is_cancelled() {
        Some("the service is shutting down".to_owned())
    } else {
        missing(&checks)
    };
    let (status, mut body) = match fault {
        None => (StatusCode::OK, Map::from_iter([("status".to_owned(), json!("ready"))])),
        Some(fault) => (
            StatusCode::SERVICE_UNAVAILABLE,
            Map::from_iter([("status".to_owned(), json!("not_ready")), ("error".to_owned(), json!(fault))]),
        ),
    };
    if verbose {
        body.insert("checks".into(), checks.iter().map(shown).collect::<Map<_, _>>().into());
    }
    (status, Json(Value::Object(body))).into_response()
}

fn missing(checks: &[Check]) -> Option<String> {
    let faults: Vec<_> = checks
        .iter()
        .filter(|check| check.required && !check.ok)
        .map(|check| format!("{}: {}", check.name, check.detail))
        .collect();
    (!faults.is_empty()).then(|| faults.join("; "))
}

fn shown(check: &Check) -> (String, Value) {
    let Check { name, required, ok, detail } = check;
    ((*name).to_owned(), json!({"ok": ok, "required": required, "detail": detail}))
}
