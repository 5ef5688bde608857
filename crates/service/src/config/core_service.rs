//! Where accounts and histories come from.

use std::time::Duration;

use reqwest::Url;
use secrecy::SecretString;

use super::forms::{base_url, number};
use super::reader::Reader;
use super::variable::{Preset, Variable};

/// The longest wait for one call: a job's attempt makes several and has 20 minutes in all.
const TIMEOUT_MS_MAX: u64 = 120_000;

pub const CORE_SERVICE_URL: Variable = Variable::specified(
    "CORE_SERVICE_URL",
    Preset::Value("http://core-service"),
    "an `http://` or `https://` URL without credentials or query",
    "Core Service endpoint.",
);
pub const CORE_SERVICE_TOKEN: Variable = Variable::ours(
    "CORE_SERVICE_TOKEN",
    Preset::Nothing,
    "printable ASCII without spaces",
    "Sent to Core Service as `Authorization: Bearer …`.",
)
.secret();
pub const CORE_SERVICE_TIMEOUT_MS: Variable = Variable::ours(
    "CORE_SERVICE_TIMEOUT_MS",
    Preset::Value("10000"),
    "a whole number from 1 to 120000",
    "Longest wait for one call to Core Service.",
);

/// Core Service.
#[derive(Clone, Debug)]
pub struct CoreServiceConfig {
    pub url: Url,
    pub token: Option<SecretString>,
    /// Of one call.
    pub timeout: Duration,
}

impl CoreServiceConfig {
    pub(super) fn read(reader: &Reader<'_>) -> Option<Self> {
        let url = reader.read(&CORE_SERVICE_URL, base_url);
        let token = reader.read_optional(&CORE_SERVICE_TOKEN, token);
        let timeout_ms = reader.read(&CORE_SERVICE_TIMEOUT_MS, number(1..=TIMEOUT_MS_MAX));
        Some(Self { url: url?, token: token?, timeout: Duration::from_millis(timeout_ms?) })
    }
}

/// Whatever may stand in a header.
fn token(text: &str) -> Option<SecretString> {
    text.bytes().all(|b| b.is_ascii_graphic()).then(|| text.into())
}
