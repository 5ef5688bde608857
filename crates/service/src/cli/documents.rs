//! `openapi`, `asyncapi`: print what the service says of itself, without starting it.

use std::io::Write as _;
use std::process::ExitCode;

use serde_json::Value;

use super::failed;

pub(super) fn print(document: &Value) -> ExitCode {
    let written = serde_json::to_string_pretty(document)
        .map_err(anyhow::Error::from)
        .and_then(|text| writeln!(std::io::stdout().lock(), "{text}").map_err(anyhow::Error::from));
    match written {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => failed(&error),
    }
}
