//! The API on a port of its own, and a client for it.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, LazyLock, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use monte_carlo_engine::Subject;
use monte_carlo_service::http::job_reader::FromStore;
use monte_carlo_service::http::limits::Timeouts;
use monte_carlo_service::http::readiness::{Absence, DatabaseProbe, Probe, Probes};
use monte_carlo_service::http::server::{Server, Stopped};
use monte_carlo_service::http::subjects::{Existence, SubjectLookup};
use monte_carlo_service::http::{Dependencies, router};
use monte_carlo_service::telemetry::metrics;
use monte_carlo_service::telemetry::trace_context::TraceContext;
use reqwest::{Client, Method, RequestBuilder, Response};
use serde_json::Value;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::books::Books;
use crate::daily::Door;

/// One process has one recorder; the tests share it.
static RECORDER: LazyLock<PrometheusHandle> = LazyLock::new(|| {
    let handle = metrics::with_buckets(PrometheusBuilder::new()).unwrap().install_recorder().unwrap();
    metrics::begin();
    handle
});

static TLS: LazyLock<()> = LazyLock::new(|| {
    rustls::crypto::ring::default_provider().install_default().unwrap();
});

/// For requests in flight at a shutdown.
pub(crate) const GRACE: Duration = Duration::from_secs(2);

pub(crate) const PATHS: u64 = 1_000;

pub(crate) struct Service {
    pub(crate) address: SocketAddr,
    pub(crate) books: Arc<Books>,
    pub(crate) core: Arc<Core>,
    pub(crate) door: Arc<Door>,
    pub(crate) wakes: Arc<AtomicUsize>,
    pub(crate) shutdown: CancellationToken,
    pub(crate) draining: CancellationToken,
    pub(crate) stopped: JoinHandle<Stopped>,
    client: Client,
}

/// Core Service, as far as the API asks it.
pub(crate) struct Core {
    /// `None` never answers.
    pub(crate) answer: Mutex<Option<Existence>>,
    pub(crate) asked: Mutex<Vec<Subject>>,
}

#[async_trait]
impl SubjectLookup for Core {
    async fn exists(&self, subject: &Subject, _trace: &TraceContext) -> Existence {
        self.asked.lock().unwrap().push(subject.clone());
        let answer = *self.answer.lock().unwrap();
        match answer {
            Some(answer) => answer,
            None => std::future::pending().await,
        }
    }
}

/// A neighbour that never answers and without which the service is ready all the same.
struct SilentKafka;

#[async_trait]
impl Probe for SilentKafka {
    fn name(&self) -> &'static str {
        "kafka"
    }

    fn required(&self) -> bool {
        false
    }

    async fn probe(&self) -> Result<String, Absence> {
        std::future::pending().await
    }
}

pub(crate) fn brisk() -> Timeouts {
    Timeouts {
        probe: Duration::from_millis(20),
        existence: Duration::from_millis(50),
        request: Duration::from_millis(1_500),
        body: Duration::from_millis(500),
        ..Timeouts::default()
    }
}

impl Service {
    pub(crate) async fn start() -> Self {
        Self::start_with(Timeouts { probe: Duration::from_millis(20), ..Timeouts::default() }).await
    }

    pub(crate) async fn start_with(timeouts: Timeouts) -> Self {
        LazyLock::force(&TLS);
        let books = Arc::new(Books::default());
        let answer = Mutex::new(Some(Existence::Exists));
        let core = Arc::new(Core { answer, asked: Mutex::default() });
        let door = Arc::new(Door::default());
        let wakes = Arc::new(AtomicUsize::new(0));
        let (shutdown, draining) = (CancellationToken::new(), CancellationToken::new());
        let probes: Vec<Arc<dyn Probe>> = vec![Arc::new(DatabaseProbe(books.clone())), Arc::new(SilentKafka)];
        let woken = wakes.clone();
        let router = router(Dependencies {
            store: books.clone(),
            by_hand: books.clone(),
            dead_letters: books.clone(),
            jobs: Arc::new(FromStore(books.clone())),
            subjects: core.clone(),
            daily: door.clone(),
            readiness: Arc::new(Probes::new(probes, timeouts.probe)),
            wake: Arc::new(move || {
                woken.fetch_add(1, Ordering::SeqCst);
            }),
            default_paths: PATHS,
            metrics: RECORDER.clone(),
            draining: draining.clone(),
            timeouts,
        });
        let server = Server::bind(SocketAddr::from(([127, 0, 0, 1], 0)), timeouts).await.unwrap();
        let address = server.local_addr().unwrap();
        let stopped = tokio::spawn(server.serve(router, shutdown.clone(), GRACE));
        let client = Client::builder().no_proxy().build().unwrap();
        Self { address, books, core, door, wakes, shutdown, draining, stopped, client }
    }

    pub(crate) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.client.request(method, format!("http://{}{path}", self.address))
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        Answer::of(self.request(Method::GET, path).send().await.unwrap()).await
    }

    pub(crate) async fn post(&self, body: impl Into<reqwest::Body>) -> Answer {
        let request = self.request(Method::POST, "/simulations").header("content-type", "application/json");
        Answer::of(request.body(body).send().await.unwrap()).await
    }

    pub(crate) async fn post_with_key(&self, key: &str, body: &'static str) -> Answer {
        let request = self.request(Method::POST, "/simulations").header("content-type", "application/json");
        Answer::of(request.header("idempotency-key", key).body(body).send().await.unwrap()).await
    }
}

pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: reqwest::header::HeaderMap,
    pub(crate) text: String,
}

impl Answer {
    pub(crate) async fn of(response: Response) -> Self {
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        Self { status, headers, text: response.text().await.unwrap() }
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|_| panic!("not JSON: {:?}", self.text))
    }

    /// Status, code and field of a refusal, whose shape is checked on the way.
    pub(crate) fn refusal(&self) -> (u16, String, Option<String>) {
        let body = self.json();
        let fields = body.as_object().unwrap();
        assert!(fields.keys().all(|name| matches!(name.as_str(), "error" | "code" | "field")), "{body}");
        assert!(!fields["error"].as_str().unwrap().is_empty());
        assert!(!self.header("x-correlation-id").is_empty());
        let field = fields.get("field").map(|field| field.as_str().unwrap().to_owned());
        (self.status, fields["code"].as_str().unwrap().to_owned(), field)
    }
}
