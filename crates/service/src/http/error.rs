//! Every answer that is not a success: `{"error", "code", "field"?}`. The text is for the caller; what happened
//! inside goes to the log.

use std::any::Any;

use axum::Json;
use axum::http::header::RETRY_AFTER;
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;

use super::limits::ERROR_CHARS_MAX;
use crate::store::StoreError;

/// When to come back after a 503: the database's own failover takes some seconds.
const RETRY_AFTER_SECONDS: u16 = 2;

/// A refusal.
#[derive(Debug)]
pub struct ApiError {
    status: StatusCode,
    /// Stable; for programs.
    code: &'static str,
    /// A sentence; for people.
    message: String,
    /// Dotted path of what is wrong in the request.
    field: Option<String>,
}

/// Why the request was refused, or could not be answered.
#[derive(Serialize, ToSchema)]
#[schema(as = Error)]
pub(super) struct Body<'a> {
    /// A sentence; for people.
    error: &'a str,
    /// Stable; for programs.
    #[schema(examples("invalid_request"))]
    code: &'a str,
    /// Dotted path of what is wrong in the request.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, examples("config.paths"))]
    field: Option<&'a str>,
}

impl ApiError {
    /// Any refusal.
    pub fn new(status: StatusCode, code: &'static str, message: impl Into<String>) -> Self {
        Self { status, code, message: clipped(message.into()), field: None }
    }

    /// Names what is wrong.
    pub fn at(self, field: impl Into<String>) -> Self {
        Self { field: Some(clipped(field.into())), ..self }
    }

    /// 400: `field` is not what it must be.
    pub fn invalid(field: impl Into<String>, message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "invalid_request", message).at(field)
    }

    /// 404 of a job.
    pub fn no_such_simulation() -> Self {
        Self::new(StatusCode::NOT_FOUND, "simulation_not_found", "there is no simulation of that id")
    }

    /// 503: not now.
    pub fn unavailable(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, code, message)
    }

    /// 500, whose cause is in the log alone.
    pub fn internal() -> Self {
        let message = "something went wrong on our side; the log knows more by the correlation id";
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", message)
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let body = Body { error: &self.message, code: self.code, field: self.field.as_deref() };
        let mut response = (self.status, Json(body)).into_response();
        if self.status == StatusCode::SERVICE_UNAVAILABLE {
            response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(RETRY_AFTER_SECONDS));
        }
        response
    }
}

impl From<StoreError> for ApiError {
    fn from(fault: StoreError) -> Self {
        tracing::error!(error = %fault, "the store failed a request");
        match fault {
            StoreError::Unavailable(_) | StoreError::Contended(_) => {
                Self::unavailable("database_unavailable", "the database cannot be reached; try again soon")
            }
            StoreError::Corrupt(_) | StoreError::Failed(_) => Self::internal(),
        }
    }
}

impl From<tokio::task::JoinError> for ApiError {
    fn from(fault: tokio::task::JoinError) -> Self {
        tracing::error!(error = %fault, "work for a request panicked");
        Self::internal()
    }
}

/// What a panic in a handler is answered with.
#[expect(clippy::needless_pass_by_value, reason = "the signature that the layer calls")]
pub(super) fn panicked(panic: Box<dyn Any + Send + 'static>) -> Response {
    let text = panic
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| panic.downcast_ref::<&str>().copied())
        .unwrap_or("no text");
    tracing::error!(panic = text, "a handler panicked");
    ApiError::internal().into_response()
}

fn clipped(text: String) -> String {
    match text.char_indices().nth(ERROR_CHARS_MAX) {
        Some((cut, _)) => format!("{}…", &text[..cut]),
        None => text,
    }
}
