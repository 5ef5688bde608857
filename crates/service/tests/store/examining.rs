//! How the database itself is.

use monte_carlo_service::store::Store as _;
use monte_carlo_service::telemetry::clock;

use crate::world::{Kind, World};

pub(crate) async fn tells_version_clock_and_schema(world: &World) {
    let before_ms = clock::now_ms();
    let seen = world.store.examine().await.expect("answers");
    let names = ["PostgreSQL", "CockroachDB", "SQLite"];
    assert!(names.iter().any(|name| seen.version.starts_with(name)), "{}", seen.version);
    // The servers of the tests share this machine's clock; SQLite rounds it.
    assert!((before_ms - 1..=clock::now_ms() + 1).contains(&seen.now_ms), "{before_ms} {}", seen.now_ms);
    assert_eq!(seen.missing_migrations, Vec::<i64>::new());
    assert_eq!(seen.refusal, None);
}

pub(crate) async fn tells_what_is_missing(world: &World) {
    world.execute("DELETE FROM _sqlx_migrations WHERE version IN (3, 15)").await;
    let seen = world.store.examine().await.expect("answers");
    assert_eq!(seen.missing_migrations, [3, 15]);
    let empty = World::empty(world.kind).await;
    let missing = empty.store.examine().await.expect("answers").missing_migrations;
    assert_eq!(missing.first(), Some(&1), "an empty database misses all: {missing:?}");
    empty.drop_database().await;
}

pub(crate) async fn tells_why_it_would_not_let_us_write(world: &World) {
    // A SQLite file is never half ours, so there a table is taken away; elsewhere the server only reads.
    let (way, told) = match world.kind {
        Kind::Sqlite => ("DROP TABLE outbox".to_owned(), "schema is not there"),
        _ => {
            let (_, name) = world.url.rsplit_once('/').expect("our own URL");
            (format!("ALTER DATABASE {name} SET default_transaction_read_only = on"), "read-only")
        }
    };
    world.execute(&way).await;
    let refusal = world.another_store().examine().await.expect("answers").refusal;
    assert!(refusal.as_deref().is_some_and(|refusal| refusal.contains(told)), "{refusal:?}");
}
