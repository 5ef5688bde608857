//! What the other side speaks, by its own word: the answer to `GET /health`.

use std::fmt;

use monte_carlo_engine::ENGINE_VERSION;
use monte_carlo_engine::wire::PROTOCOL;
use serde::Deserialize;

/// The most replicas that are believed; more would only cut a job smaller than it can be sent.
const REPLICAS_MAX: u32 = 1_024;

/// What can be asked of the application that answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Dialect {
    /// This engine, a shard at a time.
    Shards {
        /// Replicas that work side by side; at least 1.
        replicas: u32,
    },
    /// An application from before the protocol: one call a job, and the result is its own.
    Old,
    /// An engine whose results have other bits, or a protocol that we do not speak; what, as a phrase.
    Other(String),
}

/// The fields that are read; others are passed over, and so is a form that is not theirs, as far as it can be.
#[derive(Deserialize)]
struct Health {
    status: Option<String>,
    engine: Option<String>,
    protocols: Option<Vec<String>>,
    replicas: Option<u32>,
}

/// Reads the body of a 200.
///
/// # Errors
/// A phrase, where it does not say that it is healthy.
pub fn read(body: &[u8]) -> Result<Dialect, String> {
    let health: Health = serde_json::from_slice(body)
        .map_err(|_| "GET /health did not answer with a health report".to_owned())?;
    match health.status.as_deref() {
        Some("healthy") => {}
        Some(status) => return Err(format!("it says of itself: {status}")),
        None => return Err("GET /health does not say a status".to_owned()),
    }
    let Some(protocols) = health.protocols else { return Ok(Dialect::Old) };
    let engine = health.engine.unwrap_or_else(|| "unnamed".to_owned());
    if !protocols.iter().any(|protocol| protocol == PROTOCOL) {
        return Ok(Dialect::Other(format!("it speaks {}, not {PROTOCOL}", protocols.join(", "))));
    }
    if engine != ENGINE_VERSION {
        return Ok(Dialect::Other(other_engine(&engine)));
    }
    Ok(Dialect::Shards { replicas: health.replicas.unwrap_or(1).clamp(1, REPLICAS_MAX) })
}

impl fmt::Display for Dialect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Shards { replicas: 1 } => write!(f, "speaks {PROTOCOL}, 1 replica"),
            Self::Shards { replicas } => write!(f, "speaks {PROTOCOL}, {replicas} replicas"),
            Self::Old => f.write_str("an old application: one call a job"),
            Self::Other(why) => f.write_str(why),
        }
    }
}

/// How an engine that is not ours is spoken of.
pub(super) fn other_engine(engine: &str) -> String {
    format!("its engine has version {engine}, ours {ENGINE_VERSION}")
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn of(health: &Value) -> Result<Dialect, String> {
        read(health.to_string().as_bytes())
    }

    #[test]
    fn each_answer_has_its_dialect() {
        let ours = |replicas: Value| json!({"status": "healthy", "engine": ENGINE_VERSION, "protocols": ["shards/0", PROTOCOL], "replicas": replicas, "more": {}});
        assert_eq!(of(&ours(json!(3))), Ok(Dialect::Shards { replicas: 3 }));
        for (told, believed) in [(json!(0), 1), (json!(4_000_000), REPLICAS_MAX), (json!(null), 1)] {
            assert_eq!(of(&ours(told)), Ok(Dialect::Shards { replicas: believed }));
        }
        for old in
            [json!({"status": "healthy"}), json!({"status": "healthy", "engine": "x", "model_loaded": true})]
        {
            assert_eq!(of(&old), Ok(Dialect::Old));
        }
    }

    #[test]
    fn another_engine_and_another_protocol_are_not_ours() {
        let newer = json!({"status": "healthy", "engine": ENGINE_VERSION, "protocols": ["shards/9"]});
        assert_eq!(of(&newer), Ok(Dialect::Other("it speaks shards/9, not shards/1".into())));
        let other = json!({"status": "healthy", "engine": "0", "protocols": [PROTOCOL], "replicas": 1});
        assert_eq!(
            of(&other),
            Ok(Dialect::Other(format!("its engine has version 0, ours {ENGINE_VERSION}")))
        );
        let unnamed = json!({"status": "healthy", "protocols": [PROTOCOL]});
        assert!(matches!(of(&unnamed), Ok(Dialect::Other(_))), "an engine that is not named is not ours");
    }

    #[test]
    fn what_is_not_healthy_is_not_there() {
        let table = [
            (json!({"status": "starting"}), "it says of itself: starting"),
            (json!({"state": "healthy"}), "GET /health does not say a status"),
            (json!([1]), "GET /health did not answer with a health report"),
        ];
        for (health, why) in table {
            assert_eq!(of(&health), Err(why.to_owned()));
        }
        assert!(read(b"<html>").is_err());
    }
}
