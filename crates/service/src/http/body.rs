//! Takes in a request's body, within limits of type, size and time.

use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::Request;
use axum::http::header::{CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, EXPECT};
use axum::http::{HeaderMap, StatusCode};
use futures::StreamExt;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, timeout_at};

use super::error::ApiError;
use super::limits::{BODY_BYTES_MAX, DISCARDED_BYTES_MAX, INLINE_PARSE_BYTES_MAX, Timeouts};

/// A whole body; holds its place among the large ones until it is dropped.
pub(super) struct Received {
    pub(super) bytes: Bytes,
    _place: Option<OwnedSemaphorePermit>,
}

/// The body of a JSON request.
pub(super) async fn receive_json(
    request: Request,
    large_bodies: &Arc<Semaphore>,
    timeouts: Timeouts,
) -> Result<Received, ApiError> {
    let (head, body) = request.into_parts();
    expect_json(&head.headers)?;
    expect_plain(&head.headers)?;
    if is_hopeless(&head.headers) {
        return Err(too_large());
    }
    collect(body, large_bodies, timeouts.body).await
}

async fn collect(body: Body, large_bodies: &Arc<Semaphore>, timeout: Duration) -> Result<Received, ApiError> {
    let mut bytes = Vec::new();
    let mut place = None;
    let mut chunks = body.into_data_stream();
    let mut deadline = Instant::now() + timeout;
    while let Some(chunk) = timeout_at(deadline, chunks.next()).await.map_err(|_| too_slow(timeout))? {
        let chunk = chunk.map_err(|fault| {
            tracing::debug!(error = %fault, "a request's body broke off");
            ApiError::new(StatusCode::BAD_REQUEST, "unreadable_body", "the body broke off or is malformed")
        })?;
        let length = bytes.len() + chunk.len();
        if length > BODY_BYTES_MAX {
            drop((bytes, place));
            // Whether it ends in time or not, the answer is the same.
            let _ = timeout_at(deadline, discard(chunks, length)).await;
            return Err(too_large());
        }
        if length > INLINE_PARSE_BYTES_MAX && place.is_none() {
            let waiting_since = Instant::now();
            place = Some(large_bodies.clone().acquire_owned().await.map_err(|_| ApiError::internal())?);
            // The caller is not to blame for the time in which we did not read.
            deadline += waiting_since.elapsed();
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(Received { bytes: bytes.into(), _place: place })
}

async fn discard(mut chunks: axum::body::BodyDataStream, mut seen: usize) {
    while let Some(Ok(chunk)) = chunks.next().await {
        seen += chunk.len();
        if seen > DISCARDED_BYTES_MAX {
            return;
        }
    }
}

/// Too large by its own account, from a caller who waits for leave to send it: refused before a byte is sent.
fn is_hopeless(headers: &HeaderMap) -> bool {
    let length = headers.get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
    headers.contains_key(EXPECT) && length.is_some_and(|length| length > BODY_BYTES_MAX as u64)
}

/// Refuses forms and plain text, also because a browser sends those across origins without asking.
fn expect_json(headers: &HeaderMap) -> Result<(), ApiError> {
    let given = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let essence = given.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    if essence == "application/json" || (essence.starts_with("application/") && essence.ends_with("+json")) {
        return Ok(());
    }
    let message = "the body must be JSON, with the header `content-type: application/json`";
    Err(ApiError::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type", message))
}

/// A packed body may unfold without end, and nobody packs a few kilobytes: refused.
fn expect_plain(headers: &HeaderMap) -> Result<(), ApiError> {
    match headers.get(CONTENT_ENCODING) {
        Some(encoding) if !encoding.as_bytes().eq_ignore_ascii_case(b"identity") => {
            let message = "the body must not be compressed";
            Err(ApiError::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported_encoding", message))
        }
        _ => Ok(()),
    }
}

fn too_slow(timeout: Duration) -> ApiError {
    let message = format!("the body did not arrive within {} s", timeout.as_secs_f64());
    ApiError::new(StatusCode::REQUEST_TIMEOUT, "request_timeout", message)
}

fn too_large() -> ApiError {
    let message = format!("the body is larger than {} MiB", BODY_BYTES_MAX / 1024 / 1024);
    ApiError::new(StatusCode::PAYLOAD_TOO_LARGE, "body_too_large", message)
}
