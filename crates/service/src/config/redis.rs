//! Where Redis is; the service works without it, only slower to notice new work and to read finished work.

use std::path::PathBuf;

use secrecy::SecretString;

use super::forms::{host, number, truth};
use super::reader::Reader;
use super::variable::{Preset, Variable};

pub const REDIS_HOST: Variable = Variable::specified(
    "REDIS_HOST",
    Preset::Value("localhost"),
    "a host name or an IP address",
    "Redis host; replicas wake each other, keep finished results and share the limit on calls through it. Without it \
     answers are the same, only later.",
);
pub const REDIS_PORT: Variable =
    Variable::specified("REDIS_PORT", Preset::Value("6379"), "a port from 1 to 65535", "Redis port.");
pub const REDIS_PASSWORD: Variable =
    Variable::specified("REDIS_PASSWORD", Preset::Nothing, "any text", "Redis password.").secret();
pub const REDIS_USER: Variable = Variable::ours(
    "REDIS_USER",
    Preset::Nothing,
    "printable ASCII without spaces",
    "User of Redis' access list; without it the password is the default user's.",
);
pub const REDIS_TLS: Variable = Variable::ours(
    "REDIS_TLS",
    Preset::Value("false"),
    "`true` or `false`",
    "Whether Redis is spoken to over TLS.",
);
pub const REDIS_CA_FILE: Variable = Variable::ours(
    "REDIS_CA_FILE",
    Preset::Nothing,
    "an absolute path",
    "PEM file of the authorities that may have signed Redis' certificate; without it the public ones. Only with \
     `REDIS_TLS=true`.",
);
pub const REDIS_KEY_PREFIX: Variable = Variable::ours(
    "REDIS_KEY_PREFIX",
    Preset::Value("monte-carlo"),
    "at most 64 letters, digits, `.`, `_` and `-`",
    "Stands before every key and channel, for a Redis that several environments share.",
);

/// Keys are sent with every command.
const PREFIX_CHARS_MAX: usize = 64;

/// Redis.
#[derive(Clone, Debug)]
pub struct RedisConfig {
    pub host: String,
    pub port: u16,
    pub user: Option<String>,
    pub password: Option<SecretString>,
    pub tls: bool,
    pub ca_file: Option<PathBuf>,
    pub key_prefix: String,
}

impl RedisConfig {
    pub(super) fn read(reader: &Reader<'_>) -> Option<Self> {
        let name = reader.read(&REDIS_HOST, host);
        let port = reader.read(&REDIS_PORT, port);
        let password = reader.read_optional(&REDIS_PASSWORD, |text| Some(text.into()));
        let user = reader.read_optional(&REDIS_USER, user);
        let tls = reader.read(&REDIS_TLS, truth);
        let ca_file = reader.read_optional(&REDIS_CA_FILE, absolute);
        let key_prefix = reader.read(&REDIS_KEY_PREFIX, prefix);
        Some(Self {
            host: name?,
            port: port?,
            user: user?,
            password: password?,
            tls: tls?,
            ca_file: ca_file?,
            key_prefix: key_prefix?,
        })
    }
}

fn user(text: &str) -> Option<String> {
    text.bytes().all(|b| b.is_ascii_graphic()).then(|| text.to_owned())
}

fn absolute(text: &str) -> Option<PathBuf> {
    Some(PathBuf::from(text)).filter(|path| path.is_absolute())
}

fn prefix(text: &str) -> Option<String> {
    let usable = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
    (text.len() <= PREFIX_CHARS_MAX && text.chars().all(usable)).then(|| text.to_owned())
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
