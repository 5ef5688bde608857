//! `healthcheck`: asks the service beside it whether it lives, for images that hold no other program.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context as _, bail, ensure};
use reqwest::redirect;

use super::{environment, failed};
use crate::config::http::HttpConfig;
use crate::core_service::client::install_tls_provider;

/// For the whole answer; below the 3 s after which the image's HEALTHCHECK counts as failed without a word.
const ANSWER_BOUND: Duration = Duration::from_secs(2);

/// What to ask.
#[derive(Clone, Copy, Debug, clap::Args)]
pub(super) struct Arguments {
    /// Ask GET /ready, which needs the neighbours too, instead of GET /health
    #[arg(long)]
    ready: bool,
}

/// Exits with 0 or 1 alone: container engines keep the other codes for themselves.
pub(super) async fn run(arguments: Arguments) -> ExitCode {
    let path = if arguments.ready { "/ready" } else { "/health" };
    match ask(path).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => failed(&error),
    }
}

async fn ask(path: &str) -> anyhow::Result<()> {
    let http = HttpConfig::from_lookup(&environment)?;
    ensure!(
        http.port != 0,
        "PORT is 0, so the service took a free port that only its log names; give it one"
    );
    let url = format!("http://{}{path}", beside(http.host, http.port));
    install_tls_provider();
    let client = reqwest::Client::builder()
        .timeout(ANSWER_BOUND)
        .redirect(redirect::Policy::none())
        .no_proxy()
        .build()
        .context("no HTTP client can be made")?;
    let answer = client.get(&url).send().await.with_context(|| format!("GET {url}"))?;
    let status = answer.status();
    if status != reqwest::StatusCode::OK {
        let body = answer.text().await.unwrap_or_default();
        bail!("GET {url} answered {status}: {body}");
    }
    Ok(())
}

/// Where a service that listens on `host` is reached from within its own container.
fn beside(host: IpAddr, port: u16) -> SocketAddr {
    let host = match host {
        IpAddr::V4(all) if all.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(all) if all.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        one => one,
    };
    SocketAddr::new(host, port)
}

#[cfg(test)]
mod tests {
    use super::beside;

    #[test]
    fn every_address_is_reached_over_loopback_and_one_address_as_itself() {
        for (host, at) in [
            ("0.0.0.0", "127.0.0.1:3002"),
            ("::", "[::1]:3002"),
            ("127.0.0.1", "127.0.0.1:3002"),
            ("10.1.2.3", "10.1.2.3:3002"),
        ] {
            assert_eq!(beside(host.parse().unwrap(), 3002).to_string(), at);
        }
    }
}
