//! The command line: one binary, one enum of commands.

mod daily;
mod dead_letters;
mod dev;
mod doctor;
mod documents;
mod healthcheck;
mod migrate;
mod serve;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::config::ConfigFaults;
use crate::documents::asyncapi;
use crate::http;

/// Says how likely a trading account is to break its rules, what it will pay out, and how sure that is.
#[derive(Debug, Parser)]
#[command(name = "monte-carlo-service", version, about)]
struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve, with the environment's variables (the default; the README has the table)
    Serve,
    /// Run the main job on embedded parts: a sample book of traders, simulated, shown and served
    Dev(dev::Arguments),
    /// Examine each thing that the service needs; say what is wrong and how to mend it
    Doctor(doctor::Arguments),
    /// Run the daily simulations of a day now, and say how many there are
    Daily(daily::Arguments),
    /// List what went wrong for good, and have it carried out after all
    DeadLetters(dead_letters::Arguments),
    /// Bring the database's schema up to date and exit
    Migrate(migrate::Arguments),
    /// Ask the service on this machine whether it lives; exit with 0 if so, else with 1
    Healthcheck(healthcheck::Arguments),
    /// Print the API as an OpenAPI 3.1 document, the same as at /openapi.json
    Openapi,
    /// Print the topics as an AsyncAPI 3 document, the same as at /asyncapi.json
    Asyncapi,
}

/// A fault of the configuration: mend the variables and start again.
const EXIT_CONFIGURATION: u8 = 2;

/// Runs the command that the process was started with.
pub async fn run() -> ExitCode {
    match Arguments::parse().command.unwrap_or(Command::Serve) {
        Command::Serve => serve::run().await,
        Command::Dev(arguments) => dev::run(&arguments).await,
        Command::Doctor(arguments) => doctor::run(&arguments).await,
        Command::Daily(arguments) => daily::run(&arguments).await,
        Command::DeadLetters(arguments) => dead_letters::run(&arguments).await,
        Command::Migrate(arguments) => migrate::run(&arguments).await,
        Command::Healthcheck(arguments) => healthcheck::run(arguments).await,
        Command::Openapi => documents::print(&http::openapi()),
        Command::Asyncapi => documents::print(&asyncapi::document()),
    }
}

#[expect(clippy::disallowed_methods, reason = "the edge where the environment enters")]
fn environment(variable: &str) -> Option<String> {
    std::env::var(variable).ok()
}

fn configuration_faults(faults: &ConfigFaults) -> ExitCode {
    eprintln!("{faults}");
    ExitCode::from(EXIT_CONFIGURATION)
}

fn failed(error: &anyhow::Error) -> ExitCode {
    eprintln!("error: {error:#}");
    ExitCode::FAILURE
}
