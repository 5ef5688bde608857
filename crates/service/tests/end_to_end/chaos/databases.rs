//! The database ends, breaks its connections, or has none left.

use sqlx::{Connection as _, Executor as _, PgConnection};
use tokio::time::Instant;

use super::{Scene, house, two_replicas};
use crate::house::House;
use crate::own_server::{Kind, OwnServer};

const OTHERS: &str = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid() AND application_name = 'monte-carlo-service'";

/// A house on a PostgreSQL of its own.
async fn own() -> (OwnServer, House) {
    let server = OwnServer::start(Kind::Postgres);
    let url = format!("postgres://postgres@127.0.0.1:{}/postgres", server.port);
    (server, house().await.with_database(url))
}

#[tokio::test(flavor = "multi_thread")]
async fn postgresql_is_restarted() {
    let (mut server, house) = own().await;
    let replicas = two_replicas(&house, &[]).await;
    let mut scene = Scene::begin("postgresql_restarted", house).await;
    scene.pass(0..2_000).await;
    server.stop();
    scene.pass(1_000..3_000).await;
    server.start_again();
    scene.mended();
    scene.end_on(replicas).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn its_backends_are_terminated() {
    const TIMES: u32 = 12;
    let house = house().await;
    let replicas = two_replicas(&house, &[]).await;
    let mut database = PgConnection::connect(house.database_url()).await.expect("the test's database");
    let mut scene = Scene::begin("backends_terminated", house).await;
    for _ in 0..TIMES {
        scene.pass(0..800).await;
        database.execute(OTHERS).await.expect("a statement of the test");
    }
    scene.mended();
    scene.end_on(replicas).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn its_connections_are_exhausted() {
    let (_server, house) = own().await;
    let replicas = two_replicas(&house, &[]).await;
    let mut database = PgConnection::connect(house.database_url()).await.expect("the test's database");
    let mut scene = Scene::begin("connections_exhausted", house).await;
    scene.pass(0..1_000).await;
    let url = scene.house.database_url().to_owned();
    let mut taken = Vec::new();
    let until = Instant::now() + std::time::Duration::from_millis(scene.rng.u64(3_000..5_000));
    // What the service loses is taken before it comes back.
    while Instant::now() < until {
        database.execute(OTHERS).await.expect("a statement of the test");
        while let Ok(connection) = PgConnection::connect(&url).await {
            taken.push(connection);
        }
        scene.pass(50..51).await;
    }
    assert!(taken.len() > 100, "{} connections were taken", taken.len());
    drop(taken);
    scene.mended();
    scene.end_on(replicas).await;
}
