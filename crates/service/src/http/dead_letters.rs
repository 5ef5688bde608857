//! `/dead-letters`: messages that could not be read and jobs that failed, and another look at one.

use axum::Json;
use axum::extract::rejection::{PathRejection, QueryRejection};
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use monte_carlo_engine::{EpochMs, SimulationConfig};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::AppState;
use super::error::{ApiError, Body};
use crate::dead_letters::Replay;
use crate::jobs::ids::JobId;
use crate::store::dead_letters::{DeadJob, DeadLetter, Letter, LetterKind, LetterName};

/// Letters on a page unless asked otherwise.
const LIMIT_DEFAULT: u32 = 50;
/// The most letters on a page; each may hold 64 KiB.
const LIMIT_MAX: u32 = 200;
/// The longest name of a letter: the longest topic's, two numbers and a digest have 345 characters.
const NAME_CHARS_MAX: usize = 400;

/// Messages that could not be read and simulations that failed, newest first.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = DeadLetterPage)]
pub(super) struct Page {
    letters: Vec<LetterView>,
    /// The `after` of the next page; absent on the last.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    next: Option<String>,
}

/// What went wrong for good.
#[derive(Serialize, ToSchema)]
#[serde(untagged)]
#[schema(as = DeadLetter)]
pub(crate) enum LetterView {
    Message(MessageView),
    Job(JobView),
}

/// A message that could not be read.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = DeadMessage)]
pub(crate) struct MessageView {
    #[schema(schema_with = message_kind)]
    kind: &'static str,
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

/// A simulation that failed, and that nobody cancelled. `GET /simulations/{id}` shows all of it.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = DeadSimulation)]
pub(crate) struct JobView {
    #[schema(schema_with = job_kind)]
    kind: &'static str,
    /// The simulation's.
    id: String,
    /// Of whom; exactly one of this and `fundedAccountId`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    assessment_id: Option<String>,
    /// Of whom; exactly one of this and `assessmentId`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    funded_account_id: Option<String>,
    /// Why it failed.
    reason: String,
    /// How often it was tried.
    attempts: u32,
    /// As asked for.
    #[schema(value_type = SimulationConfig)]
    config: Value,
    #[schema(value_type = String, format = DateTime)]
    created_at: EpochMs,
    #[schema(value_type = String, format = DateTime)]
    failed_at: EpochMs,
}

/// What another look came to.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = DeadLetterReplay)]
pub(super) struct ReplayView {
    /// The simulation that the letter asks for or is: a new one, the one that its assessment had already (it may be deleted by
    /// now), or the one that had failed. Absent where the trader did not pass, and nothing is simulated.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String, nullable = false)]
    job_id: Option<JobId>,
}

fn message_kind() -> utoipa::openapi::Object {
    named(LetterKind::Message)
}

fn job_kind() -> utoipa::openapi::Object {
    named(LetterKind::Job)
}

fn named(kind: LetterKind) -> utoipa::openapi::Object {
    let text = utoipa::openapi::Object::builder().schema_type(utoipa::openapi::schema::Type::String);
    text.enum_values(Some([kind.as_str()])).build()
}

/// What went wrong for good
///
/// Events from Kafka in which no finished assessment could be recognized (`kind: "message"`), and simulations that failed and that
/// nobody cancelled (`kind: "job"`), together, newest first, by when they were received or ordered. They are kept for as long as
/// simulations are, `RETENTION_DAYS`.
#[utoipa::path(get, path = "/dead-letters", operation_id = "listDeadLetters", tag = "operation",
    params(
        ("kind" = Option<String>, Query, description = "Of this kind alone: `message` or `job`", pattern = "^(?:message|job)$"),
        ("limit" = Option<u32>, Query, description = "The most on a page; 50 unless given", minimum = 1, maximum = 200),
        ("after" = Option<String>, Query, description = "Where the page begins: the `next` of an earlier answer, unchanged; a letter that is gone since ends the list",
            min_length = 1, max_length = 400, pattern = r"^[^\u0000-\u001f\u007f-\u009f]+$"),
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
    let Wish { kind, limit, after } = Wish::parse(parameters)?;
    let limit = limit.unwrap_or(LIMIT_DEFAULT);
    let letters = &app.letter_office.letters;
    let after = match &after {
        None => None,
        Some(name) => match letters.dead_letter(name).await? {
            Some(letter) => Some(letter),
            None => return Ok(Json(Page { letters: Vec::new(), next: None })),
        },
    };
    // One more than asked tells whether there is a next page.
    let mut letters = letters.dead_letters(kind, limit + 1, after.as_ref()).await?;
    let is_last = letters.len() <= limit as usize;
    letters.truncate(limit as usize);
    let next = letters.last().filter(|_| !is_last).map(|letter| letter.name().to_string());
    Ok(Json(Page { letters: letters.into_iter().map(LetterView::from).collect(), next }))
}

#[derive(Default)]
struct Wish {
    kind: Option<LetterKind>,
    limit: Option<u32>,
    after: Option<LetterName>,
}

impl Wish {
    fn parse(parameters: Vec<(String, String)>) -> Result<Self, ApiError> {
        let mut wish = Self::default();
        for (name, value) in parameters {
            let was_given = match name.as_str() {
                "kind" => {
                    let kind = LetterKind::parse(&value);
                    let message = "must be one of message, job";
                    wish.kind.replace(kind.ok_or_else(|| ApiError::invalid("kind", message))?).is_some()
                }
                "limit" => {
                    let fits = value.parse().ok().filter(|limit| (1..=LIMIT_MAX).contains(limit));
                    let message = || format!("must be a whole number from 1 to {LIMIT_MAX}");
                    wish.limit.replace(fits.ok_or_else(|| ApiError::invalid("limit", message()))?).is_some()
                }
                "after" => {
                    let fits = (1..=NAME_CHARS_MAX).contains(&value.chars().count());
                    if !fits || value.chars().any(char::is_control) {
                        let message = "must be the `next` of an earlier answer, unchanged";
                        return Err(ApiError::invalid("after", message));
                    }
                    wish.after.replace(LetterName::from(value.as_str())).is_some()
                }
                _ => {
                    let message = "there is no such parameter; there are kind, limit and after";
                    return Err(ApiError::invalid(name, message));
                }
            };
            if was_given {
                return Err(ApiError::invalid(name, "may be given only once"));
            }
        }
        Ok(wish)
    }
}

/// Look at a dead letter again
///
/// A message, for after an upgrade that reads more: where it can be read now, its simulation is ordered and the letter is gone, in
/// one go; an assessment that had a simulation already gets no second one. A simulation that failed waits anew, as by
/// `POST /simulations/{id}/retry`.
#[utoipa::path(post, path = "/dead-letters/{id}/replay", operation_id = "replayDeadLetter", tag = "operation",
    params(("id" = String, Path, description = "As `GET /dead-letters` gave it")),
    responses(
        (status = 200, description = "It is carried out, and is no dead letter any more", body = ReplayView),
        (status = 404, description = "`dead_letter_not_found`", body = Body),
        (status = 422, description = "`still_unreadable`, with the reason; nothing changed", body = Body),
    ),
)]
pub(super) async fn replay(
    State(app): State<AppState>,
    id: Result<Path<String>, PathRejection>,
) -> Result<Json<ReplayView>, ApiError> {
    let name = id.map(|Path(id)| LetterName::from(id.as_str())).map_err(|_| no_such_letter())?;
    let job_id = match app.letter_office.replay(&name).await? {
        Replay::Job(job) => Some(job),
        Replay::Nothing => None,
        Replay::StillUnreadable(reason) => {
            return Err(ApiError::new(StatusCode::UNPROCESSABLE_ENTITY, "still_unreadable", reason));
        }
        Replay::Gone => return Err(no_such_letter()),
    };
    if job_id.is_some() {
        (app.wake)();
    }
    Ok(Json(ReplayView { job_id }))
}

fn no_such_letter() -> ApiError {
    ApiError::new(StatusCode::NOT_FOUND, "dead_letter_not_found", "there is no dead letter of that id")
}

impl From<Letter> for LetterView {
    fn from(letter: Letter) -> Self {
        match letter {
            Letter::Message(DeadLetter { id, message, received_at_ms }) => Self::Message(MessageView {
                kind: LetterKind::Message.as_str(),
                id: id.to_string(),
                topic: message.topic,
                partition: message.partition,
                offset: message.offset,
                reason: message.reason,
                payload: String::from_utf8_lossy(&message.payload).into_owned(),
                payload_bytes: message.payload_bytes,
                received_at: EpochMs(received_at_ms),
            }),
            Letter::Job(DeadJob {
                id,
                subject,
                config,
                reason,
                attempts,
                created_at_ms,
                failed_at_ms,
                ..
            }) => Self::Job(JobView {
                kind: LetterKind::Job.as_str(),
                id: id.0,
                assessment_id: subject.assessment_id().map(str::to_owned),
                funded_account_id: subject.funded_account_id().map(str::to_owned),
                reason,
                attempts,
                config,
                created_at: EpochMs(created_at_ms),
                failed_at: EpochMs(failed_at_ms),
            }),
        }
    }
}
