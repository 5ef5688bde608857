//! `POST /simulations/bulk`: many jobs cancelled or tried anew at once, each by itself, with an outcome a job.

use axum::Json;
use axum::extract::{Request, State};
use futures::{StreamExt, TryStreamExt, stream};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::order::{object, platform_id};
use crate::http::AppState;
use crate::http::body::receive_json;
use crate::http::error::{ApiError, Body};
use crate::jobs::ids::JobId;
use crate::store::by_hand::Moved;
use crate::store::{JobStatus, StoreError};

/// The most jobs of one request: some seconds of small transactions.
const IDS_MAX: usize = 1_000;
/// Transactions at once: a few of the pool's connections, so that workers keep theirs.
const AT_ONCE: usize = 4;

/// What is to be done, and to which simulations.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = BulkRequest)]
pub(super) struct Order {
    action: Action,
    /// One that is named twice is done once.
    #[schema(min_items = 1, max_items = 1000)]
    ids: Vec<String>,
}

/// What is to be done to each.
#[derive(Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
#[schema(as = BulkAction)]
enum Action {
    /// As `POST /simulations/{id}/cancel`.
    Cancel,
    /// As `POST /simulations/{id}/retry`.
    Retry,
}

/// What came of each.
#[derive(Serialize, ToSchema)]
#[schema(as = BulkAnswer)]
pub(in crate::http) struct Answer {
    /// How many were done.
    done: usize,
    /// In the order of the request.
    results: Vec<Row>,
}

/// What came of one.
#[derive(Serialize, ToSchema)]
#[schema(as = BulkResult)]
struct Row {
    id: String,
    outcome: Outcome,
    /// Where it stands, where it was refused.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = JobStatus, nullable = false)]
    status: Option<&'static str>,
}

/// What came of it.
#[derive(Clone, Copy, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = BulkOutcome)]
enum Outcome {
    /// It is cancelled, or waits anew.
    Done,
    /// From where it stands it cannot be; nothing changed.
    Refused,
    /// There is no such simulation.
    NotFound,
}

/// Cancel or retry many simulations
///
/// Up to 1,000, each by itself: what cannot be done to one is told in its row and hinders no other. After a 503 some may be
/// done; asking again does the rest.
#[utoipa::path(post, path = "/simulations/bulk", operation_id = "changeSimulations", tag = "simulations",
    request_body(content = Order, content_type = "application/json", examples(
        ("cancel" = (value = json!({"action": "cancel", "ids": ["01934f6e-6c1a-7c3b-9d55-3f6a0c1e2b77"]}))),
    )),
    responses(
        (status = 200, description = "What came of each", body = Answer),
        (status = 400, description = "`invalid_json`, `unreadable_body`, or `invalid_request` with the `field`", body = Body),
        (status = 408, description = "`request_timeout`: the body came too slowly", body = Body),
        (status = 413, description = "`body_too_large`", body = Body),
        (status = 415, description = "`unsupported_media_type` or `unsupported_encoding`", body = Body),
    ),
)]
pub(in crate::http) async fn change(
    State(app): State<AppState>,
    request: Request,
) -> Result<Json<Answer>, ApiError> {
    let Order { action, ids } = object(&receive_json(request, &app.large_bodies, app.timeouts).await?.bytes)?;
    if !(1..=IDS_MAX).contains(&ids.len()) {
        return Err(ApiError::invalid("ids", format!("must be 1 to {IDS_MAX} ids")));
    }
    let work = ids.into_iter().map(|id| row(&app, action, id));
    let results: Vec<Row> = stream::iter(work).buffered(AT_ONCE).try_collect().await?;
    let done = results.iter().filter(|row| row.outcome == Outcome::Done).count();
    if matches!(action, Action::Retry) && done > 0 {
        (app.wake)();
    }
    Ok(Json(Answer { done, results }))
}

async fn row(app: &AppState, action: Action, id: String) -> Result<Row, StoreError> {
    // An id that no simulation can have is simply not there.
    let moved = match (platform_id("ids", id.clone()), action) {
        (Err(_), _) => Moved::Unknown,
        (Ok(id), Action::Cancel) => app.by_hand.cancel(&JobId(id)).await?,
        (Ok(id), Action::Retry) => app.by_hand.retry(&JobId(id)).await?,
    };
    let (outcome, status) = match moved {
        Moved::Done => (Outcome::Done, None),
        Moved::Refused(status) => (Outcome::Refused, Some(status.as_str())),
        Moved::Unknown => (Outcome::NotFound, None),
    };
    Ok(Row { id, outcome, status })
}
