//! Logs to stderr: lines for people, JSON for machines. Results go to stdout, and nothing else does.

use std::io::IsTerminal as _;

use tracing_subscriber::EnvFilter;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

/// How to log.
#[derive(Clone, Debug)]
pub struct LogSettings {
    /// One JSON object a line.
    pub json: bool,
    /// Levels by target.
    pub filter: String,
}

/// What the database's client says of a URL's parameters that it does not know: their values, which may be secrets.
const NEVER_LOGGED: &str = "sqlx_postgres::options::parse=off";

/// Starts logging; a second call changes nothing.
pub fn start(settings: &LogSettings) {
    let filter = EnvFilter::try_new(format!("{},{NEVER_LOGGED}", settings.filter))
        .unwrap_or_else(|_| EnvFilter::new(format!("info,{NEVER_LOGGED}")));
    let registry = tracing_subscriber::registry().with(filter);
    let lines = tracing_subscriber::fmt::layer().with_writer(std::io::stderr);
    let started = if settings.json {
        registry.with(lines.json().flatten_event(true).with_current_span(true)).try_init()
    } else {
        registry.with(lines.with_ansi(std::io::stderr().is_terminal())).try_init()
    };
    drop(started);
}
