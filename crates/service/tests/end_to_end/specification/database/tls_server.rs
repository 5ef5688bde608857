//! A PostgreSQL of the test's own that speaks TLS, with a certificate that openssl makes.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::service::free_port;

/// It is made and started within this, on a slow and busy machine too.
const START_BOUND: Duration = Duration::from_secs(60);

pub(super) struct TlsServer {
    process: Child,
    pub(super) port: u16,
    folder: TempDir,
}

impl TlsServer {
    /// Its certificate is for `localhost` alone.
    pub(super) fn start() -> Self {
        let folder = TempDir::new().expect("a folder");
        certify(folder.path());
        let port = free_port();
        let run = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/servers/postgres/run");
        let process = Command::new(run)
            .arg(folder.path())
            .arg(port.to_string())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("PostgreSQL starts");
        let mut server = Self { process, port, folder };
        let began = Instant::now();
        let ready = || {
            let port = port.to_string();
            let asked = Command::new("pg_isready").args(["-q", "-h", "127.0.0.1", "-p", &port]).status();
            asked.expect("pg_isready runs").success()
        };
        while !ready() {
            assert!(server.process.try_wait().expect("ours").is_none(), "PostgreSQL ended at once");
            assert!(began.elapsed() < START_BOUND, "PostgreSQL does not answer");
            std::thread::sleep(Duration::from_millis(50));
        }
        server
    }

    /// Who signed its certificate.
    pub(super) fn authority(&self) -> PathBuf {
        self.folder.path().join("ca.crt")
    }

    /// Somebody who did not.
    pub(super) fn stranger(&self) -> PathBuf {
        self.folder.path().join("stranger.crt")
    }
}

impl Drop for TlsServer {
    fn drop(&mut self) {
        // PostgreSQL's fast shutdown.
        Command::new("kill").args(["-INT", &self.process.id().to_string()]).status().ok();
        self.process.wait().ok();
    }
}

fn certify(folder: &Path) {
    for (authority, name) in [("ca", "/CN=an authority"), ("stranger", "/CN=another authority")] {
        let (key, certificate) = (format!("{authority}.key"), format!("{authority}.crt"));
        let made = ["req", "-x509", "-days", "2", "-subj", name, "-keyout", &key, "-out", &certificate];
        openssl(folder, &[&made[..], &KEY].concat());
    }
    let asked = ["req", "-subj", "/CN=localhost", "-keyout", "server.key", "-out", "server.csr"];
    openssl(folder, &[&asked[..], &KEY].concat());
    std::fs::write(folder.join("names"), "subjectAltName=DNS:localhost").expect("a file");
    let signed = "x509 -req -in server.csr -CA ca.crt -CAkey ca.key -CAcreateserial -days 2 -extfile names -out server.crt";
    openssl(folder, &signed.split(' ').collect::<Vec<_>>());
}

/// A new key, quickly made.
const KEY: [&str; 5] = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];

fn openssl(folder: &Path, arguments: &[&str]) {
    let made = Command::new("openssl").args(arguments).current_dir(folder).output().expect("openssl runs");
    assert!(made.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&made.stderr));
}
