//! A Redis of a test's own, which it may kill, empty and start again.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::service::free_port;

const START_BOUND: Duration = Duration::from_secs(30);
pub(crate) const PASSWORD: &str = "hunter2-of-redis";

pub(crate) struct RedisServer {
    pub(crate) port: u16,
    is_guarded: bool,
    folder: TempDir,
    child: Option<Child>,
}

impl RedisServer {
    pub(crate) fn start() -> Self {
        Self::with(false)
    }

    /// Speaks TLS alone and asks for [`PASSWORD`].
    pub(crate) fn guarded() -> Self {
        Self::with(true)
    }

    fn with(is_guarded: bool) -> Self {
        let folder = TempDir::new().expect("a scratch folder");
        if is_guarded {
            certificates(folder.path());
        }
        let mut server = Self { port: free_port(), is_guarded, folder, child: None };
        server.start_again();
        server
    }

    /// On the same port, empty.
    pub(crate) fn start_again(&mut self) {
        let port = self.port.to_string();
        let mut command = Command::new("redis-server");
        command.args([
            "--bind",
            "127.0.0.1",
            "--save",
            "",
            "--appendonly",
            "no",
            "--daemonize",
            "no",
            "--dir",
        ]);
        command.arg(self.folder.path());
        if self.is_guarded {
            command.args(["--port", "0", "--tls-port", &port, "--tls-auth-clients", "no"]);
            command.args(["--requirepass", PASSWORD]);
            for (option, file) in [
                ("--tls-cert-file", "server.pem"),
                ("--tls-key-file", "server.key"),
                ("--tls-ca-cert-file", "ca.pem"),
            ] {
                command.arg(option).arg(self.folder.path().join(file));
            }
        } else {
            command.args(["--port", &port]);
        }
        let child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
        self.child = Some(child.expect("redis-server starts"));
        let began = Instant::now();
        while self.ask(&["PING"]) != "PONG" {
            assert!(began.elapsed() < START_BOUND, "Redis does not answer");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    pub(crate) fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().expect("Redis can be killed");
            child.wait().expect("it was ours");
        }
    }

    /// What redis-cli prints.
    pub(crate) fn ask(&self, command: &[&str]) -> String {
        let mut cli = Command::new("redis-cli");
        cli.args(["-h", "127.0.0.1", "-p", &self.port.to_string()]);
        if self.is_guarded {
            cli.args(["--tls", "--no-auth-warning", "-a", PASSWORD, "--cacert"]).arg(self.ca_file());
        }
        let output = cli.args(command).output().expect("redis-cli runs");
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    }

    /// Keys that match.
    pub(crate) fn keys(&self, pattern: &str) -> Vec<String> {
        self.ask(&["--raw", "KEYS", pattern])
            .lines()
            .filter(|key| !key.is_empty())
            .map(str::to_owned)
            .collect()
    }

    pub(crate) fn ca_file(&self) -> String {
        self.folder.path().join("ca.pem").display().to_string()
    }

    /// An authority that signed nothing.
    pub(crate) fn other_ca_file(&self) -> String {
        self.folder.path().join("other.pem").display().to_string()
    }
}

impl Drop for RedisServer {
    fn drop(&mut self) {
        self.kill();
    }
}

/// An authority, a certificate that it signed for 127.0.0.1, and another authority.
fn certificates(folder: &Path) {
    for name in ["ca", "other"] {
        let (key, pem) = (format!("{name}.key"), format!("{name}.pem"));
        let subject = format!("/CN=test {name}");
        openssl(
            folder,
            &[
                "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", &subject, "-keyout",
                &key, "-out", &pem,
            ],
        );
    }
    std::fs::write(folder.join("names"), "subjectAltName=IP:127.0.0.1\n").expect("written");
    openssl(
        folder,
        &[
            "req",
            "-newkey",
            "rsa:2048",
            "-nodes",
            "-subj",
            "/CN=redis",
            "-keyout",
            "server.key",
            "-out",
            "server.csr",
        ],
    );
    openssl(
        folder,
        &[
            "x509",
            "-req",
            "-in",
            "server.csr",
            "-CA",
            "ca.pem",
            "-CAkey",
            "ca.key",
            "-CAcreateserial",
            "-days",
            "2",
            "-extfile",
            "names",
            "-out",
            "server.pem",
        ],
    );
}

fn openssl(folder: &Path, arguments: &[&str]) {
    let output = Command::new("openssl").args(arguments).current_dir(folder).output().expect("openssl runs");
    assert!(output.status.success(), "openssl {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
}
