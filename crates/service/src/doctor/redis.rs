//! Redis: there, of which version, our password right. Its absence is a warning: the service works without it.

use super::Finding;
use crate::config::Config;
use crate::runtime::adapters;
use crate::signals::server_version;

const REACHABLE: &str = "redis";

pub(super) async fn examine(config: &Config) -> Vec<Finding> {
    vec![match server_version(&adapters::redis_settings(config)).await {
        Ok(version) => Finding::ok(REACHABLE, format!("Redis {version}")),
        Err(error) => Finding::warning(
            REACHABLE,
            error.to_string(),
            "Check REDIS_HOST, REDIS_PORT and REDIS_PASSWORD; until it is back, jobs are found by polling and nothing \
             is lost.",
        ),
    }]
}
