//! A TCP way to Ray that sees its answers, and damages those to shards as it is told.

use std::collections::BTreeMap;
use std::pin::pin;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};

/// What an answer to a shard meets.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Act {
    Pass,
    /// The connection is closed after so many bytes.
    Cut(usize),
    /// One bit of the byte there is another. The head takes some 300 bytes, the tally thousands.
    Flip(usize),
    /// It does not come, and the connection stays.
    Keep,
}

/// What becomes of Ray's side of a connection whose caller has gone.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Manners {
    HangsUp,
    /// It stays until it is answered.
    Stays,
}

type Script = dyn Fn(usize) -> Act + Send + Sync;

#[derive(Default)]
struct Seen {
    answers_to_shards: AtomicUsize,
    damaged: AtomicUsize,
    statuses: Mutex<BTreeMap<u16, usize>>,
    broken: AtomicUsize,
    given_up: AtomicUsize,
}

pub(crate) struct Passage {
    pub(crate) url: String,
    seen: Arc<Seen>,
}

impl Passage {
    /// To the Ray at `url`; `script` has the number of the answer to a shard, from 0 on.
    pub(crate) async fn to(url: &str, script: impl Fn(usize) -> Act + Send + Sync + 'static) -> Self {
        Self::start(url, script, Manners::HangsUp).await
    }

    /// Nothing is damaged; but that a caller has gone is not passed on, as a proxy may have it that buffers.
    pub(crate) async fn discreet(url: &str) -> Self {
        Self::start(url, |_| Act::Pass, Manners::Stays).await
    }

    async fn start(
        url: &str,
        script: impl Fn(usize) -> Act + Send + Sync + 'static,
        manners: Manners,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let own = format!("http://{}", listener.local_addr().expect("its address"));
        let target = url.trim_start_matches("http://").to_owned();
        let (seen, script) = (Arc::new(Seen::default()), Arc::new(script));
        let passage = Self { url: own, seen: seen.clone() };
        tokio::spawn(async move {
            while let Ok((caller, _)) = listener.accept().await {
                let Ok(ray) = TcpStream::connect(&target).await else {
                    seen.broken.fetch_add(1, Ordering::SeqCst);
                    continue;
                };
                tokio::spawn(carry(caller, ray, seen.clone(), script.clone(), manners));
            }
        });
        passage
    }

    /// Nothing is damaged.
    pub(crate) async fn clear(url: &str) -> Self {
        Self::to(url, |_| Act::Pass).await
    }

    /// Answers of this status.
    pub(crate) fn answers(&self, status: u16) -> usize {
        self.seen.statuses.lock().expect("nobody panics with it").get(&status).copied().unwrap_or(0)
    }

    /// What went wrong without its doing: other answers than good ones, connections that Ray refused or broke.
    pub(crate) fn faults(&self) -> usize {
        let statuses = self.seen.statuses.lock().expect("nobody panics with it");
        let refusals: usize =
            statuses.iter().filter(|(status, _)| **status != 200).map(|(_, count)| count).sum();
        refusals + self.seen.broken.load(Ordering::SeqCst)
    }

    /// Calls that the caller waited for no longer.
    pub(crate) fn given_up(&self) -> usize {
        self.seen.given_up.load(Ordering::SeqCst)
    }

    /// Answers that it has damaged.
    pub(crate) fn damaged(&self) -> usize {
        self.seen.damaged.load(Ordering::SeqCst)
    }
}

/// Carries one connection until either side closes it.
async fn carry(caller: TcpStream, ray: TcpStream, seen: Arc<Seen>, script: Arc<Script>, manners: Manners) {
    let (from_caller, to_caller) = caller.into_split();
    let (from_ray, mut to_ray) = ray.into_split();
    let asked = Asked::default();
    let mut back = pin!(back(from_ray, to_caller, &asked, &seen, &*script));
    tokio::select! {
        () = there(from_caller, &mut to_ray, &asked) => {
            let is_waiting = asked.is_waiting.load(Ordering::SeqCst);
            seen.given_up.fetch_add(usize::from(is_waiting), Ordering::SeqCst);
            if is_waiting && manners == Manners::Stays {
                back.await;
            }
        }
        () = &mut back => {}
    }
}

/// What a connection's caller waits for.
#[derive(Default)]
struct Asked {
    is_waiting: AtomicBool,
    is_shard: AtomicBool,
}

async fn there(mut from: OwnedReadHalf, to: &mut OwnedWriteHalf, asked: &Asked) {
    let mut buffer = vec![0; 64 << 10];
    while let Ok(length @ 1..) = from.read(&mut buffer).await {
        let bytes = &buffer[..length];
        // One request at a time: a new one begins a piece of its own.
        if bytes.starts_with(b"GET ") || bytes.starts_with(b"POST ") {
            asked.is_waiting.store(true, Ordering::SeqCst);
            asked.is_shard.store(bytes.starts_with(b"POST /shards"), Ordering::SeqCst);
        }
        if to.write_all(bytes).await.is_err() {
            return;
        }
    }
}

async fn back(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, asked: &Asked, seen: &Seen, script: &Script) {
    let mut buffer = vec![0; 64 << 10];
    let (mut act, mut passed) = (Act::Pass, 0);
    loop {
        let Ok(length @ 1..) = from.read(&mut buffer).await else {
            seen.broken.fetch_add(usize::from(asked.is_waiting.load(Ordering::SeqCst)), Ordering::SeqCst);
            return;
        };
        let bytes = &mut buffer[..length];
        if bytes.starts_with(b"HTTP/1.1 ") {
            asked.is_waiting.store(false, Ordering::SeqCst);
            passed = 0;
            act = seen.answer(bytes, asked, script);
        }
        match act {
            Act::Pass => {}
            Act::Flip(at) => {
                if let Some(byte) = at.checked_sub(passed).and_then(|at| bytes.get_mut(at)) {
                    *byte ^= 1;
                    seen.damaged.fetch_add(1, Ordering::SeqCst);
                }
            }
            Act::Cut(at) => {
                if at < passed + length {
                    to.write_all(&bytes[..at - passed]).await.ok();
                    seen.damaged.fetch_add(1, Ordering::SeqCst);
                    return;
                }
            }
            Act::Keep => {
                seen.damaged.fetch_add(1, Ordering::SeqCst);
                std::future::pending::<()>().await;
            }
        }
        passed += length;
        if to.write_all(bytes).await.is_err() {
            return;
        }
    }
}

impl Seen {
    /// Notes an answer by its first bytes; what is done with it.
    fn answer(&self, bytes: &[u8], asked: &Asked, script: &Script) -> Act {
        let status = std::str::from_utf8(&bytes[9..12]).ok().and_then(|status| status.parse().ok());
        *self.statuses.lock().expect("nobody panics with it").entry(status.unwrap_or(0)).or_default() += 1;
        if asked.is_shard.load(Ordering::SeqCst) {
            script(self.answers_to_shards.fetch_add(1, Ordering::SeqCst))
        } else {
            Act::Pass
        }
    }
}
