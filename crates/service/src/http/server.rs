//! Listens, serves, and stops without breaking a request off.
//!
//! Its own accept loop and not axum's, for what that has no settings for: the limit of connections, the wait for
//! a head, and an end to the grace.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::limits::{CONNECTIONS_MAX, Timeouts};

/// The wait after a failed accept: out of file descriptors, most likely, and trying at once would spin.
const ACCEPT_RETRY: Duration = Duration::from_millis(250);

/// A bound listener.
pub struct Server {
    listener: TcpListener,
    head_timeout: Duration,
}

/// How the server stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stopped {
    /// Connections that outlasted the grace and were cut.
    pub cut: usize,
}

impl Server {
    /// Binds `address`; port 0 takes any free one.
    ///
    /// # Errors
    /// As the operating system says.
    pub async fn bind(address: SocketAddr, timeouts: Timeouts) -> io::Result<Self> {
        Ok(Self { listener: TcpListener::bind(address).await?, head_timeout: timeouts.head })
    }

    /// Where it listens.
    ///
    /// # Errors
    /// As the operating system says.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// Serves until `shutdown`, then lets requests in flight finish for at most `grace`.
    pub async fn serve(self, router: Router, shutdown: CancellationToken, grace: Duration) -> Stopped {
        let places = Arc::new(Semaphore::new(CONNECTIONS_MAX));
        let mut connections = JoinSet::new();
        loop {
            tokio::select! {
                () = shutdown.cancelled() => break,
                Some(_) = connections.join_next(), if !connections.is_empty() => {}
                Some((stream, place)) = accept(&self.listener, &places) => {
                    let connection = converse(stream, router.clone(), self.head_timeout, shutdown.clone());
                    connections.spawn(async move {
                        connection.await;
                        drop(place);
                    });
                }
            }
        }
        drop(self.listener);
        let finished = async { while connections.join_next().await.is_some() {} };
        if tokio::time::timeout(grace, finished).await.is_err() {
            tracing::warn!(connections = connections.len(), "the grace is over; cutting what is left");
        }
        let cut = connections.len();
        connections.shutdown().await;
        Stopped { cut }
    }
}

/// The next connection, once there is a place for it; `None` where accepting failed.
async fn accept(
    listener: &TcpListener,
    places: &Arc<Semaphore>,
) -> Option<(TcpStream, OwnedSemaphorePermit)> {
    let place = places.clone().acquire_owned().await.ok()?;
    match listener.accept().await {
        Ok((stream, _)) => Some((stream, place)),
        Err(fault) => {
            tracing::warn!(error = %fault, "cannot accept a connection");
            tokio::time::sleep(ACCEPT_RETRY).await;
            None
        }
    }
}

async fn converse(stream: TcpStream, router: Router, head_timeout: Duration, shutdown: CancellationToken) {
    if let Err(fault) = stream.set_nodelay(true) {
        tracing::debug!(error = %fault, "cannot turn Nagle's algorithm off");
    }
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(head_timeout)
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(router));
    let mut connection = std::pin::pin!(connection);
    let mut ended = tokio::select! {
        ended = connection.as_mut() => Some(ended),
        () = shutdown.cancelled() => None,
    };
    if ended.is_none() {
        connection.as_mut().graceful_shutdown();
        ended = Some(connection.await);
    }
    if let Some(Err(fault)) = ended {
        tracing::debug!(error = %fault, "a connection ended badly");
    }
}
