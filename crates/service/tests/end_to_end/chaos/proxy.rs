//! A TCP way to a neighbour, which a test stalls, cuts and slows.

use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

use crate::passage::address;

/// What a slow way adds to each piece …
const SLOWNESS: Duration = Duration::from_millis(20);
/// … of at most so many bytes: beside the time also the width of the way.
const PIECE_BYTES: usize = 16 * 1024;

/// How the way is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    Clear,
    /// Nothing comes through, and nothing is lost; who calls anew is not heard either.
    Stalled,
    /// Every connection breaks, and every new one at once.
    Cut,
    Slow,
}

pub(super) struct Proxy {
    pub(super) port: u16,
    way: watch::Sender<Way>,
    target: watch::Sender<String>,
}

impl Proxy {
    /// To `host:port`.
    pub(super) async fn to(target: &str) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a port");
        let port = listener.local_addr().expect("it is bound").port();
        let (way, target) = (watch::Sender::new(Way::Clear), watch::Sender::new(target.to_owned()));
        tokio::spawn(accept(listener, target.subscribe(), way.subscribe()));
        Self { port, way, target }
    }

    /// `url` by this way, and the way to it.
    pub(super) async fn before(url: &str) -> (Self, String) {
        let proxy = Self::to(&address(url)).await;
        let by_it = url.replace(&address(url), &format!("127.0.0.1:{}", proxy.port));
        (proxy, by_it)
    }

    /// Leads elsewhere from now on.
    pub(super) fn lead_to(&self, target: String) {
        self.target.send_replace(target);
    }

    pub(super) fn be(&self, way: Way) {
        self.way.send_replace(way);
    }
}

async fn accept(listener: TcpListener, target: watch::Receiver<String>, mut way: watch::Receiver<Way>) {
    while let Ok((caller, _)) = listener.accept().await {
        if *way.borrow_and_update() == Way::Cut {
            continue;
        }
        let (target, way) = (target.borrow().clone(), way.clone());
        tokio::spawn(async move {
            let Ok(neighbour) = TcpStream::connect(target).await else { return };
            for end in [&caller, &neighbour] {
                end.set_nodelay(true).ok();
            }
            let (from_caller, to_caller) = caller.into_split();
            let (from_neighbour, to_neighbour) = neighbour.into_split();
            // Whichever ends first ends the connection.
            tokio::select! {
                () = carry(from_caller, to_neighbour, way.clone()) => {}
                () = carry(from_neighbour, to_caller, way.clone()) => {}
                () = until(way, |way| way == Way::Cut) => {}
            }
        });
    }
}

async fn carry(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, way: watch::Receiver<Way>) {
    let mut piece = vec![0; PIECE_BYTES];
    while let Ok(length @ 1..) = from.read(&mut piece).await {
        if *way.borrow() == Way::Slow {
            tokio::time::sleep(SLOWNESS).await;
        }
        until(way.clone(), |way| way != Way::Stalled).await;
        if to.write_all(&piece[..length]).await.is_err() {
            return;
        }
    }
}

async fn until(mut way: watch::Receiver<Way>, is_so: impl Fn(Way) -> bool) {
    // Whose proxy is gone has a clear way: the test is over.
    way.wait_for(|way| is_so(*way)).await.ok();
}
