//! `GET /health`: the process answers. Asks nobody, so that a neighbour's fault never restarts the service.

use axum::Json;
use serde_json::{Value, json};

pub(super) async fn health() -> Json<Value> {
    Json(json!({"status": "ok"}))
}
