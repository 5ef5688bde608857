//! `serve`: the service, as its environment says.

use std::process::ExitCode;

use tokio_util::sync::CancellationToken;

use super::{configuration_faults, environment, failed};
use crate::config::Config;
use crate::runtime::adapters::{WakeUps, connect};
use crate::runtime::{self, stop_signal};
use crate::telemetry::logs;

pub(super) async fn run() -> ExitCode {
    let config = match Config::from_lookup(&environment) {
        Ok(config) => config,
        Err(faults) => return configuration_faults(&faults),
    };
    logs::start(&logs::LogSettings {
        json: config.telemetry.logs_json(),
        filter: config.telemetry.log_filter.clone(),
    });
    match serve(&config).await {
        Ok(code) => code,
        Err(error) => failed(&error),
    }
}

async fn serve(config: &Config) -> anyhow::Result<ExitCode> {
    let asked = stop_signal::listen()?;
    let behind = CancellationToken::new();
    let running = runtime::start(connect(config, WakeUps::Redis, &behind)?).await?;
    tracing::info!(address = %running.address, "serving");
    let code = tokio::select! {
        () = asked.cancelled() => 0,
        () = running.broken() => 1,
    };
    tracing::info!("stopping: no more events and jobs are taken");
    stop_signal::insist_after(config.worker.shutdown_grace + runtime::END_BOUND, code.into());
    running.stop().await;
    behind.cancel();
    Ok(ExitCode::from(code))
}
