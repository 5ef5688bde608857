//! Half an hour of twice the load, a SIGKILL every minute: what grows? `./test soak` runs this alone.

use std::fmt::Write as _;
use std::time::Duration;

use sqlx::{Connection as _, PgConnection, Row as _};

use super::load::{Load, Sent};
use super::verdict::{delays, tell};
use super::watch::{Heard, Watch};
use super::{house, number, replica, undisturbed};
use crate::service::Service;

/// Events a second, unless `SOAK_RATE` says otherwise.
const RATE: u32 = 100;
/// Unless `SOAK_MINUTES` says otherwise.
const MINUTES: u32 = 30;
/// Results that are compared with an undisturbed run's; of the others it is asked that they are told as they are stored.
const COMPARED: usize = 500;

const JOBS: &str =
    "SELECT count(*), count(DISTINCT assessment_id), count(*) FILTER (WHERE status = 'completed')
    FROM simulation_jobs";
const SIZE: &str = "SELECT pg_database_size(current_database())";
const TUPLES: &str = "SELECT relname::text, n_live_tup, n_dead_tup FROM pg_stat_user_tables ORDER BY relname";

/// Of the replica that is never killed.
fn resident_mib(service: &Service) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", service.pid())).expect("it runs");
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).expect("Linux says so");
    let kib: u64 = line.split_whitespace().nth(1).and_then(|kib| kib.parse().ok()).expect("a number");
    kib / 1_024
}

async fn row(database: &mut PgConnection, sql: &'static str) -> Vec<i64> {
    let row = sqlx::query(sql).fetch_one(database).await.expect("a query of the test");
    (0..row.len()).map(|column| row.get(column)).collect()
}

/// What is told each minute.
async fn minute(number: u32, service: &Service, database: &mut PgConnection, sent: usize, told: usize) {
    let (rss, size) = (resident_mib(service), row(database, SIZE).await[0] / (1 << 20));
    let mut line = format!(
        "soak: minute={number} rss_mib={rss} database_mib={size} backlog={} completed={told}",
        sent - told
    );
    for row in sqlx::query(TUPLES).fetch_all(database).await.expect("a query of the test") {
        let (table, live, dead): (String, i64, i64) = (row.get(0), row.get(1), row.get(2));
        write!(line, " {table}={live}+{dead}").expect("a string takes all");
    }
    tell(&line);
}

/// Events without a completed job or a told result; and what is there beyond one job, and one id of each topic, an event.
async fn faults(database: &mut PgConnection, sent: &[Sent], heard: &Heard) -> (usize, usize) {
    let [jobs, distinct, completed] = row(database, JOBS).await.try_into().expect("three numbers");
    let untold = sent.iter().filter(|event| !heard.results.contains_key(&event.assessment)).count();
    let undone = sent.len().saturating_sub(completed as usize);
    let beyond = heard.ids.iter().map(|ids| ids.len().saturating_sub(distinct as usize)).sum::<usize>();
    (untold.max(undone), (jobs - distinct) as usize + beyond)
}

#[tokio::test(flavor = "multi_thread")]
async fn for_half_an_hour() {
    let minutes = number("SOAK_MINUTES", MINUTES);
    let right = undisturbed::digests(COMPARED).await;
    let house = house().await;
    let (lasting, mut doomed) = (replica(&house, &[]).ready().await, replica(&house, &[]));
    let mut database = PgConnection::connect(house.database_url()).await.expect("the test's database");
    let (watch, load) = (Watch::begin(&house), Load::begin(&house, number("SOAK_RATE", RATE)));
    let mut first = None;
    let mut turns = tokio::time::interval(Duration::from_secs(60));
    turns.tick().await;
    for number in 1..=minutes {
        turns.tick().await;
        minute(number, &lasting, &mut database, load.count(), watch.count()).await;
        first.get_or_insert(resident_mib(&lasting));
        std::mem::replace(&mut doomed, replica(&house, &[])).kill();
    }
    let sent = load.end().await;
    let heard = watch.end(sent.len()).await;
    let (lost, duplicated) = faults(&mut database, &sent, &heard).await;
    let (_, p99) = delays(&sent, &heard);
    tell(&format!(
        "soak: minutes={minutes} events={} lost={lost} duplicated={duplicated} rss_first_mib={} rss_last_mib={} p99_s={:.2}",
        sent.len(),
        first.unwrap_or_default(),
        resident_mib(&lasting),
        p99.as_secs_f64(),
    ));
    assert_eq!((lost, duplicated, heard.contradictions), (0, 0, 0), "{}", lasting.log_tail());
    for (assessment, digest) in right {
        assert_eq!(heard.results.get(&assessment).map(|(_, told)| told), Some(&digest), "{assessment}");
    }
    lasting.stop().await;
    doomed.ready().await.stop().await;
}
