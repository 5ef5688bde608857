//! Clients and servers for the tests.

use std::time::Duration;

use axum::Router;
use monte_carlo_engine::{InputData, Subject};
use monte_carlo_service::core_service::client::{
    CoreServiceClient, CoreServiceSettings, install_tls_provider,
};
use monte_carlo_service::core_service::error::CoreError;
use monte_carlo_service::sample_core::book::Book;
use monte_carlo_service::sample_core::server::SampleCore;
use monte_carlo_service::telemetry::trace_context::TraceContext;
use secrecy::SecretString;
use tokio::net::TcpListener;

pub(crate) const TOKEN: &str = "a-token-that-must-not-show";

pub(crate) async fn sample() -> (Book, SampleCore) {
    let book = Book::sample();
    let any_port = "127.0.0.1:0".parse().expect("an address");
    let server = SampleCore::start(book.clone(), any_port, Some(TOKEN.into())).await.expect("a port");
    (book, server)
}

/// Serves a fake; its address.
pub(crate) async fn serve(fake: Router) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("its address");
    tokio::spawn(async move { axum::serve(listener, fake).await.expect("serves") });
    format!("http://{address}")
}

pub(crate) fn client(url: &str) -> CoreServiceClient {
    client_with(url, Some(TOKEN), Duration::from_secs(20))
}

pub(crate) fn client_with(url: &str, token: Option<&str>, timeout: Duration) -> CoreServiceClient {
    install_tls_provider();
    let token = token.map(SecretString::from);
    CoreServiceClient::new(&CoreServiceSettings { base_url: url.into(), token, timeout }).expect("settings")
}

pub(crate) fn trace() -> TraceContext {
    TraceContext::continue_from(Some("corr-1"), None, None)
}

pub(crate) fn assessment(id: &str) -> Subject {
    Subject::Assessment(id.into())
}

pub(crate) fn funded(id: &str) -> Subject {
    Subject::FundedAccount(id.into())
}

pub(crate) async fn gather(url: &str, subject: &Subject) -> Result<InputData, CoreError> {
    client(url).gather(subject, &trace()).await
}
