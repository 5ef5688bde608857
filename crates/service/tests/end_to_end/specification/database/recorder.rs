//! What PostgreSQL is asked, as PostgreSQL tells it: every statement, and how it was carried out. Nothing that runs on
//! a recorded database can pass by.

use std::fmt;
use std::sync::{Arc, Mutex};

use serde_json::Value;
use tracing::field::{Field, Visit};
use tracing::subscriber::DefaultGuard;
use tracing::{Event, Subscriber};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt as _};

/// Listens on this thread as long as it lives.
pub(super) struct Recorder {
    notices: Arc<Mutex<Vec<String>>>,
    _guard: DefaultGuard,
}

impl Recorder {
    pub(super) fn start() -> Self {
        let notices = Arc::default();
        let layer = Notices(Arc::clone(&notices));
        let guard = tracing::subscriber::set_default(tracing_subscriber::registry().with(layer));
        Self { notices, _guard: guard }
    }

    /// Connections that are made from now on are told all.
    pub(super) fn settings(database: &str) -> Vec<String> {
        [
            "session_preload_libraries = 'auto_explain'",
            "auto_explain.log_min_duration = 0",
            "auto_explain.log_analyze = on",
            "auto_explain.log_timing = off",
            "auto_explain.log_format = 'json'",
            "log_statement = 'all'",
            "client_min_messages = 'log'",
        ]
        .map(|setting| format!(r#"ALTER DATABASE "{database}" SET {setting}"#))
        .to_vec()
    }

    /// Texts of all statements so far, each once.
    pub(super) fn statements(&self) -> Vec<String> {
        let notices = self.notices.lock().expect("no test panics with it");
        let mut statements: Vec<_> = notices.iter().filter_map(|notice| statement(notice)).collect();
        statements.sort_unstable();
        statements.dedup();
        statements.into_iter().map(str::to_owned).collect()
    }

    /// Each statement with the plan by which it ran.
    pub(super) fn plans(&self) -> Vec<(String, Value)> {
        let notices = self.notices.lock().expect("no test panics with it");
        let plans = notices.iter().filter_map(|notice| notice.split_once("plan:\n"));
        plans
            .map(|(_, plan)| {
                let mut plan: Value = serde_json::from_str(plan).expect("a plan is JSON");
                let text = plan["Query Text"].as_str().expect("it tells its statement").to_owned();
                (text, plan["Plan"].take())
            })
            .collect()
    }
}

fn statement(notice: &str) -> Option<&str> {
    match notice.strip_prefix("statement: ") {
        Some(text) => Some(text),
        None => notice.strip_prefix("execute ")?.split_once(": ").map(|(_, text)| text),
    }
}

struct Notices(Arc<Mutex<Vec<String>>>);

impl<S: Subscriber> Layer<S> for Notices {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        if event.metadata().target() == "sqlx::postgres::notice" {
            event.record(&mut Message(&self.0));
        }
    }
}

struct Message<'a>(&'a Mutex<Vec<String>>);

impl Visit for Message<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        if field.name() == "message" {
            self.0.lock().expect("no test panics with it").push(format!("{value:?}"));
        }
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.record_debug(field, &format_args!("{value}"));
    }
}
