//! A Ray of the tests' own, to be broken: one for all of them, one at a time, while somebody needs it.

use std::fs::{self, File};
use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use monte_carlo_service::core_service::client::install_tls_provider;
use serde_json::Value;
use tempfile::TempDir;
use tokio::sync::{Mutex, MutexGuard};

use crate::jobs::required;
use crate::processes::{REPLICA, below, command, send};

/// It answers, or is gone, within this, on a slow and busy machine too.
const BOUND: Duration = Duration::from_secs(120);

/// `run FOLDER PORT APPLICATION` beside a shell whose input is ours: however we end, the input does too, and then Ray.
const WHILE_WE_ARE: &str = r#""$0" "$@" & cat >/dev/null; kill -TERM $!; wait $!"#;

pub(crate) struct OwnRay {
    pub(crate) url: String,
    shell: Child,
    folder: TempDir,
}

/// The Ray, where it runs, and the turn to break it.
static RAY: Mutex<Option<OwnRay>> = Mutex::const_new(None);
/// Tests that wait for their turn, and the one that has it.
static WANTED: AtomicUsize = AtomicUsize::new(0);

/// The Ray while it is one test's to break.
pub(crate) struct Lent(MutexGuard<'static, Option<OwnRay>>);

impl Deref for Lent {
    type Target = OwnRay;

    fn deref(&self) -> &OwnRay {
        self.0.as_ref().expect("it is lent")
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        // Nobody mends what a failed test broke.
        if WANTED.fetch_sub(1, Ordering::SeqCst) == 1 || std::thread::panicking() {
            self.0.take();
        }
    }
}

impl OwnRay {
    /// The tests' Ray, whole, once it is our turn.
    pub(crate) async fn lend() -> Lent {
        install_tls_provider();
        WANTED.fetch_add(1, Ordering::SeqCst);
        let mut ray = Lent(RAY.lock().await);
        ray.0.get_or_insert_with(Self::start);
        ray.answers().await;
        ray
    }

    /// Its application is `tests/servers/ray/fatal.py`.
    fn start() -> Self {
        let folder = TempDir::new().expect("a folder");
        let home = folder.path().join("server");
        fs::create_dir(&home).expect("a folder in it");
        let log = File::create(folder.path().join("log")).expect("a log");
        let port = free_port();
        let shell = Command::new("sh")
            .args(["-c", WHILE_WE_ARE])
            .arg(servers().join("run"))
            .arg(&home)
            .args([&port.to_string(), "fatal:app"])
            .stdin(Stdio::piped())
            .stdout(log.try_clone().expect("the log can be shared"))
            .stderr(log)
            .spawn()
            .expect("it starts");
        Self { url: format!("http://127.0.0.1:{port}"), shell, folder }
    }

    /// Waits until its application is there, with a replica.
    pub(crate) async fn answers(&self) {
        let began = Instant::now();
        while self.health().await.is_none_or(|health| health["replicas"] == 0) {
            assert!(began.elapsed() < BOUND, "Ray does not answer:\n{}", self.log());
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    }

    pub(crate) async fn health(&self) -> Option<Value> {
        let asked =
            reqwest::Client::new().get(format!("{}/health", self.url)).timeout(Duration::from_secs(2));
        asked.send().await.ok()?.error_for_status().ok()?.json().await.ok()
    }

    pub(crate) fn replicas(&self) -> Vec<u32> {
        below(self.shell.id(), REPLICA)
    }

    /// What listens for callers.
    pub(crate) fn proxy(&self) -> u32 {
        let proxies = below(self.shell.id(), "ray::ProxyActor");
        *proxies.first().expect("there is one")
    }

    /// Takes the application off, as `serve` does.
    pub(crate) async fn delete(&self) {
        let delete = servers().join("delete.py");
        self.python(&[&delete.to_string_lossy(), &self.address()]).await;
    }

    /// Deploys the application by its configuration, as changed; it may not be there yet.
    pub(crate) async fn deploy(&self, changed: impl FnOnce(String) -> String) {
        let home = self.folder.path().join("server");
        let configuration = fs::read_to_string(home.join("config.yaml")).expect("run wrote it");
        fs::write(home.join("changed.yaml"), changed(configuration)).expect("room for it");
        let address = self.address();
        let serve =
            ["-m", "ray.serve.scripts", "run", "changed.yaml", "--non-blocking", "--address", &address];
        self.python(&serve).await;
    }

    /// Of its cluster, for whoever joins.
    fn address(&self) -> String {
        let name = "--gcs-address=";
        let mut told = below(self.shell.id(), name).into_iter().map(command);
        let word =
            |told: String| told.split('\0').find_map(|word| word.strip_prefix(name).map(str::to_owned));
        told.find_map(word).expect("its raylet was told")
    }

    async fn python(&self, arguments: &[&str]) {
        let mut command = Command::new(servers().join("python"));
        command.arg(self.folder.path().join("server")).args(arguments).stdin(Stdio::null());
        let ran =
            tokio::task::spawn_blocking(move || command.output()).await.expect("it ends").expect("it runs");
        assert!(ran.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&ran.stderr));
    }

    pub(crate) fn log(&self) -> String {
        let log = fs::read_to_string(self.folder.path().join("log")).unwrap_or_default();
        let lines: Vec<&str> = log.lines().collect();
        lines[lines.len().saturating_sub(40)..].join("\n")
    }
}

impl Drop for OwnRay {
    fn drop(&mut self) {
        drop(self.shell.stdin.take());
        let began = Instant::now();
        while began.elapsed() < Duration::from_secs(20) && matches!(self.shell.try_wait(), Ok(None)) {
            std::thread::sleep(Duration::from_millis(50));
        }
        if matches!(self.shell.try_wait(), Ok(None)) {
            for process in below(self.shell.id(), "") {
                send("-KILL", process);
            }
        }
        self.shell.wait().ok();
    }
}

fn servers() -> PathBuf {
    // It needs both, and would say so in a log only.
    for variable in ["TEST_RAY_HOME", "TEST_RAY_MODULES"] {
        required(variable);
    }
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/servers/ray")
}

/// Below those that a system takes for outgoing connections, so that it is still free when a proxy comes back.
fn free_port() -> u16 {
    loop {
        let port = fastrand::u16(20_000..32_000);
        if std::net::TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
}
