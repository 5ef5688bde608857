//! What a caller orders: the body of `POST /simulations`, understood and checked.
//!
//! Strict where a slip would silently change the answer: unknown fields beside the ids and inside `config` are
//! refused, for `inputdata` would otherwise fetch another history and `config.path` simulate another number of
//! paths. Tolerant inside `inputData`, which callers copy from other systems with whatever fields those have.

use std::marker::PhantomData;
use std::{fmt, ops::Not};

use axum::http::StatusCode;
use monte_carlo_engine::{FieldError, InputData, MAX_TRADES, Plan, PlanError, SimulationConfig, Subject};
use serde::de::value::MapAccessDeserializer;
use serde::de::{self, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::error::Category;
use utoipa::ToSchema;

use crate::http::error::ApiError;
use crate::jobs::input::StoredInput;

/// The longest id of an assessment or account.
pub(super) const ID_CHARS_MAX: usize = 128;

/// A well-formed order.
#[derive(Debug)]
pub(super) struct Order {
    pub(super) subject: Subject,
    pub(super) config: SimulationConfig,
    pub(super) input: Option<InputData>,
}

/// Exactly one of `assessmentId` and `fundedAccountId`.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = SimulationRequest)]
pub(super) struct Body {
    /// The account that a trader would get who passed this assessment.
    #[schema(
        min_length = 1,
        max_length = 128,
        pattern = r"^[^\u0000-\u001f\u007f-\u009f]+$",
        examples("asm-0001")
    )]
    assessment_id: Option<String>,
    /// This account, as it stands today.
    #[schema(min_length = 1, max_length = 128, pattern = r"^[^\u0000-\u001f\u007f-\u009f]+$")]
    funded_account_id: Option<String>,
    #[serde(default, deserialize_with = "object_or_null")]
    config: Option<SimulationConfig>,
    /// The history, where Core Service should not be asked for it.
    #[serde(default, deserialize_with = "object_or_null")]
    input_data: Option<InputData>,
}

impl Order {
    /// Understands a body; checks all but what needs the history.
    pub(super) fn parse(bytes: &[u8]) -> Result<Self, ApiError> {
        let body: Body = object(bytes)?;
        let subject = subject(body.assessment_id, body.funded_account_id)?;
        let config = body.config.unwrap_or_default();
        config.validate().map_err(|FieldError { field, message }| ApiError::invalid(field, message))?;
        Ok(Self { subject, config, input: body.input_data })
    }
}

/// Reads a body that is a JSON object; a fault names its field.
pub(super) fn object<T: de::DeserializeOwned>(bytes: &[u8]) -> Result<T, ApiError> {
    // Derived readers take arrays for structs, by position.
    if bytes.trim_ascii_start().first() == Some(&b'[') {
        return Err(ApiError::new(
            StatusCode::BAD_REQUEST,
            "invalid_request",
            "the body must be a JSON object",
        ));
    }
    let mut json = serde_json::Deserializer::from_slice(bytes);
    let body = serde_path_to_error::deserialize(&mut json).map_err(refused)?;
    json.end().map_err(|fault| malformed(&fault))?;
    Ok(body)
}

/// Whether `input` can be simulated, and the forms in which it is stored. Takes up to a second: not for async threads.
pub(super) fn check_input(
    subject: &Subject,
    config: &SimulationConfig,
    input: &InputData,
    default_paths: u64,
) -> Result<StoredInput, ApiError> {
    if input.trade_history.len() > MAX_TRADES {
        let message = format!("at most {MAX_TRADES} trades, these are {}", input.trade_history.len());
        return Err(unsimulable(message).at("inputData.tradeHistory"));
    }
    Plan::new(subject, input, config, default_paths).map_err(unplannable)?;
    StoredInput::new(input).map_err(|fault| ApiError::invalid("inputData", fault.to_string()))
}

fn unplannable(fault: PlanError) -> ApiError {
    let message = fault.to_string();
    match fault {
        PlanError::NoClosingTrades => unsimulable(message).at("inputData.tradeHistory"),
        PlanError::Field(FieldError { field, message }) => unsimulable(message).at(field),
        PlanError::TooMuchWork { .. } => unsimulable(message).at("config.paths"),
    }
}

fn unsimulable(message: String) -> ApiError {
    ApiError::new(StatusCode::UNPROCESSABLE_ENTITY, "cannot_simulate", message)
}

fn subject(assessment: Option<String>, funded_account: Option<String>) -> Result<Subject, ApiError> {
    match (assessment, funded_account) {
        (Some(id), None) => Ok(Subject::Assessment(platform_id("assessmentId", id)?)),
        (None, Some(id)) => Ok(Subject::FundedAccount(platform_id("fundedAccountId", id)?)),
        (None, None) => {
            Err(ApiError::invalid("assessmentId", "one of `assessmentId` and `fundedAccountId` is required"))
        }
        (Some(_), Some(_)) => Err(ApiError::invalid(
            "fundedAccountId",
            "only one of `assessmentId` and `fundedAccountId` may be given",
        )),
    }
}

/// An id of the platform: opaque, but neither empty nor endless, and fit for a log line.
pub(super) fn platform_id(field: &str, id: String) -> Result<String, ApiError> {
    let fits = (1..=ID_CHARS_MAX).contains(&id.chars().count()) && id.chars().any(char::is_control).not();
    if fits {
        return Ok(id);
    }
    let message = format!("must be 1 to {ID_CHARS_MAX} characters, none of them a control character");
    Err(ApiError::invalid(field, message))
}

fn refused(fault: serde_path_to_error::Error<serde_json::Error>) -> ApiError {
    let path = fault.path().to_string();
    let fault = fault.into_inner();
    match fault.classify() {
        Category::Syntax | Category::Eof | Category::Io => malformed(&fault),
        Category::Data => {
            let message = fault.to_string();
            let error = ApiError::new(StatusCode::BAD_REQUEST, "invalid_request", message.as_str());
            match field(&path, &message) {
                Some(field) => error.at(field),
                None => error,
            }
        }
    }
}

/// The fault's field. A missing or doubled field is known by its message alone; its path ends at the object.
fn field(path: &str, message: &str) -> Option<String> {
    let object = if path == "." { None } else { Some(path) };
    let member = ["missing field `", "duplicate field `"]
        .iter()
        .find_map(|start| message.strip_prefix(start))
        .and_then(|rest| rest.split('`').next());
    match (object, member) {
        (Some(object), Some(member)) if object.rsplit('.').next() != Some(member) => {
            Some(format!("{object}.{member}"))
        }
        (Some(object), _) => Some(object.to_owned()),
        (None, member) => member.map(str::to_owned),
    }
}

/// The message says line and column.
fn malformed(fault: &serde_json::Error) -> ApiError {
    ApiError::new(StatusCode::BAD_REQUEST, "invalid_json", format!("the body is not JSON: {fault}"))
}

/// An object, or nothing. Derived readers would take arrays too.
fn object_or_null<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    deserializer: D,
) -> Result<Option<T>, D::Error> {
    struct ObjectOrNull<T>(PhantomData<T>);
    impl<'de, T: Deserialize<'de>> Visitor<'de> for ObjectOrNull<T> {
        type Value = Option<T>;
        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("an object")
        }
        fn visit_unit<E: de::Error>(self) -> Result<Option<T>, E> {
            Ok(None)
        }
        fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Option<T>, A::Error> {
            T::deserialize(MapAccessDeserializer::new(map)).map(Some)
        }
    }
    deserializer.deserialize_any(ObjectOrNull(PhantomData))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_cannot_be_planned_is_a_422_that_names_its_field() {
        let field = FieldError { field: "inputData.pnlData.balance".to_owned(), message: "x".to_owned() };
        for (fault, field) in [
            (PlanError::NoClosingTrades, "inputData.tradeHistory"),
            (PlanError::Field(field), "inputData.pnlData.balance"),
            (PlanError::TooMuchWork { paths: 1, steps: 2, limit: 1 }, "config.paths"),
        ] {
            let refusal = format!("{:?}", unplannable(fault));
            assert!(
                refusal.contains("status: 422") && refusal.contains(&format!("Some({field:?})")),
                "{refusal}"
            );
        }
    }
}
