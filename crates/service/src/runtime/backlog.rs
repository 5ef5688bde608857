//! Shows on `/metrics` what waits in the database. Every replica shows the same, so that none has to be found.

use std::sync::Arc;
use std::time::Duration;

use crate::store::{Backlog, Store, Waiting};

/// Between two looks: as often as Prometheus commonly asks.
const LOOK_EVERY: Duration = Duration::from_secs(10);
/// Rows that are counted of each kind; more is "very many", and the database has better to do.
const COUNTED_MAX: u32 = 50_000;

/// Looks for ever.
pub(super) async fn watch(store: Arc<dyn Store>) {
    loop {
        match store.backlog(COUNTED_MAX).await {
            Ok(backlog) => show(&backlog),
            Err(error) => {
                tracing::debug!(%error, "what waits in the database is not known");
                // A number that stands still would say that all is well.
                unknown();
            }
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

fn show(backlog: &Backlog) {
    for (status, Waiting { count, oldest_age_ms }) in
        [("pending", backlog.pending), ("running", backlog.running)]
    {
        gauge_jobs(status, count as f64, oldest_age_ms as f64 / 1e3);
    }
    gauge_outbox(backlog.outbox.count as f64, backlog.outbox.oldest_age_ms as f64 / 1e3);
}

fn unknown() {
    for status in ["pending", "running"] {
        gauge_jobs(status, f64::NAN, f64::NAN);
    }
    gauge_outbox(f64::NAN, f64::NAN);
}

fn gauge_jobs(status: &'static str, count: f64, oldest_age_s: f64) {
    metrics::gauge!("simulation_queue_jobs", "status" => status).set(count);
    metrics::gauge!("simulation_queue_oldest_age_seconds", "status" => status).set(oldest_age_s);
}

fn gauge_outbox(count: f64, oldest_age_s: f64) {
    metrics::gauge!("outbox_messages_waiting").set(count);
    metrics::gauge!("outbox_oldest_age_seconds").set(oldest_age_s);
}
