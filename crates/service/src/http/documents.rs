//! The API and the topics, described for machines.

use std::sync::LazyLock;

use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::response::IntoResponse;

use crate::documents::asyncapi;

/// A document changes with the program alone; some minutes are short enough for a new release to be seen.
pub(super) const CACHE: &str = "public, max-age=300";

static OPENAPI: LazyLock<String> = LazyLock::new(|| super::openapi().to_string());
static ASYNCAPI: LazyLock<String> = LazyLock::new(|| asyncapi::document().to_string());

/// This API, as OpenAPI 3.1
#[utoipa::path(get, path = "/openapi.json", operation_id = "openapi", tag = "documents", responses(
    (status = 200, description = "The document that you are reading", body = Object),
))]
pub(super) async fn openapi_document() -> impl IntoResponse {
    json(&OPENAPI)
}

/// The topics, as AsyncAPI 3
#[utoipa::path(get, path = "/asyncapi.json", operation_id = "asyncapi", tag = "documents", responses(
    (status = 200, description = "Topics, keys, headers and payloads", body = Object),
))]
pub(super) async fn asyncapi_document() -> impl IntoResponse {
    json(&ASYNCAPI)
}

fn json(document: &'static str) -> impl IntoResponse {
    ([(CONTENT_TYPE, "application/json"), (CACHE_CONTROL, CACHE)], document)
}
