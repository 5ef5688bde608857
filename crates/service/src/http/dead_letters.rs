//! `/dead-letters`: messages that could not be read, and another look at one.

use axum::Json;
use axum::extract::rejection::{PathRejection, QueryRejection};
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use monte_carlo_engine::EpochMs;
use serde::Serialize;
use utoipa::ToSchema;

use super::AppState;
use super::error::{ApiError, Body};
use crate::intake::event::reread;
use crate::jobs::ids::JobId;
use crate::store::dead_letters::{DeadLetter, LetterId, Revival};

/// Letters on a page unless asked otherwise.
const LIMIT_DEFAULT: u32 = 50;
/// The most letters on a page; each may hold 64 KiB.
const LIMIT_MAX: u32 = 200;

/// Messages that could not be read, newest first.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = DeadLetterPage)]
pub(super) struct Page {
    letters: Vec<Letter>,
    /// The `after` of the next page; absent on the last.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    next: Option<String>,
}

/// A message that could not be read.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = DeadLetter)]
struct Letter {
    /// Opaque.
    id: String,
    topic: String,
    partition: i32,
    offset: i64,
    /// Why it could not be read when it came.
    reason: String,
    /// What is kept of it, as text; what is no UTF-8 is shown as U+FFFD.
    payload: String,
    /// What there was of it.
    payload_bytes: u64,
    #[schema(value_type = String, format = DateTime)]
    received_at: EpochMs,
}

/// What a message has come to mean.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = DeadLetterReplay)]
pub(super) struct Replay {
    /// The simulation that it asks for: a new one, or the one that its assessment had already. Absent where the trader did not
    /// pass, and nothing is simulated.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String, nullable = false)]
    job_id: Option<JobId>,
}

/// Messages that could not be read
///
/// Events from Kafka in which no finished assessment could be recognized, newest first, with the reason. Simulations that
/// failed are found by `GET /simulations?status=failed`.
#[utoipa::path(get, path = "/dead-letters", operation_id = "listDeadLetters", tag = "operation",
    params(
        ("limit" = Option<u32>, Query, description = "The most on a page; 50 unless given", minimum = 1, maximum = 200),
        ("after" = Option<String>, Query, description = "Where the page begins: the `next` of an earlier answer, unchanged; a letter that is gone since ends the list",
            pattern = r"^[A-Za-z0-9._-]{1,249}-[0-9]{1,9}-[0-9]{1,18}-[0-9a-f]{64}$"),
    ),
    responses(
        (status = 200, description = "A page", body = Page),
        (status = 400, description = "`invalid_request`: a parameter is unknown, doubled or out of its range; `field` names it", body = Body),
    ),
)]
pub(super) async fn list(
    State(app): State<AppState>,
    parameters: Result<Query<Vec<(String, String)>>, QueryRejection>,
) -> Result<Json<Page>, ApiError> {
    let Query(parameters) = parameters.map_err(|fault| {
        ApiError::new(StatusCode::BAD_REQUEST, "invalid_request", format!("malformed query: {fault}"))
    })?;
    let (limit, after) = wish(parameters)?;
    let after = match &after {
        None => None,
        Some(id) => match app.dead_letters.dead_letter(id).await? {
            Some(letter) => Some(letter),
            None => return Ok(Json(Page { letters: Vec::new(), next: None })),
        },
    };
    // One more than asked tells whether there is a next page.
    let mut letters = app.dead_letters.dead_letters(limit + 1, after.as_ref()).await?;
    let is_last = letters.len() <= limit as usize;
    letters.truncate(limit as usize);
    let next = letters.last().filter(|_| !is_last).map(|letter| letter.id.to_string());
    Ok(Json(Page { letters: letters.into_iter().map(Letter::from).collect(), next }))
}

fn wish(parameters: Vec<(String, String)>) -> Result<(u32, Option<LetterId>), ApiError> {
    let (mut limit, mut after) = (None, None);
    for (name, value) in parameters {
        let was_given = match name.as_str() {
            "limit" => {
                let fits = value.parse().ok().filter(|limit| (1..=LIMIT_MAX).contains(limit));
                let message = || format!("must be a whole number from 1 to {LIMIT_MAX}");
                limit.replace(fits.ok_or_else(|| ApiError::invalid("limit", message()))?).is_some()
            }
            "after" => {
                let id = value.parse().map_err(|()| {
                    ApiError::invalid("after", "must be the `next` of an earlier answer, unchanged")
                })?;
                after.replace(id).is_some()
            }
            _ => {
                return Err(ApiError::invalid(name, "there is no such parameter; there are limit and after"));
            }
        };
        if was_given {
            return Err(ApiError::invalid(name, "may be given only once"));
        }
    }
    Ok((limit.unwrap_or(LIMIT_DEFAULT), after))
}

/// Look at a message again
///
/// For after an upgrade that reads more. Where it can be read now, its simulation is ordered and the letter is gone, in one
/// go; an assessment that has a simulation already gets no second one.
#[utoipa::path(post, path = "/dead-letters/{id}/replay", operation_id = "replayDeadLetter", tag = "operation",
    params(("id" = String, Path, description = "As `GET /dead-letters` gave it")),
    responses(
        (status = 200, description = "It could be read, and is no dead letter any more", body = Replay),
        (status = 404, description = "`dead_letter_not_found`", body = Body),
        (status = 422, description = "`still_unreadable`, with the reason; nothing changed", body = Body),
    ),
)]
pub(super) async fn replay(
    State(app): State<AppState>,
    id: Result<Path<String>, PathRejection>,
) -> Result<Json<Replay>, ApiError> {
    let id: LetterId = id.ok().and_then(|Path(id)| id.parse().ok()).ok_or_else(no_such_letter)?;
    let letter = app.dead_letters.dead_letter(&id).await?.ok_or_else(no_such_letter)?;
    let job = reread(&letter.message)
        .map_err(|reason| ApiError::new(StatusCode::UNPROCESSABLE_ENTITY, "still_unreadable", reason))?;
    let job_id = match app.dead_letters.revive(&id, job.as_ref()).await? {
        Revival::Gone => return Err(no_such_letter()),
        Revival::Nothing => None,
        Revival::Job(job) => Some(job),
    };
    tracing::info!(letter = %id, job.id = job_id.as_ref().map(tracing::field::display), "a dead letter could be read after all");
    if job_id.is_some() {
        (app.wake)();
    }
    Ok(Json(Replay { job_id }))
}

fn no_such_letter() -> ApiError {
    ApiError::new(StatusCode::NOT_FOUND, "dead_letter_not_found", "there is no dead letter of that id")
}

impl From<DeadLetter> for Letter {
    fn from(letter: DeadLetter) -> Self {
        let DeadLetter { id, message, received_at_ms } = letter;
        Self {
            id: id.to_string(),
            topic: message.topic,
            partition: message.partition,
            offset: message.offset,
            reason: message.reason,
            payload: String::from_utf8_lossy(&message.payload).into_owned(),
            payload_bytes: message.payload_bytes,
            received_at: EpochMs(received_at_ms),
        }
    }
}
