//! Where accounts and histories come from.

use std::num::NonZeroU32;
use std::time::Duration;

use reqwest::Url;
use secrecy::SecretString;

use super::forms::{base_url, number};
use super::reader::Reader;
use super::variable::{Preset, Variable};

/// The longest wait for one call: a job's attempt makes several and has 20 minutes in all.
const TIMEOUT_MS_MAX: u64 = 120_000;
/// The highest rate; places in the line of calls are ten microseconds apart.
const RATE_MAX: NonZeroU32 = NonZeroU32::new(100_000).expect("it is not zero");

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
pub const CORE_SERVICE_MAX_CALLS_PER_SECOND: Variable = Variable::ours(
    "CORE_SERVICE_MAX_CALLS_PER_SECOND",
    Preset::Value("200"),
    "a whole number from 1 to 100000",
    "Calls to Core Service that all replicas together make in a second, a tenth of them at once; shared through Redis, \
     without which each replica keeps to it alone.",
);

/// Core Service.
#[derive(Clone, Debug)]
pub struct CoreServiceConfig {
    pub url: Url,
    pub token: Option<SecretString>,
    /// Of one try of a call.
    pub timeout: Duration,
    pub max_calls_per_second: NonZeroU32,
}

impl CoreServiceConfig {
    pub(super) fn read(reader: &Reader<'_>) -> Option<Self> {
        let url = reader.read(&CORE_SERVICE_URL, base_url);
        let token = reader.read_optional(&CORE_SERVICE_TOKEN, token);
        let timeout_ms = reader.read(&CORE_SERVICE_TIMEOUT_MS, number(1..=TIMEOUT_MS_MAX));
        let rate = reader.read(&CORE_SERVICE_MAX_CALLS_PER_SECOND, number(NonZeroU32::MIN..=RATE_MAX));
        Some(Self {
            url: url?,
            token: token?,
            timeout: Duration::from_millis(timeout_ms?),
            max_calls_per_second: rate?,
        })
    }
}

/// Whatever may stand in a header.
fn token(text: &str) -> Option<SecretString> {
    text.bytes().all(|b| b.is_ascii_graphic()).then(|| text.into())
}
