//! `/` and `/docs` in a real Chromium: they load without a complaint, and the jobs are there.

use std::path::Path;
use std::process::{Command, Output, Stdio};

use serde_json::json;
use tempfile::TempDir;

use crate::house::{House, Neighbours};
use crate::ledger;

/// A browser that hangs is ended; a cold start on a busy machine takes some seconds.
const BROWSER_BOUND_S: &str = "120";

#[tokio::test(flavor = "multi_thread")]
async fn a_browser_shows_the_pages_without_complaint() {
    let house = House::build(Neighbours::Real).await;
    let service = house.service().ready().await;
    let traders: Vec<_> = house.book.passed().take(3).map(|trader| trader.assessment_id.clone()).collect();
    for trader in &traders {
        let (status, _) = service.post("/simulations", &json!({"assessmentId": trader})).await;
        assert_eq!(status, 202);
    }
    ledger::completed(&service, traders.len()).await;

    let page = dom(&format!("{}/", service.url)).await;
    let jobs = service.jobs("completed").await;
    assert_eq!(jobs.len(), traders.len());
    for (trader, job) in traders.iter().zip(&jobs) {
        assert!(page.contains(trader.as_str()), "{trader} is not in\n{page}");
        let id = job["id"].as_str().expect("an id");
        assert!(page.contains(&format!("href=\"/simulations/{id}\"")), "{id} is not in\n{page}");
    }
    for shown in ["reachable and migrated", "history: ", "simulation: ", "completed", "<time datetime="] {
        assert!(page.contains(shown), "{shown} is not in\n{page}");
    }
    let reference = dom(&format!("{}/docs", service.url)).await;
    assert!(reference.contains("createSimulation"), "{reference}");
    service.stop().await;
}

/// The page as the browser understood it, once it has loaded; it must have said nothing on its console.
async fn dom(url: &str) -> String {
    let home = TempDir::new().expect("a home for the browser");
    let mut command = browser(home.path(), url);
    let ran = tokio::task::spawn_blocking(move || command.output()).await.expect("it ends");
    let Output { status, stdout, stderr } = ran.expect("chromium runs");
    let said = String::from_utf8_lossy(&stderr);
    assert!(status.success(), "{status}:\n{said}");
    let complaints: Vec<_> = said.lines().filter(|line| line.contains("CONSOLE")).collect();
    assert!(complaints.is_empty(), "{url}: {complaints:#?}");
    String::from_utf8(stdout).expect("a page is UTF-8")
}

/// Without its sandbox, which root and containers may not have; it sees our own page alone.
fn browser(home: &Path, url: &str) -> Command {
    let mut command = Command::new("timeout");
    command.args(["--kill-after=5", BROWSER_BOUND_S, "chromium", "--headless", "--no-sandbox"]);
    command.args(["--disable-gpu", "--disable-dev-shm-usage", "--enable-logging=stderr", "--dump-dom"]);
    command.arg(format!("--user-data-dir={}", home.display())).arg(url);
    command.env("HOME", home).env("XDG_CONFIG_HOME", home).env("XDG_CACHE_HOME", home).stdin(Stdio::null());
    command
}
