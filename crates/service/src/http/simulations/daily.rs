//! `POST /simulations/daily`: the daily run by hand.
//!
//! A day's run makes one job an account, however often it is asked for. A run that cannot be finished now is a 503, and
//! goes on by itself.

use axum::Json;
use axum::body::HttpBody as _;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use jiff::civil::Date;

use super::daily_view::{DailyCountsView, DailyOrder};
use super::order::object;
use crate::http::AppState;
use crate::http::body::receive_json;
use crate::http::error::{ApiError, Body};
use crate::schedule::trigger::TriggerError;

/// Run a day's simulations
///
/// One simulation for each funded account that is active, once a day however often it is asked for. The schedule does
/// the same by itself, every night; a run that cannot be finished now goes on by itself.
#[utoipa::path(post, path = "/simulations/daily", operation_id = "runDaily", tag = "simulations",
    request_body(content = Option<DailyOrder>, content_type = "application/json", description = "May be absent", examples(
        ("a day" = (value = json!({"date": "2026-11-24"}))),
    )),
    responses(
        (status = 200, description = "The day's run is finished", body = DailyCountsView),
        (status = 400, description = "`invalid_json`, `unreadable_body`, or `invalid_request` with the `field`: a date that is no day, has not come yet in the schedule's zone, or is more than 31 days ago", body = Body),
        (status = 408, description = "`request_timeout`: the body came too slowly", body = Body),
        (status = 413, description = "`body_too_large`", body = Body),
        (status = 415, description = "`unsupported_media_type` or `unsupported_encoding`", body = Body),
    ),
)]
pub(in crate::http) async fn run(
    State(app): State<AppState>,
    request: Request,
) -> Result<Json<DailyCountsView>, ApiError> {
    let order = match request.body().is_end_stream() {
        true => DailyOrder::default(),
        false => object(&receive_json(request, &app.large_bodies, app.timeouts).await?.bytes)?,
    };
    let day = order.date.as_deref().map(day).transpose()?;
    let report = app.daily.run(day, app.timeouts.daily).await?;
    Ok(Json((&report).into()))
}

fn day(text: &str) -> Result<Date, ApiError> {
    // Stricter than the parser, which takes times and other spellings too.
    let is_plain = text.len() == 10 && text.bytes().all(|b| b.is_ascii_digit() || b == b'-');
    let day = is_plain.then(|| text.parse().ok()).flatten();
    day.ok_or_else(|| ApiError::invalid("date", "must be a day, written YYYY-MM-DD"))
}

impl From<TriggerError> for ApiError {
    fn from(fault: TriggerError) -> Self {
        match fault {
            TriggerError::Day { .. } => Self::invalid("date", fault.to_string()),
            TriggerError::Unfinished { .. } => {
                tracing::warn!(error = %fault, "a daily run by hand is not finished");
                Self::new(StatusCode::SERVICE_UNAVAILABLE, "daily_run_unfinished", fault.to_string())
            }
            TriggerError::Store(fault) => fault.into(),
        }
    }
}
