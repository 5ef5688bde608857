//! The database: every query has its index and passes CockroachDB's grammar; reset in development; cleaned of what is old; taken over from the service that was here before.

mod grammar;
mod import;
mod plans;
mod recorder;
mod reset;
mod retention;
mod sources;
mod tls;
mod tls_server;
mod tour;

use serde_json::Value;
use sqlx::postgres::PgConnection;
use sqlx::{AssertSqlSafe, Connection as _, Executor as _, Row as _};

use crate::house::House;

/// A connection of the test's own.
async fn connection(house: &House) -> PgConnection {
    PgConnection::connect(house.database_url()).await.expect("the test's database")
}

async fn execute(house: &House, sql: &str) {
    connection(house).await.execute(AssertSqlSafe(sql.to_owned())).await.expect("a statement of the test");
}

async fn number(house: &House, sql: &str) -> i64 {
    let sql = AssertSqlSafe(sql.to_owned());
    connection(house).await.fetch_one(sql).await.expect("a query of the test").get(0)
}

/// What the program printed.
fn json(output: &std::process::Output) -> Value {
    let errors = String::from_utf8_lossy(&output.stderr);
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {errors}"))
}
