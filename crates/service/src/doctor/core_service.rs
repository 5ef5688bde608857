//! Core Service: there, lets us in, speaks the contract.

use super::Finding;
use crate::core_service::client::CoreServiceClient;
use crate::core_service::error::CoreError;
use crate::telemetry::trace_context::TraceContext;

const REACHABLE: &str = "core_service";

pub(super) async fn examine(client: &CoreServiceClient) -> Vec<Finding> {
    let trace = TraceContext::continue_from(None, None, None);
    vec![match client.active_funded_accounts(&trace).await {
        Ok(accounts) => Finding::ok(REACHABLE, format!("it lists {} active funded accounts", accounts.len())),
        Err(error) => Finding::fault(REACHABLE, error.to_string(), mend(&error)),
    }]
}

fn mend(error: &CoreError) -> &'static str {
    match error {
        CoreError::Refused { .. } => "Set CORE_SERVICE_TOKEN to a token that Core Service accepts.",
        CoreError::Unreachable { .. } => {
            "Check CORE_SERVICE_URL, and that it runs: `kubectl get svc core-service`; jobs wait for it meanwhile."
        }
        CoreError::NotFound { .. } | CoreError::Garbage { .. } | CoreError::TooManyTrades { .. } => {
            "Something else answers there: check CORE_SERVICE_URL, its path too, and any proxy in between."
        }
        _ => "Look at Core Service's own log; jobs wait for it meanwhile.",
    }
}
