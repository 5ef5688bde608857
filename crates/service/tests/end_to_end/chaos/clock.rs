//! The database's clock, by which leases live and jobs are due, is set: an hour ahead, and an hour back.

use sqlx::{Connection as _, Executor as _, PgConnection, Row as _};

use super::{Scene, house, two_replicas};
use crate::house::House;

/// The clock that statements ask for, with something added: found before the server's own.
const STEPPED: &str = "
    CREATE SCHEMA stepped;
    CREATE TABLE stepped.clock (ahead INTERVAL NOT NULL);
    INSERT INTO stepped.clock VALUES ('0');
    CREATE FUNCTION stepped.statement_timestamp() RETURNS TIMESTAMPTZ LANGUAGE sql STABLE
        AS 'SELECT pg_catalog.statement_timestamp() + ahead FROM stepped.clock'";
/// A client that is given this URL asks for the time there.
const PATH: &str = "options=-csearch_path%3Dpublic,stepped,pg_catalog";
const HOUR_MS: i64 = 3_600_000;

async fn set(database: &mut PgConnection, ahead: &'static str) {
    let ahead: &'static str = format!("UPDATE stepped.clock SET ahead = '{ahead}'").leak();
    database.execute(ahead).await.expect("a statement of the test");
}

/// Between the first job and the last, by the database's clock.
async fn span_ms(house: &House) -> i64 {
    let mut database = PgConnection::connect(house.database_url()).await.expect("the test's database");
    let span = "SELECT max(created_at_ms) - min(created_at_ms) FROM simulation_jobs";
    database.fetch_one(span).await.expect("a query of the test").get(0)
}

#[tokio::test(flavor = "multi_thread")]
async fn it_is_set_an_hour_ahead_and_back() {
    let house = house().await;
    let mut database = PgConnection::connect(house.database_url()).await.expect("the test's database");
    database.execute(STEPPED).await.expect("a statement of the test");
    let url = format!("{}?{PATH}", house.database_url());
    let replicas = two_replicas(&house, &[("DATABASE_URL", &url)]).await;
    let mut scene = Scene::begin("clock_stepped", house).await;
    for ahead in ["1 hour", "0", "-1 hour", "0"] {
        scene.pass(1_000..3_000).await;
        set(&mut database, ahead).await;
    }
    scene.mended();
    assert!(span_ms(&scene.house).await > HOUR_MS, "the service went by that clock");
    scene.end_on(replicas).await;
}
