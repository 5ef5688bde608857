//! The API: routes, and what their handlers share. Handlers know no SQL and no Kafka; the store knows no HTTP.
//!
//! A request passes, from the outside in: correlation, access log and metrics, panics caught, the time limit,
//! the route.

mod access;
mod body;
mod correlation;
mod dead_letters;
mod documents;
mod error;
mod health;
mod hex;
pub mod job_reader;
pub mod limits;
pub mod metrics;
mod overview;
pub mod readiness;
mod ready;
mod reference;
pub mod server;
mod simulations;
pub mod subjects;

use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::middleware::{Next, from_fn, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use metrics_exporter_prometheus::PrometheusHandle;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tower_http::catch_panic::CatchPanicLayer;
use utoipa::ToSchema as _;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub use correlation::CORRELATION_ID;
pub(crate) use dead_letters::LetterView;
pub use error::ApiError;
pub(crate) use simulations::daily_view::DailyCountsView;

use crate::dead_letters::LetterOffice;
use crate::schedule::trigger::DailyDoor;
use crate::store::Store;
use crate::store::by_hand::ByHand;
use crate::store::dead_letters::DeadLetters;
use error::Body;
use job_reader::JobReader;
use limits::{HISTORIES_CHECKED_MAX, LARGE_BODIES_MAX, Timeouts};
use readiness::Readiness;
use subjects::SubjectLookup;

/// What the API needs from the rest of the service.
pub struct Dependencies {
    pub store: Arc<dyn Store>,
    pub by_hand: Arc<dyn ByHand>,
    pub dead_letters: Arc<dyn DeadLetters>,
    /// For one job by its id.
    pub jobs: Arc<dyn JobReader>,
    pub subjects: Arc<dyn SubjectLookup>,
    pub daily: Arc<dyn DailyDoor>,
    pub readiness: Arc<dyn Readiness>,
    /// Called after a job was created, so that a worker looks now and not at its next poll.
    pub wake: Arc<dyn Fn() + Send + Sync>,
    /// Paths of a simulation that does not name a number.
    pub default_paths: u64,
    pub metrics: PrometheusHandle,
    /// Once cancelled, `GET /ready` says that no more requests should be sent here.
    pub draining: CancellationToken,
    pub timeouts: Timeouts,
}

/// Shared by all handlers.
#[derive(Clone)]
pub(crate) struct AppState {
    store: Arc<dyn Store>,
    by_hand: Arc<dyn ByHand>,
    letter_office: LetterOffice,
    jobs: Arc<dyn JobReader>,
    subjects: Arc<dyn SubjectLookup>,
    daily: Arc<dyn DailyDoor>,
    readiness: Arc<dyn Readiness>,
    wake: Arc<dyn Fn() + Send + Sync>,
    default_paths: u64,
    metrics: PrometheusHandle,
    draining: CancellationToken,
    timeouts: Timeouts,
    large_bodies: Arc<Semaphore>,
    histories: Arc<Semaphore>,
}

/// The whole API.
pub fn router(dependencies: Dependencies) -> Router {
    let Dependencies {
        store,
        by_hand,
        dead_letters,
        jobs,
        subjects,
        daily,
        readiness,
        wake,
        default_paths,
        metrics,
        draining,
        timeouts,
    } = dependencies;
    let app = AppState {
        store,
        letter_office: LetterOffice { letters: dead_letters, by_hand: by_hand.clone() },
        by_hand,
        jobs,
        subjects,
        daily,
        readiness,
        wake,
        default_paths,
        metrics,
        draining,
        timeouts,
        large_bodies: Arc::new(Semaphore::new(LARGE_BODIES_MAX)),
        histories: Arc::new(Semaphore::new(HISTORIES_CHECKED_MAX)),
    };
    let (routes, _) = routes().split_for_parts();
    routes
        .fallback(no_such_route)
        .method_not_allowed_fallback(wrong_method)
        .layer(from_fn_with_state(app.clone(), in_time))
        .layer(CatchPanicLayer::custom(error::panicked))
        .layer(from_fn(access::record))
        .layer(from_fn(correlation::correlate))
        .with_state(app)
}

/// Every route with its documentation: what is not here is neither served nor documented.
fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(overview::overview))
        .routes(routes!(reference::reference))
        .routes(routes!(documents::openapi_document))
        .routes(routes!(documents::asyncapi_document))
        .routes(routes!(health::health))
        .routes(routes!(ready::ready))
        .routes(routes!(metrics::metrics))
        .routes(routes!(simulations::list::list, simulations::create::create))
        .routes(routes!(simulations::daily::run))
        .routes(routes!(simulations::bulk::change))
        .routes(routes!(simulations::get::get))
        .routes(routes!(simulations::by_hand::cancel))
        .routes(routes!(simulations::by_hand::retry))
        .routes(routes!(dead_letters::list))
        .routes(routes!(dead_letters::replay))
}

/// The API as an OpenAPI 3.1 document.
pub fn openapi() -> serde_json::Value {
    crate::documents::openapi::finish(&routes().into_openapi(), Body::name().as_ref())
}

/// A request that takes too long is dropped; nothing half-done stays behind, for the store writes in transactions.
async fn in_time(State(app): State<AppState>, request: Request, next: Next) -> Response {
    match tokio::time::timeout(app.timeouts.request, next.run(request)).await {
        Ok(response) => response,
        Err(_) => {
            tracing::error!("a request took too long and was dropped");
            ApiError::unavailable("timeout", "the answer took too long; try again soon").into_response()
        }
    }
}

async fn no_such_route() -> ApiError {
    let message =
        "there is no such route; /docs describes those that there are, /simulations and /health among them";
    ApiError::new(StatusCode::NOT_FOUND, "route_not_found", message)
}

async fn wrong_method() -> ApiError {
    let message = "this route does not take this method; the header `allow` names those that it takes";
    ApiError::new(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", message)
}
