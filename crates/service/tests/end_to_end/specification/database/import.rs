//! `migrate --from-prisma`: ten thousand jobs of the old service, broken off in the middle, read as they were.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use monte_carlo_service::store::prisma::Unfinished;
use monte_carlo_service::store::{Store as _, StoreError, StoreOptions, open};
use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, Executor as _};

use super::{connection, execute, json, number};
use crate::house::{House, Neighbours};
use crate::ledger;
use crate::topics::Outgoing;

/// As Prisma makes it.
pub(super) const OLD_TABLE: &str = r#"
    CREATE TYPE "SimulationStatus" AS ENUM ('pending', 'running', 'completed', 'failed');
    CREATE TABLE "SimulationJob" (
        "id" TEXT NOT NULL, "assessmentId" TEXT, "fundedAccountId" TEXT,
        "status" "SimulationStatus" NOT NULL DEFAULT 'pending', "inputData" JSONB, "result" JSONB, "error" TEXT,
        "createdAt" TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP, "startedAt" TIMESTAMP(3), "completedAt" TIMESTAMP(3),
        CONSTRAINT "SimulationJob_pkey" PRIMARY KEY ("id"))"#;

/// Half of them name an assessment, four of them each the same; one in ten failed.
pub(super) const OLD_ROWS: &str = r#"
    INSERT INTO "SimulationJob"
    SELECT 'c' || lpad(n::text, 6, '0'), CASE WHEN n % 2 = 0 THEN 'asm-' || n / 8 END,
        CASE WHEN n % 2 = 1 THEN 'fnd-' || n END, (CASE WHEN n % 10 = 0 THEN 'failed' ELSE 'completed' END)::"SimulationStatus",
        jsonb_build_object('tradeHistory', jsonb_build_array(jsonb_build_object('id', n, 'pnl', n / 7.0)),
            'pnlData', jsonb_build_object('balance', 1e5)),
        CASE WHEN n % 10 <> 0 THEN jsonb_build_object('riskMetrics', jsonb_build_object('var95', n / 3.0)) END,
        CASE WHEN n % 10 = 0 THEN 'Ray Serve said 500' END,
        timestamp '2026-01-01 00:00:00.123' + n * interval '1 second',
        timestamp '2026-01-01 00:00:01.456' + n * interval '1 second',
        timestamp '2026-01-01 00:00:02.789' + n * interval '1 second'
    FROM generate_series(0, 9999) AS n"#;

const BOUND: Duration = Duration::from_secs(60);

async fn old_house() -> House {
    let house = House::build(Neighbours::Real).await;
    execute(&house, OLD_TABLE).await;
    house
}

async fn import(house: &House, arguments: &[&str], code: i32) -> Value {
    let arguments = [&["migrate", "--from-prisma", "--json"], arguments].concat();
    let output = house.run(&arguments, &[]).await;
    assert_eq!(output.status.code(), Some(code), "{output:?}");
    json(&output)
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_thousand_jobs_arrive_once_though_the_import_is_killed_in_the_middle() {
    let house = old_house().await;
    execute(&house, OLD_ROWS).await;
    assert!(house.run(&["migrate"], &[]).await.status.success());

    // A row that somebody holds is a page at which the import stands still.
    let mut holder = connection(&house).await;
    let hold = r#"BEGIN; SELECT 1 FROM "SimulationJob" WHERE id = 'c005000' FOR UPDATE"#;
    holder.execute(AssertSqlSafe(hold.to_owned())).await.expect("holds a row");
    let mut program = Command::new(env!("CARGO_BIN_EXE_monte-carlo-service"));
    program.args(["migrate", "--from-prisma"]).env_clear().envs(house.environment_with(&[]));
    let mut importing =
        program.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("it starts");
    let began = Instant::now();
    while number(&house, "SELECT count(*) FROM simulation_jobs").await < 5_000 {
        assert!(began.elapsed() < BOUND, "the import does not come to the middle");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    importing.kill().expect("it runs");
    importing.wait().expect("it was ours");
    holder.execute("ROLLBACK").await.expect("lets the row go");
    assert_eq!(number(&house, "SELECT count(*) FROM simulation_jobs").await, 5_000);
    assert_eq!(
        number(&house, "SELECT count(*) FROM simulation_inputs").await,
        5_000,
        "whole as far as it came"
    );

    let rest = import(&house, &[], 0).await;
    let counts = json!({"rows": 10_000, "imported": 5_000, "existing": 5_000, "unfinished": 0, "refused": 0, "refusals": []});
    assert_eq!(rest, counts);
    let again = import(&house, &[], 0).await;
    assert_eq!((&again["imported"], &again["existing"]), (&json!(0), &json!(10_000)));

    // To the value, all of them.
    let same = r#"SELECT count(*) FROM "SimulationJob" AS old JOIN simulation_jobs AS job USING (id)
        LEFT JOIN simulation_results AS result ON result.job_id = id JOIN simulation_inputs AS input ON input.job_id = id
        WHERE job.status = old.status::text AND result.result::jsonb IS NOT DISTINCT FROM old.result
            AND input.input::jsonb = old."inputData" AND job.error IS NOT DISTINCT FROM old.error
            AND job.assessment_id IS NOT DISTINCT FROM old."assessmentId"
            AND job.funded_account_id IS NOT DISTINCT FROM old."fundedAccountId"
            AND to_timestamp(job.created_at_ms / 1000.0) = old."createdAt" AT TIME ZONE 'UTC'
            AND to_timestamp(job.started_at_ms / 1000.0) = old."startedAt" AT TIME ZONE 'UTC'
            AND to_timestamp(job.completed_at_ms / 1000.0) = old."completedAt" AT TIME ZONE 'UTC'"#;
    assert_eq!(number(&house, same).await, 10_000);
    assert_eq!(number(&house, "SELECT count(*) FROM outbox").await, 0, "nothing is published");

    // Of each assessment the newest completed job bears the key.
    let bearers = "SELECT count(*) FROM simulation_jobs AS job WHERE dedupe_key = 'kafka:' || assessment_id
        AND status = 'completed' AND NOT EXISTS (SELECT 1 FROM simulation_jobs AS newer
            WHERE newer.assessment_id = job.assessment_id AND newer.status = 'completed'
                AND newer.created_at_ms > job.created_at_ms)";
    assert_eq!(number(&house, bearers).await, 1_250);
    assert_eq!(number(&house, "SELECT count(dedupe_key) FROM simulation_jobs").await, 1_250);

    let service = house.service().ready().await;
    let job = service.get("/simulations/c000123").await;
    assert_eq!(job["status"], "completed");
    assert_eq!(job["fundedAccountId"], "fnd-123");
    assert_eq!(job["result"], json!({"riskMetrics": {"var95": 41.0}}));
    assert_eq!(job["inputData"]["pnlData"], json!({"balance": 100_000}));
    assert_eq!(job["inputData"]["tradeHistory"][0]["id"], 123);
    assert_eq!(job["createdAt"], "2026-01-01T00:02:03.123Z");
    assert_eq!(job["startedAt"], "2026-01-01T00:02:04.456Z");
    assert_eq!(job["completedAt"], "2026-01-01T00:02:05.789Z");
    let listed = service.get("/simulations?assessmentId=asm-5&status=completed").await;
    let ids: Vec<_> = listed["jobs"].as_array().expect("jobs").iter().map(|job| &job["id"]).collect();
    assert_eq!(ids, ["c000046", "c000044", "c000042"]);
    assert_eq!(listed["jobs"][0]["inputData"]["tradeCount"], 1);
    assert!(listed["jobs"][0]["inputData"].get("tradeHistory").is_none());

    // An event that comes once more simulates nothing; the one behind it, in the same partition, does.
    let new = house.book.passed().next().expect("a passed trader").assessment_id.clone();
    house.tell(&[Outgoing { key: Some(new.clone()), ..passed("asm-5") }, passed(&new)]).await;
    let began = Instant::now();
    let listed = format!("/simulations?assessmentId={new}&status=completed");
    while service.get(&listed).await["jobs"] == json!([]) {
        assert!(began.elapsed() < BOUND, "{}", service.log_tail());
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(number(&house, "SELECT count(*) FROM simulation_jobs").await, 10_001);
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_that_takes_too_long_is_tried_in_smaller_ones() {
    let house = old_house().await;
    execute(&house, OLD_ROWS).await;
    let options = StoreOptions { statement_timeout: Duration::from_millis(500), ..StoreOptions::default() };
    let store = open(house.database_url(), &options).expect("our own URL");
    store.migrate().await.expect("migrates");
    let mut holder = connection(&house).await;
    let hold = r#"BEGIN; SELECT 1 FROM "SimulationJob" WHERE id = 'c000123' FOR UPDATE"#;
    holder.execute(AssertSqlSafe(hold.to_owned())).await.expect("holds a row");
    let ended = store.import_prisma(Unfinished::Leave, &mut |_| ()).await;
    assert!(matches!(ended, Err(StoreError::Unavailable(_))), "{ended:?}");
    assert_eq!(number(&house, "SELECT count(*) FROM simulation_jobs").await, 123, "all before that one row");
    holder.execute("ROLLBACK").await.expect("lets the row go");
    let rest = store.import_prisma(Unfinished::Leave, &mut |_| ()).await.expect("goes on");
    assert_eq!((rest.imported, rest.existing), (9_877, 123));
}

#[tokio::test(flavor = "multi_thread")]
async fn odd_rows_come_as_they_are_or_stay_with_the_reason() {
    let house = old_house().await;
    let rows = r#"INSERT INTO "SimulationJob" (id, "assessmentId", "fundedAccountId", status, "inputData", result, error) VALUES
        ('odd id/№ 1?', 'a-1', NULL, 'completed', 'null', '{"x": 1e-7, "y": [null, "é\u0001"]}', NULL),
        ('no-result', 'a-2', NULL, 'completed', NULL, NULL, NULL),
        ('null-result', 'a-3', NULL, 'completed', '[1, 2]', 'null', NULL),
        ('failed', NULL, 'f-1', 'failed', '"text"', NULL, 'so'),
        ('', 'a-4', NULL, 'completed', NULL, NULL, NULL),
        (repeat('long', 65), 'a-4', NULL, 'completed', NULL, NULL, NULL),
        ('both', 'a-4', 'f-2', 'completed', NULL, NULL, NULL),
        ('neither', NULL, NULL, 'failed', NULL, NULL, NULL)"#;
    execute(&house, rows).await;
    let report = import(&house, &[], 3).await;
    assert_eq!((&report["imported"], &report["refused"]), (&json!(4), &json!(4)), "{report}");
    let refused: Vec<_> =
        report["refusals"].as_array().expect("refusals").iter().map(|row| &row["id"]).collect();
    assert!(["", "both", "neither"].iter().all(|id| refused.contains(&&json!(id))), "{report}");

    let service = house.service().ready().await;
    let odd = service.get("/simulations/odd%20id%2F%E2%84%96%201%3F").await;
    assert_eq!(odd["result"], json!({"x": 1e-7, "y": [null, "é\u{1}"]}));
    assert_eq!(odd["inputData"], json!({}));
    for id in ["no-result", "null-result"] {
        let job = service.get(&format!("/simulations/{id}")).await;
        assert_eq!(
            (&job["status"], &job["skipped"]["code"]),
            (&json!("completed"), &json!("result_not_kept"))
        );
        assert!(job.get("result").is_none(), "{job}");
    }
    let failed = service.get("/simulations/failed").await;
    assert_eq!((&failed["error"], &failed["inputData"]), (&json!("so"), &json!("text")));
    assert_eq!(service.jobs("completed").await.len(), 1, "those with a result");
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn unfinished_jobs_wait_for_a_word_and_are_then_simulated_once() {
    let house = old_house().await;
    let trader = &house.book.passed().next().expect("a passed trader").assessment_id;
    execute(
        &house,
        &format!(
            r#"INSERT INTO "SimulationJob" (id, "assessmentId", status, "inputData", result, "createdAt", "startedAt") VALUES
               ('waits', '{trader}', 'pending', '{{}}', NULL, now(), NULL),
               ('runs', '{trader}', 'running', NULL, '{{"half": true}}', now() - interval '1 hour', now())"#
        ),
    )
    .await;
    let left = import(&house, &[], 3).await;
    assert_eq!((&left["imported"], &left["unfinished"]), (&json!(0), &json!(2)));
    assert_eq!(number(&house, "SELECT count(*) FROM simulation_jobs").await, 0);

    let taken = import(&house, &["--take-unfinished"], 0).await;
    assert_eq!((&taken["imported"], &taken["unfinished"]), (&json!(2), &json!(0)));
    let service = house.service().ready().await;
    ledger::completed(&service, 2).await;
    for id in ["waits", "runs"] {
        let job = service.get(&format!("/simulations/{id}")).await;
        assert!(job["result"]["riskMetrics"].is_object(), "{job}");
    }
    // The old service had told of the start of one.
    house.read_until("montecarlo.simulation-completed", 2).await;
    assert_eq!(house.read_until("montecarlo.simulation-started", 1).await.len(), 1);
    let keys = "SELECT count(*) FROM simulation_jobs WHERE dedupe_key IS NOT NULL AND id = 'waits'";
    assert_eq!(number(&house, keys).await, 1, "the newest");
    let again = import(&house, &["--take-unfinished"], 0).await;
    assert_eq!(again["existing"], 2);
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_table_that_is_not_there_or_not_whole_is_told() {
    let house = House::build(Neighbours::Real).await;
    let none = house.run(&["migrate", "--from-prisma"], &[]).await;
    assert_eq!(none.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&none.stderr).contains("no table \"SimulationJob\""), "{none:?}");

    // An early version of it, on CockroachDB's types.
    let early = r#"CREATE TABLE "SimulationJob" (id TEXT PRIMARY KEY, "assessmentId" TEXT, status TEXT, "createdAt" TIMESTAMPTZ);
        INSERT INTO "SimulationJob" VALUES ('a', 'a-1', 'COMPLETED', '2026-01-01T12:00:00.001+02:00'), ('b', 'a-1', 'failed', NULL)"#;
    execute(&house, early).await;
    let report = import(&house, &[], 3).await;
    assert_eq!((&report["imported"], &report["refused"]), (&json!(1), &json!(1)), "{report}");
    assert_eq!(number(&house, "SELECT created_at_ms FROM simulation_jobs").await, 1_767_261_600_001);

    execute(&house, r#"ALTER TABLE "SimulationJob" DROP COLUMN status"#).await;
    let broken = house.run(&["migrate", "--from-prisma"], &[]).await;
    assert!(String::from_utf8_lossy(&broken.stderr).contains("no column \"status\""), "{broken:?}");
    let embedded = House::build(Neighbours::Embedded).await;
    assert_eq!(embedded.run(&["migrate", "--from-prisma"], &[]).await.status.code(), Some(1));
}

fn passed(assessment: &str) -> Outgoing {
    let payload = json!({"assessmentId": assessment, "userId": "u", "status": "passed", "timestamp": 0});
    Outgoing {
        key: Some(assessment.to_owned()),
        payload: payload.to_string().into_bytes(),
        headers: Vec::new(),
    }
}
