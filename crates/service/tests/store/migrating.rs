//! The schema comes once, whoever brings it.

use futures::future::join_all;
use monte_carlo_service::jobs::ids::JobId;
use monte_carlo_service::store::{Store, StoreError};

use crate::fixtures::insert;
use crate::world::World;

pub(crate) async fn twice_is_once(world: &World) {
    world.store.migrate().await.expect("migrates again");
    assert!(world.store.is_migrated().await.expect("answers"));
}

pub(crate) async fn is_seen_only_when_done(world: &World) {
    let empty = World::empty(world.kind).await;
    assert!(!empty.store.is_migrated().await.expect("answers"));
    let early = empty.store.job(&JobId("a".into())).await;
    assert!(matches!(early, Err(StoreError::Unavailable(_))), "worth another try soon: {early:?}");
    empty.store.migrate().await.expect("migrates");
    assert!(empty.store.is_migrated().await.expect("answers"));
    empty.execute("DELETE FROM _sqlx_migrations WHERE version = 15").await;
    assert!(!empty.store.is_migrated().await.expect("answers"));
    empty.store.migrate().await.expect("a step that came about but was not noted is taken again");
    assert!(empty.store.is_migrated().await.expect("answers"));
    empty.drop_database().await;
}

pub(crate) async fn by_four_at_once(world: &World) {
    for _ in 0..3 {
        let empty = World::empty(world.kind).await;
        let stores: Vec<_> = (0..4).map(|_| empty.another_store()).collect();
        for outcome in join_all(stores.iter().map(|store| store.migrate())).await {
            outcome.expect("migrates beside others");
        }
        assert!(empty.store.is_migrated().await.expect("answers"));
        empty.drop_database().await;
    }
}

pub(crate) async fn leaves_a_newer_schema_alone(world: &World) {
    world
        .execute(
            "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time)
             SELECT 9999, 'from the future', success, checksum, 0 FROM _sqlx_migrations WHERE version = 1",
        )
        .await;
    world.store.migrate().await.expect("an older process beside a newer one");
    assert!(world.store.is_migrated().await.expect("answers"));
}

pub(crate) async fn comes_anew_when_reset(world: &World) {
    let job = insert(&*world.store, &["a"]).await.remove(0);
    world.execute("CREATE TABLE theirs (one BIGINT)").await;
    for _ in 0..2 {
        world.store.reset().await.expect("drops and migrates");
        assert!(world.store.is_migrated().await.expect("answers"));
        assert_eq!(world.store.job(&job).await.expect("reads"), None);
    }
    assert_eq!(world.number("SELECT count(*) FROM theirs").await, 0, "what is not ours stays");
    insert(&*world.store, &["b"]).await;
}
