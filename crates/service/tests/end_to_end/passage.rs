//! A TCP way to a neighbour that is closed at first: nobody listens there until it is opened. Later it may swallow
//! whatever is sent.

use std::net::SocketAddr;

use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;

use crate::service::free_port;

pub(crate) struct Passage {
    port: u16,
    swallows: CancellationToken,
}

impl Passage {
    pub(crate) fn closed() -> Self {
        Self { port: free_port(), swallows: CancellationToken::new() }
    }

    /// `url` with this passage for its host and port.
    pub(crate) fn in_place_of(&self, url: &str) -> String {
        url.replace(&address(url), &format!("127.0.0.1:{}", self.port))
    }

    /// Leads to the host and port of `url` from now on.
    pub(crate) async fn open(&self, url: &str) {
        let target = address(url);
        let entrance = SocketAddr::from(([127, 0, 0, 1], self.port));
        let listener = TcpListener::bind(entrance).await.expect("the port is still free");
        let swallows = self.swallows.clone();
        tokio::spawn(async move {
            while let Ok((mut inside, _)) = listener.accept().await {
                let (target, swallows) = (target.clone(), swallows.clone());
                tokio::spawn(async move {
                    let Ok(mut outside) = TcpStream::connect(target).await else { return };
                    let copying = tokio::io::copy_bidirectional(&mut inside, &mut outside);
                    if swallows.run_until_cancelled(copying).await.is_none() {
                        tokio::io::copy(&mut inside, &mut tokio::io::sink()).await.ok();
                    }
                });
            }
        });
    }

    /// A black hole from now on: it takes connections and bytes, and nothing comes back.
    pub(crate) fn swallow(&self) {
        self.swallows.cancel();
    }
}

/// `host:port` of a URL.
pub(crate) fn address(url: &str) -> String {
    let (_, rest) = url.split_once("://").expect("a URL");
    let authority = rest.split('/').next().unwrap_or_default();
    authority.rsplit('@').next().unwrap_or_default().to_owned()
}
