//! Where Redis is; the service works without it, only slower to notice new work.

use secrecy::SecretString;

use super::forms::{host, number};
use super::reader::Reader;
use super::variable::{Preset, Variable};

pub const REDIS_HOST: Variable = Variable::specified(
    "REDIS_HOST",
    Preset::Value("localhost"),
    "a host name or an IP address",
    "Redis host; wake-ups between replicas go through it. Without it new jobs are only noticed later.",
);
pub const REDIS_PORT: Variable =
    Variable::specified("REDIS_PORT", Preset::Value("6379"), "a port from 1 to 65535", "Redis port.");
pub const REDIS_PASSWORD: Variable =
    Variable::specified("REDIS_PASSWORD", Preset::Nothing, "any text", "Redis password.").secret();

/// Redis.
#[derive(Clone, Debug)]
pub struct RedisConfig {
    pub host: String,
    pub port: u16,
    pub password: Option<SecretString>,
}

impl RedisConfig {
    pub(super) fn read(reader: &Reader<'_>) -> Option<Self> {
        let name = reader.read(&REDIS_HOST, host);
        let port = reader.read(&REDIS_PORT, port);
        let password = reader.read_optional(&REDIS_PASSWORD, |text| Some(text.into()));
        Some(Self { host: name?, port: port?, password: password? })
    }
}

/// Kubernetes sets `REDIS_PORT=tcp://10.0.0.1:6379` in every pod beside a Service named `redis`, unless the pod
/// sets it itself: that is a port too.
fn port(text: &str) -> Option<u16> {
    let text = match text.strip_prefix("tcp://") {
        Some(address) => address.rsplit_once(':')?.1,
        None => text,
    };
    number(1..=u16::MAX)(text)
}
