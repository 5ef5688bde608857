//! `GET /docs`: the API for people, from the same document as for machines.

use std::sync::LazyLock;

use axum::http::header::CACHE_CONTROL;
use axum::response::IntoResponse;

use super::documents::CACHE;
use super::overview::html;
use crate::dashboard::reference::render;

static PAGE: LazyLock<maud::Markup> = LazyLock::new(|| render(&super::openapi()));

/// This API, for people
#[utoipa::path(get, path = "/docs", operation_id = "docs", tag = "documents", responses(
    (status = 200, description = "What `/openapi.json` says, as a page", body = String, content_type = "text/html; charset=utf-8"),
))]
pub(super) async fn reference() -> impl IntoResponse {
    ([(CACHE_CONTROL, CACHE)], html(PAGE.clone()))
}
