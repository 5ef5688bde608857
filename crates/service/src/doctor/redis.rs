//! Redis: there, of which version, our password right. Its absence is a warning: the service works without it.

use super::Finding;
use crate::fleet::link::Link;

const REACHABLE: &str = "redis";

pub(super) async fn examine(link: &Link) -> Vec<Finding> {
    vec![match link.server_version().await {
        Ok(version) => Finding::ok(REACHABLE, format!("Redis {version}")),
        Err(cause) => Finding::warning(
            REACHABLE,
            cause,
            "Check REDIS_HOST, REDIS_PORT, REDIS_PASSWORD and REDIS_TLS; until it is back, jobs are found by polling \
             and nothing is lost.",
        ),
    }]
}
