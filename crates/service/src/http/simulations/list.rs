//! `GET /simulations`: jobs, newest first, without their trades.
//!
//! Unknown parameters are refused: a misspelled filter would otherwise answer with everybody's jobs.

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use serde::Serialize;
use utoipa::ToSchema;

use super::cursor;
use super::job_view::JobView;
use super::order::platform_id;
use crate::http::AppState;
use crate::http::error::{ApiError, Body};
use crate::store::{Cursor, JobFilter, JobRecord, JobStatus};

/// Jobs on a page unless asked otherwise.
const LIMIT_DEFAULT: u32 = 50;
/// The most jobs on a page; a result with its charts is some 50 KB.
const LIMIT_MAX: u32 = 200;

/// Simulations, newest first.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = SimulationPage)]
pub(in crate::http) struct Page {
    /// Without their trades: `inputData` says how many there were.
    jobs: Vec<JobView>,
    /// Where the next page begins; absent on the last.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    next_cursor: Option<String>,
}

#[derive(Default)]
struct Wish {
    filter: JobFilter,
    limit: Option<u32>,
    cursor: Option<Cursor>,
}

/// Simulations, newest first
///
/// All filters hold at once. Unknown parameters are refused: a misspelled filter would otherwise answer with
/// everybody's simulations.
#[utoipa::path(get, path = "/simulations", operation_id = "listSimulations", tag = "simulations",
    params(
        ("assessmentId" = Option<String>, Query, description = "Of this assessment", min_length = 1, max_length = 128, pattern = r"^[^\u0000-\u001f\u007f-\u009f]+$"),
        ("fundedAccountId" = Option<String>, Query, description = "Of this funded account", min_length = 1, max_length = 128, pattern = r"^[^\u0000-\u001f\u007f-\u009f]+$"),
        ("status" = Option<JobStatus>, Query, description = "In this state"),
        ("limit" = Option<u32>, Query, description = "The most on a page; 50 unless given", minimum = 1, maximum = 200),
        ("cursor" = Option<String>, Query, description = "Where the page begins: the `nextCursor` of an earlier answer, unchanged",
            pattern = r"^(?:2d)?(?:3[0-9]){1,18}3a(?:[2-6][0-9a-f]|7[0-9a-e]){1,128}$"),
    ),
    responses(
        (status = 200, description = "A page", body = Page),
        (status = 400, description = "`invalid_request`: a parameter is unknown, doubled or out of its range; `field` names it", body = Body),
    ),
)]
pub(in crate::http) async fn list(
    State(app): State<AppState>,
    parameters: Result<Query<Vec<(String, String)>>, QueryRejection>,
) -> Result<Json<Page>, ApiError> {
    let Query(parameters) = parameters.map_err(|fault| {
        ApiError::new(StatusCode::BAD_REQUEST, "invalid_request", format!("malformed query: {fault}"))
    })?;
    let wish = Wish::parse(parameters)?;
    let limit = wish.limit.unwrap_or(LIMIT_DEFAULT);
    // One more than asked tells whether there is a next page.
    let jobs = app.store.jobs(&wish.filter, limit + 1, wish.cursor.as_ref()).await?;
    Ok(Json(page(jobs, limit as usize)))
}

fn page(mut jobs: Vec<JobRecord>, limit: usize) -> Page {
    let is_last = jobs.len() <= limit;
    jobs.truncate(limit);
    let next_cursor = jobs
        .last()
        .filter(|_| !is_last)
        .map(|job| cursor::encode(&Cursor { created_at_ms: job.created_at_ms, id: job.id.clone() }));
    Page { jobs: jobs.into_iter().map(JobView::from).collect(), next_cursor }
}

impl Wish {
    fn parse(parameters: Vec<(String, String)>) -> Result<Self, ApiError> {
        let mut wish = Self::default();
        for (name, value) in parameters {
            let was_given = match name.as_str() {
                "assessmentId" => {
                    wish.filter.assessment_id.replace(platform_id("assessmentId", value)?).is_some()
                }
                "fundedAccountId" => {
                    wish.filter.funded_account_id.replace(platform_id("fundedAccountId", value)?).is_some()
                }
                "status" => wish.filter.status.replace(status(&value)?).is_some(),
                "limit" => wish.limit.replace(limit(&value)?).is_some(),
                "cursor" => wish.cursor.replace(cursor_of(&value)?).is_some(),
                _ => return Err(unknown(name)),
            };
            if was_given {
                return Err(ApiError::invalid(name, "may be given only once"));
            }
        }
        Ok(wish)
    }
}

fn status(name: &str) -> Result<JobStatus, ApiError> {
    JobStatus::parse(name).ok_or_else(|| {
        let names = JobStatus::ALL.map(JobStatus::as_str).join(", ");
        ApiError::invalid("status", format!("must be one of {names}"))
    })
}

fn limit(text: &str) -> Result<u32, ApiError> {
    text.parse()
        .ok()
        .filter(|limit| (1..=LIMIT_MAX).contains(limit))
        .ok_or_else(|| ApiError::invalid("limit", format!("must be a whole number from 1 to {LIMIT_MAX}")))
}

fn cursor_of(text: &str) -> Result<Cursor, ApiError> {
    cursor::decode(text).ok_or_else(|| {
        ApiError::invalid("cursor", "must be the `nextCursor` of an earlier answer, unchanged")
    })
}

fn unknown(name: String) -> ApiError {
    let message =
        "there is no such parameter; there are assessmentId, fundedAccountId, status, limit and cursor";
    ApiError::invalid(name, message)
}
