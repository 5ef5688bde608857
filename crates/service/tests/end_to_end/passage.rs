//! A TCP way to a neighbour that is closed at first: nobody listens there until it is opened.

use std::net::SocketAddr;

use tokio::net::{TcpListener, TcpStream};

use crate::service::free_port;

pub(crate) struct Passage {
    port: u16,
}

impl Passage {
    pub(crate) fn closed() -> Self {
        Self { port: free_port() }
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
        tokio::spawn(async move {
            while let Ok((mut inside, _)) = listener.accept().await {
                let target = target.clone();
                tokio::spawn(async move {
                    if let Ok(mut outside) = TcpStream::connect(target).await {
                        tokio::io::copy_bidirectional(&mut inside, &mut outside).await.ok();
                    }
                });
            }
        });
    }
}

/// `host:port` of a URL.
fn address(url: &str) -> String {
    let (_, rest) = url.split_once("://").expect("a URL");
    let authority = rest.split('/').next().unwrap_or_default();
    authority.rsplit('@').next().unwrap_or_default().to_owned()
}
