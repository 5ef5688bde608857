//! Ties a request to whoever sent it: takes over its correlation id and trace or makes them, puts them where
//! handlers and log lines find them, and says the id in the answer.

use axum::extract::Request;
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use axum::middleware::Next;
use axum::response::Response;
use tracing::Instrument;

use crate::telemetry::trace_context::TraceContext;

/// The header, both ways.
pub const CORRELATION_ID: HeaderName = HeaderName::from_static("x-correlation-id");

pub(super) async fn correlate(mut request: Request, next: Next) -> Response {
    let trace = trace_of(request.headers());
    let span = tracing::info_span!("request", correlation_id = %trace.correlation_id);
    let id = HeaderValue::from_str(&trace.correlation_id);
    request.extensions_mut().insert(trace);
    let mut response = next.run(request).instrument(span).await;
    if let Ok(id) = id {
        response.headers_mut().insert(CORRELATION_ID, id);
    }
    response
}

fn trace_of(headers: &HeaderMap) -> TraceContext {
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    TraceContext::continue_from(header(CORRELATION_ID.as_str()), header("traceparent"), header("tracestate"))
}
