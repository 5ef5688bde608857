//! Ray Serve: there, and healthy by its own word. While paths are computed in this process nobody needs it.

use std::time::Duration;

use reqwest::{Client, StatusCode};
use serde_json::Value;

use super::Finding;
use crate::config::simulator::{SimulatorConfig, SimulatorKind};

const REACHABLE: &str = "ray";

/// A healthy proxy answers at once.
const HEALTH_BOUND: Duration = Duration::from_secs(5);
/// The largest answer that is read.
const BODY_BYTES_MAX: u64 = 64 * 1024;

pub(super) async fn examine(simulator: &SimulatorConfig) -> Vec<Finding> {
    let health = health(simulator).await;
    vec![judge(simulator.kind, health)]
}

fn judge(kind: SimulatorKind, health: Result<String, String>) -> Finding {
    let mend = "Check RAY_SERVE_URL; `kubectl get rayclusters`, `kubectl get svc ray-head-svc`, and to try it from \
                here `kubectl port-forward svc/ray-head-svc 8000:8000` with `curl http://localhost:8000/health`.";
    match (health, kind) {
        (Ok(found), _) => Finding::ok(REACHABLE, found),
        (Err(found), SimulatorKind::Local) => {
            Finding::warning(REACHABLE, format!("{found} (not needed: SIMULATOR=local)"), mend)
        }
    }
}

async fn health(simulator: &SimulatorConfig) -> Result<String, String> {
    let client =
        Client::builder().no_proxy().timeout(HEALTH_BOUND).build().map_err(|error| error.to_string())?;
    let url = format!("{}/health", simulator.ray_serve_url.as_str().trim_end_matches('/'));
    let answer = client.get(&url).send().await.map_err(|error| cause(&error))?;
    if answer.status() != StatusCode::OK {
        return Err(format!("GET /health answered {}", answer.status().as_u16()));
    }
    if answer.content_length().is_some_and(|length| length > BODY_BYTES_MAX) {
        return Err("GET /health answered with more than a health report".to_owned());
    }
    let body: Value = answer.json().await.map_err(|_| "GET /health did not answer with JSON".to_owned())?;
    match body["status"].as_str() {
        Some("healthy") => Ok("healthy".to_owned()),
        Some(status) => Err(format!("it says of itself: {status}")),
        None => Err("GET /health does not say a status".to_owned()),
    }
}

/// The innermost cause: "connection refused" says more than "error sending request".
fn cause(error: &reqwest::Error) -> String {
    if error.is_timeout() {
        return format!("no answer within {} s", HEALTH_BOUND.as_secs());
    }
    let mut cause: &dyn std::error::Error = error;
    while let Some(deeper) = cause.source() {
        cause = deeper;
    }
    cause.to_string()
}
