//! What the log says and how.

use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::LevelFilter;

use super::reader::Reader;
use super::variable::{Preset, Variable};

pub const NODE_ENV: Variable = Variable::specified(
    "NODE_ENV",
    Preset::Value("development"),
    "`development`, `test` or `production`",
    "Environment; `production` writes the log as JSON, a line each.",
);
pub const LOG_LEVEL: Variable = Variable::ours(
    "LOG_LEVEL",
    Preset::Value("info"),
    "a level (`error`, `warn`, `info`, `debug`, `trace`) or `target=level` pairs, comma-separated",
    "What is logged.",
);

/// The kind of environment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Environment {
    Development,
    Test,
    Production,
}

/// The log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TelemetryConfig {
    pub environment: Environment,
    /// Directives that [`EnvFilter`] takes.
    pub log_filter: String,
}

impl TelemetryConfig {
    pub(super) fn read(reader: &Reader<'_>) -> Option<Self> {
        let environment = reader.read(&NODE_ENV, environment);
        let log_filter = reader.read(&LOG_LEVEL, log_filter);
        Some(Self { environment: environment?, log_filter: log_filter? })
    }

    /// Whether the log is for machines.
    pub fn logs_json(&self) -> bool {
        self.environment == Environment::Production
    }
}

/// Stricter than [`EnvFilter`], which takes the misspelled level `infoo` for a target and then logs nothing.
fn log_filter(text: &str) -> Option<String> {
    let is_level = |word: &str| word.parse::<LevelFilter>().is_ok() && !word.is_empty();
    let is_directive = |directive: &str| match directive.rsplit_once('=') {
        Some((target, level)) => !target.is_empty() && is_level(level),
        None => is_level(directive),
    };
    let directives: Vec<_> = text.split(',').map(str::trim).collect();
    let filter = directives.join(",");
    (directives.into_iter().all(is_directive) && EnvFilter::try_new(&filter).is_ok()).then_some(filter)
}

fn environment(text: &str) -> Option<Environment> {
    match text {
        "development" => Some(Environment::Development),
        "test" => Some(Environment::Test),
        "production" => Some(Environment::Production),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::log_filter;

    #[test]
    fn a_misspelled_level_is_refused() {
        for good in
            ["info", "WARN", "off", "info,sqlx=warn,hyper::proto=debug", "warn,app[span{field=1}]=trace"]
        {
            assert_eq!(log_filter(good).as_deref(), Some(good));
        }
        assert_eq!(log_filter("info, sqlx=warn").as_deref(), Some("info,sqlx=warn"));
        for bad in ["infoo", "sqlx", "sqlx=", "=info", "info,", "sqlx=loud"] {
            assert_eq!(log_filter(bad), None, "{bad}");
        }
    }
}
