//! `migrate`: brings the database's schema up to date.

use std::process::ExitCode;

use super::{configuration_faults, environment, failed};
use crate::config::Config;
use crate::runtime::adapters::connect_store;
use crate::store::Store as _;

pub(super) async fn run() -> ExitCode {
    let config = match Config::from_lookup(&environment) {
        Ok(config) => config,
        Err(faults) => return configuration_faults(&faults),
    };
    let migrated = async { connect_store(&config)?.migrate().await.map_err(anyhow::Error::from) };
    match migrated.await {
        Ok(()) => {
            eprintln!("The schema is up to date.");
            ExitCode::SUCCESS
        }
        Err(error) => failed(&error),
    }
}
