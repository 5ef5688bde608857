//! How each neighbour is, for `/ready`.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

use crate::core_service::client::CoreServiceClient;
use crate::http::readiness::{Absence, Probe};
use crate::kafka::KafkaError;
use crate::kafka::consumer::ConsumerProbe;
use crate::signals::RedisWakeUps;
use crate::simulator::ray::RaySimulator;
use crate::simulator::ray::dialect::Dialect;

/// How long Core Service may take to say anything at all.
const CORE_SERVICE_BOUND: Duration = Duration::from_millis(900);

/// Required: without it no event comes in and none goes out.
pub(super) struct KafkaProbe(pub(super) ConsumerProbe);

#[async_trait]
impl Probe for KafkaProbe {
    fn name(&self) -> &'static str {
        "kafka"
    }

    fn required(&self) -> bool {
        true
    }

    async fn probe(&self) -> Result<String, Absence> {
        let away = |error: KafkaError| Absence::new("cannot be reached", error.to_string());
        self.0.check().map(|()| "reachable".to_owned()).map_err(away)
    }
}

/// Not required: jobs wait for it.
pub(super) struct CoreServiceProbe(pub(super) Arc<CoreServiceClient>);

#[async_trait]
impl Probe for CoreServiceProbe {
    fn name(&self) -> &'static str {
        "core_service"
    }

    fn required(&self) -> bool {
        false
    }

    async fn probe(&self) -> Result<String, Absence> {
        let unreachable = self.0.check(CORE_SERVICE_BOUND).await.err().map(|error| error.to_string());
        let faults = [unreachable, self.0.last_refusal(), self.0.held_back()];
        let told: Vec<String> = faults.into_iter().flatten().collect();
        if told.is_empty() {
            Ok("reachable".to_owned())
        } else {
            Err(Absence::new("cannot be used", told.join("; ")))
        }
    }
}

/// Not required: it makes polling quick.
pub(super) struct RedisProbe(pub(super) Arc<RedisWakeUps>);

#[async_trait]
impl Probe for RedisProbe {
    fn name(&self) -> &'static str {
        "redis"
    }

    fn required(&self) -> bool {
        false
    }

    async fn probe(&self) -> Result<String, Absence> {
        match self.0.last_error() {
            None => Ok("subscribed".to_owned()),
            Some(error) => Err(Absence::new("cannot be reached", error)),
        }
    }
}

/// Not required: jobs are computed here, or wait. It calls nobody: it tells what the last jobs found.
pub(super) struct RayProbe(pub(super) Arc<RaySimulator>);

#[async_trait]
impl Probe for RayProbe {
    fn name(&self) -> &'static str {
        "ray"
    }

    fn required(&self) -> bool {
        false
    }

    async fn probe(&self) -> Result<String, Absence> {
        match (self.0.away(), self.0.last_dialect()) {
            (Some(why), _) => Err(Absence::new("cannot be reached", why)),
            (None, Some(Dialect::Other(why))) => Err(Absence::new("cannot be used", why)),
            (None, Some(dialect)) => Ok(dialect.to_string()),
            (None, None) => Ok("not yet asked".to_owned()),
        }
    }
}
