//! `GET /simulations/:id`: one job, input and result whole.

use axum::Json;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};

use super::job_view::JobView;
use super::order::platform_id;
use crate::http::AppState;
use crate::http::error::{ApiError, Body};
use crate::jobs::ids::JobId;

/// One simulation
///
/// Input and result whole. Ids are opaque; one that no simulation can have is simply not there.
#[utoipa::path(get, path = "/simulations/{id}", operation_id = "getSimulation", tag = "simulations",
    params(("id" = String, Path, description = "As `POST /simulations` gave it", example = "01934f6e-6c1a-7c3b-9d55-3f6a0c1e2b77")),
    responses(
        (status = 200, description = "The simulation", body = JobView),
        (status = 404, description = "`simulation_not_found`", body = Body),
    ),
)]
pub(in crate::http) async fn get(
    State(app): State<AppState>,
    id: Result<Path<String>, PathRejection>,
) -> Result<Json<JobView>, ApiError> {
    let id = simulation_id(id)?;
    let job = app.jobs.job(&id).await?.ok_or_else(ApiError::no_such_simulation)?;
    Ok(Json(job.into()))
}

/// The id of the path; one that no simulation can have is simply not there.
pub(super) fn simulation_id(id: Result<Path<String>, PathRejection>) -> Result<JobId, ApiError> {
    let id = id.ok().and_then(|Path(id)| platform_id("id", id).ok());
    id.map(JobId).ok_or_else(ApiError::no_such_simulation)
}
