//! A Ray Serve application in this process: `/health`, `/shards` by the engine itself, `/simulate` of an old one; and what
//! is to go wrong.

use std::collections::{BTreeSet, HashMap};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use monte_carlo_engine::wire::{PROTOCOL, ShardRequest, tally_to_bytes};
use monte_carlo_engine::{Control, ENGINE_VERSION, Shard, run_shard};
use monte_carlo_service::simulator::ray::transport::MARK;
use reqwest::Url;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// What a call meets.
#[derive(Clone, Debug)]
pub(crate) enum Act {
    /// The right answer.
    Answer,
    /// The right answer, later.
    After(Duration),
    /// The right answer less its last bytes, and the connection is closed.
    Cut,
    /// The right answer with one bit changed.
    Flip,
    /// The answer to another shard.
    OtherShard,
    /// The right answer without our mark.
    Unmarked,
    /// A status without our mark.
    Status(u16),
    /// The same, with `Retry-After` in seconds.
    RetryAfter(u16, u64),
    /// A marked refusal.
    Marked(u16, &'static str),
    /// No answer, ever.
    Hang,
}

/// One call for a shard.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Call {
    /// Which call of all, from 0 on.
    pub(crate) number: usize,
    pub(crate) shard: Shard,
    /// Which call for this shard, from 0 on.
    pub(crate) of_shard: usize,
}

type Script = Box<dyn Fn(Call) -> Act + Send + Sync>;

/// What the stand-in has seen, and what it is told.
pub(crate) struct Inner {
    health: Mutex<Value>,
    script: Mutex<Script>,
    /// The ids of the calls for each shard, by its first path.
    calls: Mutex<HashMap<u64, Vec<String>>>,
    cancelled: Mutex<BTreeSet<String>>,
    pub(crate) health_calls: AtomicUsize,
    pub(crate) shard_calls: AtomicUsize,
    pub(crate) simulate_calls: Mutex<Vec<(Value, HeaderMap)>>,
    simulate: Mutex<Box<dyn Fn(usize) -> Response + Send + Sync>>,
    in_flight: AtomicUsize,
    pub(crate) in_flight_max: AtomicUsize,
}

impl Inner {
    /// Calls for shards that are there now.
    pub(crate) fn in_flight(&self) -> usize {
        self.in_flight.load(Ordering::SeqCst)
    }
}

/// A started stand-in; it ends when it is dropped.
pub(crate) struct StandIn {
    pub(crate) inner: Arc<Inner>,
    pub(crate) url: Url,
    server: JoinHandle<()>,
}

impl StandIn {
    pub(crate) async fn start() -> Self {
        Self::start_at("127.0.0.1:0").await
    }

    pub(crate) async fn start_at(address: &str) -> Self {
        let inner = Arc::new(Inner {
            health: Mutex::new(ours(2)),
            script: Mutex::new(Box::new(|_| Act::Answer)),
            calls: Mutex::default(),
            cancelled: Mutex::default(),
            health_calls: AtomicUsize::default(),
            shard_calls: AtomicUsize::default(),
            simulate_calls: Mutex::default(),
            simulate: Mutex::new(Box::new(|_| Json(old_result()).into_response())),
            in_flight: AtomicUsize::default(),
            in_flight_max: AtomicUsize::default(),
        });
        let router = Router::new()
            .route("/health", get(health))
            .route("/shards", post(shards))
            .route("/shards/cancel", post(cancel))
            .route("/simulate", post(simulate))
            .layer(axum::extract::DefaultBodyLimit::disable())
            .with_state(inner.clone());
        let listener = TcpListener::bind(address).await.expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("its address"));
        let server = tokio::spawn(async move { axum::serve(listener, router).await.expect("serves") });
        Self { inner, url: url.parse().expect("a URL"), server }
    }

    /// What `/health` says.
    pub(crate) fn says(&self, health: Value) {
        *self.inner.health.lock().expect("no call panics with it") = health;
    }

    /// What calls for shards meet.
    pub(crate) fn acts(&self, script: impl Fn(Call) -> Act + Send + Sync + 'static) {
        *self.inner.script.lock().expect("no call panics with it") = Box::new(script);
    }

    /// What calls of the old kind meet, by their number.
    pub(crate) fn simulates(&self, script: impl Fn(usize) -> Response + Send + Sync + 'static) {
        *self.inner.simulate.lock().expect("no call panics with it") = Box::new(script);
    }

    pub(crate) fn shard_calls(&self) -> usize {
        self.inner.shard_calls.load(Ordering::SeqCst)
    }

    /// The most calls for one shard.
    pub(crate) fn calls_for_one_max(&self) -> usize {
        self.inner.calls.lock().expect("no call panics with it").values().map(Vec::len).max().unwrap_or(0)
    }

    /// The ids of the calls for the shard that begins with `first`, in their order.
    pub(crate) fn calls_for(&self, first: u64) -> Vec<String> {
        self.inner.calls.lock().expect("no call panics with it").get(&first).cloned().unwrap_or_default()
    }

    /// The ids of all calls for shards.
    pub(crate) fn ids(&self) -> BTreeSet<String> {
        self.inner.calls.lock().expect("no call panics with it").values().flatten().cloned().collect()
    }

    /// The ids of the calls that were ended by them, once they are as `wanted`.
    pub(crate) async fn cancelled(&self, wanted: impl Fn(&BTreeSet<String>) -> bool) -> BTreeSet<String> {
        loop {
            let cancelled = self.inner.cancelled.lock().expect("no call panics with it").clone();
            if wanted(&cancelled) {
                return cancelled;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// The first paths of the shards that were asked for, ascending.
    pub(crate) fn firsts_seen(&self) -> Vec<u64> {
        let calls = self.inner.calls.lock().expect("no call panics with it");
        let mut firsts: Vec<_> = calls.keys().copied().collect();
        firsts.sort_unstable();
        firsts
    }

    /// Shards that were asked for.
    pub(crate) fn shards_seen(&self) -> usize {
        self.inner.calls.lock().expect("no call panics with it").len()
    }
}

impl Drop for StandIn {
    fn drop(&mut self) {
        self.server.abort();
    }
}

#[derive(Deserialize)]
struct Cancel {
    calls: Vec<String>,
}

/// The health report of an application that speaks our protocol.
pub(crate) fn ours(replicas: u32) -> Value {
    json!({"status": "healthy", "engine": ENGINE_VERSION, "protocols": [PROTOCOL], "replicas": replicas})
}

/// A result in the first of the two dialects.
pub(crate) fn old_result() -> Value {
    json!({
        "riskMetrics": {"valueAtRisk95": 100.0, "valueAtRisk99": 200.0, "expectedShortfall": 150.0, "maxDrawdown": 0.1},
        "confidenceIntervals": {"return95Lower": -0.1, "return95Upper": 0.1, "return99Lower": -0.2, "return99Upper": 0.2},
        "variance": 0.01, "standardDeviation": 0.1, "pathsSimulated": 1_000_000,
    })
}

async fn health(State(inner): State<Arc<Inner>>) -> Json<Value> {
    inner.health_calls.fetch_add(1, Ordering::SeqCst);
    Json(inner.health.lock().expect("no call panics with it").clone())
}

async fn simulate(State(inner): State<Arc<Inner>>, headers: HeaderMap, Json(body): Json<Value>) -> Response {
    let number = {
        let mut calls = inner.simulate_calls.lock().expect("no call panics with it");
        calls.push((body, headers));
        calls.len() - 1
    };
    (inner.simulate.lock().expect("no call panics with it"))(number)
}

/// Counts a call for as long as it is there, also where it is cut off.
struct Counted<'a>(&'a AtomicUsize);

impl<'a> Counted<'a> {
    fn new(counter: &'a AtomicUsize) -> Self {
        counter.fetch_add(1, Ordering::SeqCst);
        Self(counter)
    }
}

impl Drop for Counted<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

async fn shards(State(inner): State<Arc<Inner>>, headers: HeaderMap, body: Bytes) -> Response {
    let _flight = Counted::new(&inner.in_flight);
    inner.in_flight_max.fetch_max(inner.in_flight.load(Ordering::SeqCst), Ordering::SeqCst);
    assert!(headers.contains_key("x-request-timeout-seconds"), "the time left is said");
    let request = ShardRequest::from_bytes(&body).expect("a whole frame");
    assert!(request.time_left_ms > 0);
    let number = inner.shard_calls.fetch_add(1, Ordering::SeqCst);
    let of_shard = {
        let mut calls = inner.calls.lock().expect("no call panics with it");
        let ids = calls.entry(request.shard.first_path).or_default();
        ids.push(headers["x-request-id"].to_str().expect("text").to_owned());
        ids.len() - 1
    };
    let act = (inner.script.lock().expect("no call panics with it"))(Call {
        number,
        shard: request.shard,
        of_shard,
    });
    match act {
        Act::Hang => std::future::pending().await,
        Act::Status(status) => status_of(status).into_response(),
        Act::RetryAfter(status, seconds) => {
            // So long that all that may fly does before the first is refused.
            tokio::time::sleep(Duration::from_millis(200)).await;
            (status_of(status), [("retry-after", seconds.to_string())], "busy").into_response()
        }
        Act::Marked(status, code) => {
            let body = json!({"error": format!("it says {code}"), "code": code, "field": "config.steps"});
            (status_of(status), [(MARK, ENGINE_VERSION)], Json(body)).into_response()
        }
        Act::After(pause) => {
            tokio::time::sleep(pause).await;
            answer(&body, request.shard, Act::Answer).await
        }
        act => answer(&body, request.shard, act).await,
    }
}

async fn cancel(State(inner): State<Arc<Inner>>, Json(body): Json<Cancel>) -> Json<Value> {
    let mut cancelled = inner.cancelled.lock().expect("no call panics with it");
    cancelled.extend(body.calls);
    Json(json!({"cancelled": cancelled.len()}))
}

async fn answer(body: &Bytes, shard: Shard, act: Act) -> Response {
    let body = body.clone();
    let frame = tokio::task::spawn_blocking(move || {
        let plan = ShardRequest::from_bytes(&body)
            .expect("whole")
            .simulation()
            .expect("ours")
            .plan()
            .expect("a plan");
        let shard = match act {
            Act::OtherShard => {
                let others = plan.shards(200_000);
                others.into_iter().find(|other| *other != shard).expect("another")
            }
            _ => shard,
        };
        let tally = run_shard(&plan, shard, &Control::default()).expect("nobody stops it");
        let mut frame = tally_to_bytes(&plan, shard, &tally);
        if matches!(act, Act::Flip) {
            let middle = frame.len() / 2;
            frame[middle] ^= 1;
        }
        (frame, act)
    });
    let (frame, act) = frame.await.expect("the engine works");
    match act {
        Act::Cut => {
            let whole = frame.len();
            let part = Bytes::from(frame).slice(..whole - 9);
            let then =
                futures::stream::iter([Ok(part), Err(std::io::Error::other("the replica was killed"))]);
            let mut response = Body::from_stream(then).into_response();
            response.headers_mut().insert(MARK, ENGINE_VERSION.parse().expect("text"));
            response
        }
        Act::Unmarked => frame.into_response(),
        _ => ([(MARK, ENGINE_VERSION)], frame).into_response(),
    }
}

fn status_of(status: u16) -> StatusCode {
    StatusCode::from_u16(status).expect("a status")
}
