//! `GET /health`: the process answers. Asks nobody, so that a neighbour's fault never restarts the service.

use axum::Json;
use serde::Serialize;
use utoipa::ToSchema;

#[derive(Serialize, ToSchema)]
pub(super) struct Health {
    #[schema(inline)]
    status: Life,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
enum Life {
    Ok,
}

/// Whether the process lives
///
/// Asks nobody, so that a neighbour's fault never restarts the service.
#[utoipa::path(get, path = "/health", operation_id = "health", tag = "operation", responses(
    (status = 200, description = "It lives", body = Health),
))]
pub(super) async fn health() -> Json<Health> {
    Json(Health { status: Life::Ok })
}
