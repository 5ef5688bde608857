//! A PostgreSQL of the test's own that speaks TLS, with a certificate that openssl makes.

use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use crate::own_server::{Kind, OwnServer};

pub(super) struct TlsServer {
    server: OwnServer,
}

impl TlsServer {
    /// Its certificate is for `localhost` alone.
    pub(super) fn start() -> Self {
        let folder = TempDir::new().expect("a folder");
        certify(folder.path());
        Self { server: OwnServer::start_in(folder, Kind::Postgres) }
    }

    pub(super) fn port(&self) -> u16 {
        self.server.port
    }

    /// Who signed its certificate.
    pub(super) fn authority(&self) -> PathBuf {
        self.server.folder().join("ca.crt")
    }

    /// Somebody who did not.
    pub(super) fn stranger(&self) -> PathBuf {
        self.server.folder().join("stranger.crt")
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
