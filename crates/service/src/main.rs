//! The one binary.

use std::process::ExitCode;

#[tokio::main]
async fn main() -> ExitCode {
    monte_carlo_service::cli::run().await
}
