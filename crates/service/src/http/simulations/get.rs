//! `GET /simulations/:id`: one job, input and result whole.

use axum::Json;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};

use super::job_view::JobView;
use super::order::platform_id;
use crate::http::AppState;
use crate::http::error::ApiError;
use crate::jobs::ids::JobId;

/// An id that no job can have is simply not there: callers treat ids as opaque.
pub(in crate::http) async fn get(
    State(app): State<AppState>,
    id: Result<Path<String>, PathRejection>,
) -> Result<Json<JobView>, ApiError> {
    let id =
        id.ok().and_then(|Path(id)| platform_id("id", id).ok()).ok_or_else(ApiError::no_such_simulation)?;
    let job = app.jobs.job(&JobId(id)).await?.ok_or_else(ApiError::no_such_simulation)?;
    Ok(Json(job.into()))
}
