//! The disk of a SQLite file is full for a while.

use std::fs::{self, File};
use std::io;
use std::path::Path;
use std::process::Command;

use tempfile::TempDir;

use super::{SETTINGS, Scene, house};
use crate::service::Service;

/// Room for all that a scene stores.
const DISK: &str = "size=512m";
/// Where no file may be longer, the file and its log of what is new no longer grow. The service's log is shorter.
const FULL: &str = "--fsize=2097152:unlimited";
const WIDE: &str = "--fsize=unlimited:unlimited";

/// A disk that can be filled.
struct Disk {
    folder: TempDir,
    /// Whether it is a file system of its own. Not everybody may make one; then what is full is a bound on the
    /// files of the one process, beyond which a write fails likewise.
    is_own: bool,
}

impl Disk {
    fn new() -> Self {
        let folder = TempDir::new().expect("a folder");
        let mounted =
            Command::new("mount").args(["-t", "tmpfs", "-o", DISK, "tmpfs"]).arg(folder.path()).output();
        Self { folder, is_own: mounted.is_ok_and(|output| output.status.success()) }
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    fn fill(&self, service: &Service) {
        if self.is_own {
            let mut ballast = File::create(self.path().join("ballast")).expect("a file");
            let full = io::copy(&mut io::repeat(0), &mut ballast).expect_err("it ends");
            assert_eq!(full.kind(), io::ErrorKind::StorageFull);
        } else {
            bound(service, FULL);
        }
    }

    fn empty(&self, service: &Service) {
        if self.is_own {
            fs::remove_file(self.path().join("ballast")).expect("it was there");
        } else {
            bound(service, WIDE);
        }
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        if self.is_own {
            Command::new("umount").arg("--lazy").arg(self.path()).status().ok();
        }
    }
}

fn bound(service: &Service, bound: &str) {
    let pid = service.pid().to_string();
    assert!(Command::new("prlimit").args(["--pid", &pid, bound]).status().expect("prlimit runs").success());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_disk_of_a_file_is_full_for_a_while() {
    let disk = Disk::new();
    let url = format!("sqlite:{}", disk.path().join("jobs.db").display());
    let house = house().await.with_database(url);
    // Who writes beyond a bound is told so, and not killed.
    let service = house.service_by(&["env", "--ignore-signal=XFSZ"], &SETTINGS).ready().await;
    let mut scene = Scene::begin("disk_full", house).await;
    scene.pass(0..1_000).await;
    disk.fill(&service);
    scene.pass(2_000..4_000).await;
    disk.empty(&service);
    scene.mended();
    assert!(service.log().contains("the database cannot be reached"), "it was noticed");
    scene.end(&service).await;
    service.stop().await;
}
