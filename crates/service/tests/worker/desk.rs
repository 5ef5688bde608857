//! What a worker works with, in a test.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use monte_carlo_engine::{Control, Subject};
use monte_carlo_service::core_service::client::{
    CoreServiceClient, CoreServiceSettings, install_tls_provider,
};
use monte_carlo_service::jobs::ids::{JobId, WorkerId};
use monte_carlo_service::jobs::input::StoredInput;
use monte_carlo_service::signals::Signals;
use monte_carlo_service::simulator::{Assignment, Outcome, Simulator, SimulatorError};
use monte_carlo_service::store::{JobRecord, NewJob, Origin, Store as _, StoreOptions, open};
use monte_carlo_service::telemetry::trace_context::TraceContext;
use monte_carlo_service::worker::{Worker, WorkerSettings};
use serde_json::json;
use tempfile::TempDir;

use crate::shaky::Shaky;

/// Far beyond what a slow machine needs.
const BOUND: Duration = Duration::from_secs(60);
pub(crate) const GRACE: Duration = Duration::from_secs(1);

/// Simulates until it may end, or is told to.
#[derive(Default)]
pub(crate) struct Puppet {
    pub(crate) may_end: AtomicBool,
    pub(crate) begun: AtomicUsize,
    pub(crate) cancelled: AtomicUsize,
}

/// Counts a simulation that ends by being dropped or cancelled.
struct Underway<'a> {
    puppet: &'a Puppet,
    is_done: bool,
}

impl Drop for Underway<'_> {
    fn drop(&mut self) {
        if !self.is_done {
            self.puppet.cancelled.fetch_add(1, Ordering::SeqCst);
        }
    }
}

#[async_trait]
impl Simulator for Puppet {
    async fn simulate(&self, _: Assignment, control: Arc<Control>) -> Result<Outcome, SimulatorError> {
        self.begun.fetch_add(1, Ordering::SeqCst);
        let mut underway = Underway { puppet: self, is_done: false };
        while !self.may_end.load(Ordering::SeqCst) {
            if control.cancel.load(Ordering::Relaxed) {
                return Err(SimulatorError::Cancelled);
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        underway.is_done = true;
        Ok(Outcome::Foreign(json!({"resultDigest": "the puppet's"})))
    }
}

pub(crate) struct Desk {
    pub(crate) store: Arc<Shaky>,
    pub(crate) puppet: Arc<Puppet>,
    _folder: TempDir,
}

impl Desk {
    pub(crate) async fn new() -> Self {
        let folder = TempDir::new().expect("a folder");
        let url = format!("sqlite:{}", folder.path().join("jobs.db").display());
        let behind = Arc::new(open(&url, &StoreOptions::default()).expect("a file's URL"));
        behind.migrate().await.expect("migrates");
        Self { store: Shaky::before(behind), puppet: Arc::default(), _folder: folder }
    }

    /// Another worker with one place.
    pub(crate) fn worker(&self) -> Worker {
        install_tls_provider();
        let nowhere = CoreServiceSettings {
            base_url: "http://127.0.0.1:1".into(),
            token: None,
            timeout: Duration::from_secs(1),
        };
        Worker {
            store: self.store.clone(),
            core_service: Arc::new(CoreServiceClient::new(&nowhere).expect("settings")),
            simulator: self.puppet.clone(),
            signals: Arc::new(Signals::default()),
            settings: WorkerSettings {
                concurrency: 1,
                default_paths: 100,
                default_history_replicates: None,
                shutdown_grace: GRACE,
            },
            id: WorkerId::random(),
        }
    }

    /// A job that brings its history along.
    pub(crate) async fn order(&self) -> JobId {
        let trade =
            |day: i64| json!({"id": day.to_string(), "pnl": 10 - day % 3 * 9, "timestamp": day * 86_400_000});
        let full = json!({
            "tradeHistory": (0..20).map(trade).collect::<Vec<_>>(),
            "pnlData": {"balance": 50_000, "peak": 50_000, "realized": 0, "unrealized": 0},
        });
        let job = NewJob {
            id: JobId::random(),
            subject: Subject::Assessment("a".into()),
            origin: Origin::Api,
            dedupe_key: None,
            config: json!({}),
            input: Some(StoredInput { full, summary: json!({}) }),
            trace: TraceContext::continue_from(None, None, None),
        };
        self.store.behind.create(&job, None).await.expect("creates");
        job.id
    }

    pub(crate) async fn job(&self, id: &JobId) -> JobRecord {
        self.store.behind.job(id).await.expect("reads").expect("is there")
    }
}

/// Waits until something is so.
pub(crate) async fn until(what: &str, mut is_so: impl AsyncFnMut() -> bool) {
    let began = Instant::now();
    while !is_so().await {
        assert!(began.elapsed() < BOUND, "{what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}
