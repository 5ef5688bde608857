//! A server of a test's own: a PostgreSQL or Kafka, which it may stop and start again with all that it held; a Ray Serve.

use std::fs::File;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;
use uuid::Uuid;

/// It is made and started, or stopped, within this, on a slow and busy machine too.
const BOUND: Duration = Duration::from_secs(120);
/// Kafka listens on as many, one after the other.
const PORTS: u16 = 4;

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Postgres,
    Kafka,
    /// Of two replicas, behind HAProxy as `k8s/ray` has it.
    Ray,
}

pub(crate) struct OwnServer {
    kind: Kind,
    pub(crate) port: u16,
    folder: TempDir,
    /// The port at which Kafka says that its door with TLS is.
    advertised: Option<u16>,
    process: Option<Child>,
}

impl OwnServer {
    pub(crate) fn start(kind: Kind) -> Self {
        Self::start_in(TempDir::new().expect("a folder"), kind)
    }

    /// With what `tests/servers/*/run` finds in `folder`.
    pub(crate) fn start_in(folder: TempDir, kind: Kind) -> Self {
        Self::begin(kind, folder, None)
    }

    /// A Kafka that tells whoever speaks TLS to come by another port, behind which a test may stand.
    pub(crate) fn kafka_behind(port: u16) -> Self {
        Self::begin(Kind::Kafka, TempDir::new().expect("a folder"), Some(port))
    }

    fn begin(kind: Kind, folder: TempDir, advertised: Option<u16>) -> Self {
        let mut server = Self { kind, port: free_ports(), folder, advertised, process: None };
        server.start_again();
        server
    }

    /// On the same ports.
    pub(crate) fn start_again(&mut self) {
        let name = match self.kind {
            Kind::Postgres => "postgres",
            Kind::Kafka => "kafka",
            Kind::Ray => "ray",
        };
        let servers = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/servers");
        let log = File::create(self.folder.path().join("log")).expect("a log");
        let (home, variables) = match self.kind {
            // It keeps more beside its folder.
            Kind::Ray => {
                (self.folder.path().join("server"), &[("RAY_HA_PROXY", "1"), ("RAY_REPLICAS", "2")][..])
            }
            _ => (self.folder.path().to_owned(), &[][..]),
        };
        std::fs::create_dir_all(&home).expect("a folder");
        let mut process = Command::new(servers.join(name).join("run"))
            .arg(&home)
            .envs(variables.iter().copied())
            .arg(self.port.to_string())
            .args(self.advertised.map(|port| port.to_string()))
            .stdin(Stdio::null())
            .stdout(log.try_clone().expect("the log can be shared"))
            .stderr(log)
            .spawn()
            .expect("it starts");
        let began = Instant::now();
        while !self.answers() {
            assert!(process.try_wait().expect("ours").is_none(), "{name} ended at once:\n{}", self.log());
            assert!(began.elapsed() < BOUND, "{name} does not answer:\n{}", self.log());
            std::thread::sleep(Duration::from_millis(50));
        }
        self.process = Some(process);
    }

    fn answers(&self) -> bool {
        match self.kind {
            Kind::Postgres => {
                let port = self.port.to_string();
                let asked = Command::new("pg_isready").args(["-q", "-h", "127.0.0.1", "-p", &port]).status();
                asked.expect("pg_isready runs").success()
            }
            Kind::Kafka => self.log().contains("Kafka Server started"),
            Kind::Ray => {
                let health = format!("http://127.0.0.1:{}/health", self.port);
                let asked =
                    Command::new("curl").args(["-sf", "-m", "5", "-o", "/dev/null", &health]).status();
                asked.expect("curl runs").success()
            }
        }
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }

    /// SIGSTOP: it takes connections and says nothing. PostgreSQL's other processes go on.
    pub(crate) fn freeze(&self) {
        self.signal("-STOP");
    }

    fn signal(&self, signal: &str) {
        if let Some(process) = &self.process {
            Command::new("kill").args([signal, &process.id().to_string()]).status().ok();
        }
    }

    /// In order, as an operator would: a Kafka that is killed keeps its next start waiting for its own lease.
    pub(crate) fn stop(&mut self) {
        self.signal("-CONT");
        self.signal(match self.kind {
            // Its fast shutdown.
            Kind::Postgres => "-INT",
            Kind::Kafka | Kind::Ray => "-TERM",
        });
        let Some(mut process) = self.process.take() else { return };
        let began = Instant::now();
        while began.elapsed() < BOUND && matches!(process.try_wait(), Ok(None)) {
            std::thread::sleep(Duration::from_millis(20));
        }
        process.kill().ok();
        process.wait().ok();
    }

    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }
}

impl Drop for OwnServer {
    fn drop(&mut self) {
        self.stop();
    }
}

/// The first of some ports that nobody has, as `tests/servers/start.sh` finds them: below those that a system takes for
/// outgoing connections, so that they are still free when the server starts again.
fn free_ports() -> u16 {
    let is_free = |port: u16| std::net::TcpListener::bind(("127.0.0.1", port)).is_ok();
    loop {
        let [random, more, ..] = *Uuid::new_v4().as_bytes();
        let first = 20_000 + u16::from_le_bytes([random, more]) % 3_000 * PORTS;
        if (first..first + PORTS).all(is_free) {
            return first;
        }
    }
}
