//! Every statement and migration is one that CockroachDB takes, by its own grammar: no server of it can be had here.

use std::io::Write as _;
use std::process::{Command, Stdio};

use monte_carlo_service::store::prisma::Unfinished;
use monte_carlo_service::store::{Store as _, StoreOptions, open};
use sqlx::postgres::PgConnection;
use sqlx::{AssertSqlSafe, Connection as _, Executor as _};
use uuid::Uuid;

use super::import::{OLD_ROWS, OLD_TABLE};
use super::recorder::Recorder;
use super::{sources, tour};
use crate::house;

#[tokio::test]
async fn cockroachdb_takes_every_statement() {
    let name = format!("grammar_{}", Uuid::new_v4().simple());
    let url = house::database(&name).await;
    let mut unrecorded = PgConnection::connect(&url).await.expect("the test's database");
    for sql in [OLD_TABLE, OLD_ROWS] {
        unrecorded.execute(sql).await.expect("the old service's table");
    }
    for setting in Recorder::settings(&name) {
        unrecorded.execute(AssertSqlSafe(setting)).await.expect("a setting");
    }

    let recorder = Recorder::start();
    let store = open(&url, &StoreOptions::default()).expect("our own URL");
    store.migrate().await.expect("migrates");
    tour::walk(&store).await;
    store.import_prisma(Unfinished::Take, &mut |_| ()).await.expect("imports");
    store.reset().await.expect("resets");
    let statements = recorder.statements();
    // Those of the import are put together of what the old table has; it has just sent them all.
    sources::assert_all_were_sent(&statements, &["prisma.rs"]);
    let tables = statements.iter().filter(|sql| sql.contains("CREATE TABLE IF NOT EXISTS")).count();
    assert!(tables > 9, "the migrations are among them: {statements:?}");

    let program = house::required("TEST_COCKROACHDB_GRAMMAR");
    let mut judge = Command::new(program)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("the grammar's program starts");
    let lines = statements.iter().map(|sql| serde_json::json!(sql).to_string() + "\n").collect::<String>();
    judge.stdin.take().expect("a pipe").write_all(lines.as_bytes()).expect("it reads");
    let judged = judge.wait_with_output().expect("it ends");
    let told = String::from_utf8_lossy(&judged.stdout);
    assert!(judged.status.success(), "{told}");
    assert!(told.starts_with(&format!("{} statements, 0 faults", statements.len())), "{told}");
}
