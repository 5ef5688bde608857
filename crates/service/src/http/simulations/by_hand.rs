//! `POST /simulations/:id/cancel` and `…/retry`: a person ends a job, or has it tried anew. There is no `DELETE`: what was
//! cancelled is still there to be read.

use axum::Json;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::StatusCode;

use super::get::simulation_id;
use super::job_view::JobView;
use crate::http::AppState;
use crate::http::error::{ApiError, Body};
use crate::jobs::ids::JobId;
use crate::store::JobStatus;
use crate::store::by_hand::Moved;

/// Cancel a simulation
///
/// It has then failed, with the error `cancelled`; what runs for it stops within a second. Cancelling twice is
/// cancelling once.
#[utoipa::path(post, path = "/simulations/{id}/cancel", operation_id = "cancelSimulation", tag = "simulations",
    params(("id" = String, Path, description = "As `POST /simulations` gave it")),
    responses(
        (status = 200, description = "The simulation, cancelled", body = JobView),
        (status = 404, description = "`simulation_not_found`", body = Body),
        (status = 409, description = "`simulation_over`: it is completed, or failed by itself", body = Body),
    ),
)]
pub(in crate::http) async fn cancel(
    State(app): State<AppState>,
    id: Result<Path<String>, PathRejection>,
) -> Result<Json<JobView>, ApiError> {
    let id = simulation_id(id)?;
    match app.by_hand.cancel(&id).await? {
        Moved::Done => tracing::info!(job.id = %id, "a simulation was cancelled"),
        Moved::Unknown => return Err(ApiError::no_such_simulation()),
        Moved::Refused(status) => {
            return Err(conflict("simulation_over", status, "cancelled"));
        }
    }
    shown(&app, &id).await
}

/// Try a failed simulation anew
///
/// It waits again, as if it had just been ordered, under the same id; a history that was fetched for it is kept. A new
/// order (`POST /simulations`) fetches it anew.
#[utoipa::path(post, path = "/simulations/{id}/retry", operation_id = "retrySimulation", tag = "simulations",
    params(("id" = String, Path, description = "As `POST /simulations` gave it")),
    responses(
        (status = 202, description = "The simulation, waiting; `lastError` says why it had failed", body = JobView),
        (status = 404, description = "`simulation_not_found`", body = Body),
        (status = 409, description = "`simulation_not_failed`: it waits, runs or is completed", body = Body),
    ),
)]
pub(in crate::http) async fn retry(
    State(app): State<AppState>,
    id: Result<Path<String>, PathRejection>,
) -> Result<(StatusCode, Json<JobView>), ApiError> {
    let id = simulation_id(id)?;
    match app.by_hand.retry(&id).await? {
        Moved::Done => tracing::info!(job.id = %id, "a failed simulation is tried anew"),
        Moved::Unknown => return Err(ApiError::no_such_simulation()),
        Moved::Refused(status) => return Err(conflict("simulation_not_failed", status, "tried anew")),
    }
    (app.wake)();
    Ok((StatusCode::ACCEPTED, shown(&app, &id).await?))
}

async fn shown(app: &AppState, id: &JobId) -> Result<Json<JobView>, ApiError> {
    let job = app.store.job(id).await?.ok_or_else(ApiError::no_such_simulation)?;
    Ok(Json(job.into()))
}

fn conflict(code: &'static str, status: JobStatus, wish: &str) -> ApiError {
    let message = format!("the simulation is {} and cannot be {wish}", status.as_str());
    ApiError::new(StatusCode::CONFLICT, code, message)
}
