//! `GET /`: what this service is and how it does, as a page, or as a few words of JSON.
//!
//! It is no probe: a neighbour that is away is shown, with status 200, and never waited for long.

use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::http::header::{ACCEPT, CACHE_CONTROL, CONTENT_SECURITY_POLICY, VARY};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use tokio::time::timeout;
use utoipa::ToSchema;

use super::AppState;
use super::ready::fault;
use crate::dashboard;
use crate::dashboard::overview::{JOBS_MAX, Overview, render};
use crate::store::{JobFilter, JobRecord};
use crate::telemetry::clock;

/// How long the database may take to list the last jobs; the page is shown without them then.
const JOBS_BOUND: Duration = Duration::from_secs(2);

/// What this service is and where more is said.
#[derive(Serialize, ToSchema)]
#[schema(as = Overview)]
pub(super) struct Summary {
    service: &'static str,
    version: &'static str,
    ready: bool,
    /// What is missing, of a service that is not ready.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    error: Option<String>,
    links: Links,
}

#[derive(Serialize, ToSchema)]
struct Links {
    docs: &'static str,
    openapi: &'static str,
    asyncapi: &'static str,
    metrics: &'static str,
    simulations: &'static str,
}

const LINKS: Links = Links {
    docs: "/docs",
    openapi: "/openapi.json",
    asyncapi: "/asyncapi.json",
    metrics: "/metrics",
    simulations: "/simulations",
};

/// What this service is and how it does
///
/// A page, or JSON for whom `accept` asks for it. Answers 200 also where a dependency is away, and says so.
#[utoipa::path(get, path = "/", operation_id = "overview", tag = "documents", responses(
    (status = 200, description = "Status, last simulations, links", content((String = "text/html; charset=utf-8"), (Summary = "application/json"))),
))]
pub(super) async fn overview(State(app): State<AppState>, headers: HeaderMap) -> Response {
    let answer = if wants_json(&headers) {
        let error = fault(&app, &app.readiness.checks().await);
        let (service, version) = (env!("CARGO_PKG_NAME"), env!("CARGO_PKG_VERSION"));
        Json(Summary { service, version, ready: error.is_none(), error, links: LINKS }).into_response()
    } else {
        let (checks, jobs) = tokio::join!(app.readiness.checks(), last_jobs(&app));
        let overview = Overview { now_ms: clock::now_ms(), fault: fault(&app, &checks), checks, jobs };
        html(render(&overview))
    };
    ([(VARY, "accept"), (CACHE_CONTROL, "no-store")], answer).into_response()
}

/// A page, with the policy that keeps it to itself.
pub(super) fn html(page: maud::Markup) -> Response {
    let policy = dashboard::CONTENT_SECURITY_POLICY.as_str();
    let headers = [
        (CONTENT_SECURITY_POLICY.as_str(), policy),
        ("x-content-type-options", "nosniff"),
        ("referrer-policy", "no-referrer"),
    ];
    (headers, axum::response::Html(page.into_string())).into_response()
}

async fn last_jobs(app: &AppState) -> Option<Vec<JobRecord>> {
    let filter = JobFilter::default();
    match timeout(JOBS_BOUND, app.store.jobs(&filter, JOBS_MAX, None)).await {
        Ok(Ok(jobs)) => Some(jobs),
        Ok(Err(error)) => {
            tracing::warn!(%error, "the overview is shown without the last jobs");
            None
        }
        Err(_) => {
            tracing::warn!(
                waited_ms = JOBS_BOUND.as_millis() as u64,
                "the overview is shown without the last jobs"
            );
            None
        }
    }
}

/// Whether JSON was asked for by name, and a page was not.
fn wants_json(headers: &HeaderMap) -> bool {
    let asked = |kind: &str| {
        let values = headers.get_all(ACCEPT).iter().filter_map(|value| value.to_str().ok());
        values
            .flat_map(|value| value.split(','))
            .any(|range| range.split(';').next().unwrap_or_default().trim().eq_ignore_ascii_case(kind))
    };
    asked("application/json") && !asked("text/html")
}
