//! `POST /simulations`: takes an order and answers with the job's id, before anything is simulated.

use axum::extract::{Request, State};
use axum::http::header::LOCATION;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use monte_carlo_engine::Subject;
use serde::Serialize;
use sha2::{Digest, Sha256};
use utoipa::ToSchema;

use super::order::{self, Order, check_input};
use crate::http::AppState;
use crate::http::body::receive_json;
use crate::http::error::{ApiError, Body};
use crate::http::hex;
use crate::http::limits::INLINE_PARSE_BYTES_MAX;
use crate::http::subjects::Existence;
use crate::jobs::ids::JobId;
use crate::jobs::input::StoredInput;
use crate::store::{Creation, IdempotencyKey, NewJob, Origin};
use crate::telemetry::trace_context::TraceContext;

const IDEMPOTENCY_KEY: &str = "idempotency-key";
/// The longest key; a UUID has 36 characters.
const KEY_CHARS_MAX: usize = 255;

/// A simulation that was ordered.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = SimulationOrdered)]
struct Ordered {
    /// Opaque.
    #[schema(value_type = String)]
    job_id: JobId,
}

/// Order a simulation
///
/// Answers at once; `GET /simulations/{id}` says what came of it. Each call makes a new simulation, unless its
/// `Idempotency-Key` was seen with the same body: then that one is named again. Without `inputData` the history is
/// fetched from Core Service. Unknown fields are refused beside the ids and inside `config`, and ignored inside `inputData`.
#[utoipa::path(post, path = "/simulations", operation_id = "createSimulation", tag = "simulations",
    params(("Idempotency-Key" = Option<String>, Header, description = "With the same body, the same simulation again, for as long as that is kept (`RETENTION_DAYS` after its end)", min_length = 1, max_length = 255, pattern = "^[!-~]+$")),
    request_body(content = order::Body, content_type = "application/json", description = "At most 8 MiB, not compressed", examples(
        ("an assessment" = (value = json!({"assessmentId": "asm-0001"}))),
        ("a history of one's own" = (value = json!({
            "fundedAccountId": "mine",
            "inputData": {
                "tradeHistory": [
                    {"id": "1", "pnl": 420.5, "timestamp": "2026-10-01T09:30:00Z"},
                    {"id": "2", "pnl": -180, "timestamp": 1_790_932_200_000_i64},
                ],
                "pnlData": {"balance": 100_240.5, "peak": 100_420.5, "realized": 240.5, "unrealized": 0},
            },
            "config": {"paths": 10_000, "horizonDays": 30, "rules": {"drawdown": {"kind": "trailing", "fraction": 0.1}}},
        }))),
    )),
    responses(
        (status = 202, description = "Taken", body = Ordered, headers(("location" = String, description = "Where the simulation is")), links(
            ("the simulation" = (operation_id = "getSimulation", parameters(("id" = "$response.body#/jobId")))),
        )),
        (status = 400, description = "`invalid_json`, `unreadable_body`, or `invalid_request` with the `field`", body = Body),
        (status = 404, description = "`assessment_not_found` or `funded_account_not_found`: Core Service does not know it", body = Body),
        (status = 408, description = "`request_timeout`: the body came too slowly", body = Body),
        (status = 413, description = "`body_too_large`", body = Body),
        (status = 415, description = "`unsupported_media_type` or `unsupported_encoding`", body = Body),
        (status = 422, description = "`cannot_simulate`: understood, but no such simulation can be run; or `idempotency_key_reused` with another body", body = Body),
    ),
)]
pub(in crate::http) async fn create(
    State(app): State<AppState>,
    Extension(trace): Extension<TraceContext>,
    request: Request,
) -> Result<Response, ApiError> {
    let key = idempotency_key(request.headers())?;
    let body = receive_json(request, &app.large_bodies, app.timeouts).await?;
    let key = key.map(|key| IdempotencyKey { key, body_hash: hex::encode(&Sha256::digest(&body.bytes)) });
    let order = understand(body.bytes.clone()).await?;
    let (order, input) = check(&app, order, &trace).await?;

    let config = serde_json::to_value(&order.config).map_err(|fault| {
        tracing::error!(error = %fault, "a config has no JSON");
        ApiError::internal()
    })?;
    let job = NewJob {
        id: JobId::random(),
        subject: order.subject,
        origin: Origin::Api,
        dedupe_key: None,
        config,
        input,
        trace,
    };
    let id = match app.store.create(&job, key.as_ref()).await? {
        Creation::Created => {
            tracing::info!(job.id = %job.id, "a simulation was ordered");
            (app.wake)();
            job.id
        }
        Creation::Replayed(id) => id,
        Creation::KeyReused => return Err(key_reused()),
    };
    let location = [(LOCATION, format!("/simulations/{id}"))];
    Ok((StatusCode::ACCEPTED, location, Json(Ordered { job_id: id })).into_response())
}

async fn understand(bytes: axum::body::Bytes) -> Result<Order, ApiError> {
    if bytes.len() > INLINE_PARSE_BYTES_MAX {
        tokio::task::spawn_blocking(move || Order::parse(&bytes)).await?
    } else {
        Order::parse(&bytes)
    }
}

/// Refuses what the worker could only fail: a history that cannot be simulated, a subject that does not exist.
async fn check(
    app: &AppState,
    mut order: Order,
    trace: &TraceContext,
) -> Result<(Order, Option<StoredInput>), ApiError> {
    let Some(input) = order.input.take() else {
        expect_existence(app, &order.subject, trace).await?;
        return Ok((order, None));
    };
    let turn = app.histories.clone().acquire_owned().await.map_err(|_| ApiError::internal())?;
    let default_paths = app.default_paths;
    tokio::task::spawn_blocking(move || {
        let stored = check_input(&order.subject, &order.config, &input, default_paths);
        drop((input, turn));
        stored.map(|stored| (order, Some(stored)))
    })
    .await?
}

async fn expect_existence(app: &AppState, subject: &Subject, trace: &TraceContext) -> Result<(), ApiError> {
    let answer = tokio::time::timeout(app.timeouts.existence, app.subjects.exists(subject, trace)).await;
    let (code, field, what) = match (answer, subject) {
        (Ok(Existence::Exists | Existence::Unknown) | Err(_), _) => return Ok(()),
        (Ok(Existence::NotFound), Subject::Assessment(_)) => {
            ("assessment_not_found", "assessmentId", "assessment")
        }
        (Ok(Existence::NotFound), Subject::FundedAccount(_)) => {
            ("funded_account_not_found", "fundedAccountId", "funded account")
        }
    };
    let message = format!("Core Service knows no {what} of that id");
    Err(ApiError::new(StatusCode::NOT_FOUND, code, message).at(field))
}

fn idempotency_key(headers: &HeaderMap) -> Result<Option<String>, ApiError> {
    let mut given = headers.get_all(IDEMPOTENCY_KEY).iter();
    let (Some(key), more) = (given.next(), given.next()) else { return Ok(None) };
    let is_key = |key: &&str| {
        (1..=KEY_CHARS_MAX).contains(&key.len())
            && key.bytes().all(|b| b.is_ascii_graphic())
            && more.is_none()
    };
    match key.to_str().ok().filter(is_key) {
        Some(key) => Ok(Some(key.to_owned())),
        None => {
            let message = format!("must be one key of 1 to {KEY_CHARS_MAX} visible ASCII characters");
            Err(ApiError::invalid("Idempotency-Key", message))
        }
    }
}

fn key_reused() -> ApiError {
    let message = "this key came before with another body; a new order needs a new key";
    ApiError::new(StatusCode::UNPROCESSABLE_ENTITY, "idempotency_key_reused", message).at("Idempotency-Key")
}
