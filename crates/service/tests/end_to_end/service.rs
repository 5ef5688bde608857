//! The service as a process: started, asked over HTTP, stopped, killed.

use std::fs::File;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use monte_carlo_service::core_service::client::install_tls_provider;
use serde_json::Value;

/// A started service is ready within this; a slow machine waits for Kafka's coordinator.
const READY_BOUND: Duration = Duration::from_secs(60);

pub(crate) struct Service {
    child: Child,
    pub(crate) url: String,
    log: PathBuf,
    http: reqwest::Client,
}

impl Service {
    /// Starts `serve` with exactly `environment`, on a free port; `launcher` becomes it, where there is one.
    pub(crate) fn start_by(launcher: &[&str], environment: &[(String, String)], log: PathBuf) -> Self {
        install_tls_provider();
        let port = free_port();
        let file = File::options().create(true).append(true).open(&log).expect("the log can be opened");
        let words = [launcher, &[env!("CARGO_BIN_EXE_monte-carlo-service"), "serve"]].concat();
        let child = Command::new(words[0])
            .args(&words[1..])
            .env_clear()
            .envs(environment.iter().cloned())
            .env("HOST", "127.0.0.1")
            .env("PORT", port.to_string())
            .stdin(Stdio::null())
            .stdout(file.try_clone().expect("the log can be shared"))
            .stderr(file)
            .spawn()
            .expect("the service starts");
        Self { child, url: format!("http://127.0.0.1:{port}"), log, http: reqwest::Client::new() }
    }

    /// Waits until `/ready` says so.
    pub(crate) async fn ready(self) -> Self {
        let began = Instant::now();
        while began.elapsed() < READY_BOUND {
            let answer = self.http.get(format!("{}/ready", self.url)).send().await;
            if answer.is_ok_and(|answer| answer.status() == 200) {
                return self;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("the service is not ready after {READY_BOUND:?}:\n{}", self.log_tail());
    }

    pub(crate) async fn get(&self, path: &str) -> Value {
        self.answer(path, 200).await
    }

    /// The answer's body, once the service listens; its status must be `status`.
    pub(crate) async fn answer(&self, path: &str, status: u16) -> Value {
        let began = Instant::now();
        let answer = loop {
            match self.http.get(format!("{}{path}", self.url)).send().await {
                Ok(answer) => break answer,
                Err(error) => assert!(began.elapsed() < READY_BOUND, "{error}:\n{}", self.log_tail()),
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        };
        let got = answer.status();
        let body = answer.json().await.expect("the answer is JSON");
        assert_eq!(got, status, "{path}: {body}");
        body
    }

    /// `/metrics`: the value of the series that begins with `series`; 0 where there is none yet.
    pub(crate) async fn metric(&self, series: &str) -> f64 {
        let answer =
            self.http.get(format!("{}/metrics", self.url)).send().await.expect("the service answers");
        let text = answer.text().await.expect("metrics are text");
        let values = text.lines().filter(|line| line.starts_with(series));
        values.filter_map(|line| line.rsplit(' ').next()?.parse::<f64>().ok()).sum()
    }

    pub(crate) async fn post(&self, path: &str, body: &Value) -> (u16, Value) {
        let request = self.http.post(format!("{}{path}", self.url)).json(body);
        let answer = request.send().await.expect("the service answers");
        (answer.status().as_u16(), answer.json().await.expect("the answer is JSON"))
    }

    /// All jobs of a status, over every page.
    pub(crate) async fn jobs(&self, status: &str) -> Vec<Value> {
        self.of_jobs(status, Value::clone).await
    }

    /// What `pick` takes of each job of a status: thousands of whole results are much.
    pub(crate) async fn of_jobs<T>(&self, status: &str, pick: impl Fn(&Value) -> T) -> Vec<T> {
        let mut jobs = Vec::new();
        let mut cursor = String::new();
        loop {
            let page = self.get(&format!("/simulations?status={status}&limit=200{cursor}")).await;
            jobs.extend(page["jobs"].as_array().expect("jobs").iter().map(&pick));
            match page["nextCursor"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => return jobs,
            }
        }
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// SIGKILL: no goodbye.
    pub(crate) fn kill(mut self) {
        self.child.kill().expect("the service can be killed");
        self.child.wait().expect("the service was ours");
    }

    /// SIGKILL, while somebody still waits for its answer.
    pub(crate) fn kill_while_asked(&self) {
        let pid = self.child.id().to_string();
        Command::new("kill").args(["-KILL", &pid]).status().expect("kill runs");
    }

    /// SIGTERM; the service ends by itself, with success.
    pub(crate) async fn stop(mut self) {
        self.terminate();
        let status = self.ended(Duration::from_secs(30)).await;
        assert!(status.success(), "{status}:\n{}", self.log_tail());
    }

    /// SIGTERM.
    pub(crate) fn terminate(&self) {
        let pid = self.child.id().to_string();
        Command::new("kill").args(["-TERM", &pid]).status().expect("kill runs");
    }

    /// Waits until it ends by itself.
    pub(crate) async fn ended(&mut self, bound: Duration) -> ExitStatus {
        let began = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().expect("the service was ours") {
                return status;
            }
            assert!(began.elapsed() < bound, "it does not end:\n{}", self.log_tail());
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// All that it logged.
    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// The last lines of its log, for a failed test.
    pub(crate) fn log_tail(&self) -> String {
        let log = self.log();
        let lines: Vec<&str> = log.lines().collect();
        lines[lines.len().saturating_sub(40)..].join("\n")
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// A port that was free a moment ago.
pub(crate) fn free_port() -> u16 {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("loopback has a free port");
    listener.local_addr().expect("it is bound").port()
}
