//! Every query has an index, and every index a query: on a million jobs, no statement of normal work walks through a
//! table.

use std::collections::BTreeSet;

use monte_carlo_service::store::{Store as _, StoreOptions, open};
use serde_json::Value;
use sqlx::postgres::PgConnection;
use sqlx::{AssertSqlSafe, Connection as _, Executor as _, Row as _};
use uuid::Uuid;

use super::recorder::Recorder;
use super::{sources, tour};
use crate::house;

/// A few rows each, whatever the number of jobs: a row a schedule, a row a day, a row a migration.
const SMALL: [&str; 3] = ["schedule_watermarks", "daily_runs", "_sqlx_migrations"];
/// Rows that one step of a plan may touch: twice what the longest statement asks for, and half of the jobs that run or
/// of those that wait.
const ROWS_TOUCHED_MAX: f64 = 2_000.0;

/// The tables alone: an index is made faster of what is there.
const TABLES: [&str; 7] = [
    include_str!("../../../../../../migrations/0001_simulation_jobs.sql"),
    include_str!("../../../../../../migrations/0009_simulation_inputs.sql"),
    include_str!("../../../../../../migrations/0010_simulation_results.sql"),
    include_str!("../../../../../../migrations/0011_idempotency_keys.sql"),
    include_str!("../../../../../../migrations/0012_outbox.sql"),
    include_str!("../../../../../../migrations/0014_poison_messages.sql"),
    include_str!("../../../../../../migrations/0022_spent_keys.sql"),
];

/// One a second over eleven days. Of a thousand jobs four are pending, four run (their leases ran out), four failed.
const ROWS: [&str; 8] = [
    "INSERT INTO simulation_jobs (id, assessment_id, funded_account_id, origin, dedupe_key, status, config,
         correlation_id, traceparent, run_after_ms, created_at_ms, started_at_ms, completed_at_ms, lease_token,
         lease_worker, lease_expires_ms, deadline_at_ms, error)
     SELECT 'job-' || n, CASE WHEN n % 2 = 0 THEN 'asm-' || n / 4 * 2 END,
         CASE WHEN n % 2 = 1 THEN 'fnd-' || n % 20000 END,
         CASE WHEN n % 500 < 250 THEN 'kafka' ELSE 'daily' END, CASE WHEN n % 4 = 0 THEN 'kafka:asm-' || n / 4 * 2 END,
         status, '{}', 'c', '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01', at_ms, at_ms,
         CASE WHEN status <> 'pending' THEN at_ms END, CASE WHEN status IN ('completed', 'failed') THEN at_ms END,
         CASE WHEN status = 'running' THEN gen_random_uuid() END, CASE WHEN status = 'running' THEN gen_random_uuid() END,
         CASE WHEN status = 'running' THEN at_ms END, CASE WHEN status = 'running' THEN at_ms END,
         CASE WHEN status = 'failed' THEN CASE WHEN n % 500 = 2 THEN 'cancelled' ELSE 'no good' END END
     FROM (SELECT n, (extract(epoch FROM now()) * 1000)::int8 - 1000 * (1000000 - n) AS at_ms,
             CASE n % 250 WHEN 0 THEN 'pending' WHEN 1 THEN 'running' WHEN 2 THEN 'failed' ELSE 'completed' END AS status
         FROM generate_series(1, 1000000) AS n) AS job",
    "INSERT INTO simulation_results SELECT 'job-' || n, '{}' FROM generate_series(1, 1000000, 5) AS n WHERE n % 250 > 2",
    "INSERT INTO simulation_inputs SELECT 'job-' || n, '{}' FROM generate_series(1, 1000000, 5) AS n",
    "CREATE TABLE simulation_skips (job_id TEXT PRIMARY KEY, reason TEXT NOT NULL)",
    "INSERT INTO simulation_skips SELECT 'job-' || n, 'no_closing_trades' FROM generate_series(7, 1000000, 10) AS n",
    "INSERT INTO idempotency_keys SELECT 'key-' || n, 'a', 'job-' || n, n FROM generate_series(1, 100000) AS n",
    "INSERT INTO spent_keys SELECT 'kafka:spent-' || n, 'spent-' || n, n FROM generate_series(1, 200000) AS n",
    "INSERT INTO outbox (event_id, job_id, topic, message_key, payload, headers, created_at_ms, published_at_ms)
     SELECT gen_random_uuid(), 'job-' || n, 't', 'k', '{}', '[]', n, CASE WHEN n % 1000 > 0 THEN n END
     FROM generate_series(1, 200000) AS n",
];

const POISON: &str = "
    INSERT INTO poison_messages SELECT 't', 1, n, 'a', 'x', 1, 'so', n FROM generate_series(1, 50000) AS n";

#[tokio::test]
async fn no_statement_of_normal_work_walks_through_a_million_jobs() {
    let name = format!("plans_{}", Uuid::new_v4().simple());
    let url = house::database(&name).await;
    let mut connection = PgConnection::connect(&url).await.expect("the test's database");
    for sql in TABLES.iter().chain(&ROWS).chain([&POISON]) {
        connection.execute(*sql).await.unwrap_or_else(|error| panic!("{error}: {sql}"));
    }
    let store = open(&url, &StoreOptions::default()).expect("our own URL");
    store.migrate().await.expect("makes the indexes");
    connection.execute("ANALYZE").await.expect("counts");
    for setting in Recorder::settings(&name) {
        connection.execute(AssertSqlSafe(setting)).await.expect("a setting");
    }

    let recorder = Recorder::start();
    let store = open(&url, &StoreOptions::default()).expect("our own URL");
    tour::walk(&store).await;
    let plans = recorder.plans();
    let sent: Vec<_> = plans.iter().map(|(text, _)| text.clone()).collect();
    sources::assert_all_were_sent(&sent, &["prisma.rs", "reset.rs"]);
    let faults: BTreeSet<_> = plans.iter().filter_map(|(text, plan)| Some((fault(plan)?, text))).collect();
    let told: Vec<_> = faults.iter().map(|(fault, text)| format!("{fault}\n    {text}")).collect();
    assert!(told.is_empty(), "{}", told.join("\n"));
    let mut used = BTreeSet::new();
    plans.iter().for_each(|(_, plan)| indexes(plan, &mut used));
    let idle: Vec<_> =
        all_indexes(&mut connection).await.into_iter().filter(|name| !used.contains(name)).collect();
    assert!(idle.is_empty(), "each write pays for these, and no statement uses them: {idle:?}");

    drop(recorder);
    let server = house::required("TEST_DATABASE_URL");
    let mut server = PgConnection::connect(&server).await.expect("the test's server");
    let drop = format!(r#"DROP DATABASE "{name}" WITH (FORCE)"#);
    server.execute(AssertSqlSafe(drop)).await.expect("a gigabyte less");
}

/// Those of big tables; a unique one has its use in what it refuses.
async fn all_indexes(connection: &mut PgConnection) -> Vec<String> {
    let sql = "SELECT indexname::text, tablename::text FROM pg_indexes
        WHERE schemaname = 'public' AND indexdef NOT LIKE 'CREATE UNIQUE%'";
    let rows = connection.fetch_all(sql).await.expect("the catalogue");
    let rows = rows.iter().map(|row| (row.get::<String, _>(0), row.get::<String, _>(1)));
    rows.filter(|(_, table)| !SMALL.contains(&table.as_str())).map(|(index, _)| index).collect()
}

fn indexes(node: &Value, used: &mut BTreeSet<String>) {
    used.extend(node["Index Name"].as_str().map(str::to_owned));
    node["Plans"].as_array().into_iter().flatten().for_each(|node| indexes(node, used));
}

/// What is wrong with a plan, or with a part of it.
fn fault(node: &Value) -> Option<String> {
    let number = |name: &str| node[name].as_f64().unwrap_or_default();
    let touched = (number("Actual Rows") + number("Rows Removed by Filter")) * number("Actual Loops");
    let table = node["Relation Name"].as_str().unwrap_or_default();
    let is_ours = !table.is_empty() && !table.starts_with("pg_") && !SMALL.contains(&table);
    if is_ours && node["Node Type"] == "Seq Scan" {
        return Some(format!("walks through {table}"));
    }
    if is_ours && touched > ROWS_TOUCHED_MAX {
        let index = node["Index Name"].as_str().unwrap_or("no index");
        return Some(format!("touches {touched} rows of {table} by {index}"));
    }
    node["Plans"].as_array().into_iter().flatten().find_map(fault)
}
