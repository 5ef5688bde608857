//! Jobs from the API.

use futures::future::join_all;
use monte_carlo_service::store::{Creation, IdempotencyKey, Store};

use crate::fixtures::{job, keyed, patiently};
use crate::world::World;

fn key(name: &str, body_hash: &str) -> IdempotencyKey {
    IdempotencyKey { key: name.into(), body_hash: body_hash.into() }
}

pub(crate) async fn replays_a_key(world: &World) {
    let first = job("a");
    let create = |job, key| async move { world.store.create(&job, Some(&key)).await.expect("creates") };
    assert_eq!(create(first.clone(), key("k", "aa")).await, Creation::Created);
    assert_eq!(create(job("a"), key("k", "aa")).await, Creation::Replayed(first.id.clone()));
    assert_eq!(create(job("a"), key("k", "bb")).await, Creation::KeyReused);
    assert_eq!(create(job("a"), key("other", "aa")).await, Creation::Created);
    assert_eq!(world.number("SELECT count(*) FROM simulation_jobs").await, 2);
}

pub(crate) async fn makes_one_job_of_a_key_under_rivals(world: &World) {
    let key = key("k", "aa");
    let rivals: Vec<_> = (0..8).map(|_| job("a")).collect();
    let made = join_all(rivals.iter().map(|job| patiently(|| world.store.create(job, Some(&key))))).await;
    let winners: Vec<_> = rivals
        .iter()
        .zip(&made)
        .filter(|(_, made)| **made == Creation::Created)
        .map(|(job, _)| job)
        .collect();
    assert_eq!(winners.len(), 1, "{made:?}");
    let replays = made.iter().filter(|made| **made == Creation::Replayed(winners[0].id.clone())).count();
    assert_eq!(replays, 7, "{made:?}");
    assert_eq!(world.number("SELECT count(*) FROM simulation_jobs").await, 1);
}

pub(crate) async fn creates_without_a_key(world: &World) {
    for _ in 0..2 {
        assert_eq!(world.store.create(&job("a"), None).await.expect("creates"), Creation::Created);
    }
    assert_eq!(world.number("SELECT count(*) FROM simulation_jobs").await, 2);
}

pub(crate) async fn finds_the_bearer_of_a_dedupe_key(world: &World) {
    let first = keyed("a");
    world.store.create(&first, None).await.expect("creates");
    let replayed = Creation::Replayed(first.id.clone());
    assert_eq!(world.store.create(&keyed("a"), None).await.expect("creates"), replayed);
    let key = key("k", "aa");
    assert_eq!(world.store.create(&keyed("a"), Some(&key)).await.expect("creates"), replayed);
    assert_eq!(
        world.store.create(&job("b"), Some(&key)).await.expect("creates"),
        replayed,
        "so does the key"
    );
}

pub(crate) async fn recognizes_its_own_lost_commit(world: &World) {
    let (job, key) = (job("a"), key("k", "aa"));
    for _ in 0..2 {
        assert_eq!(world.store.create(&job, Some(&key)).await.expect("creates"), Creation::Created);
        assert_eq!(world.store.create(&job, None).await.expect("creates"), Creation::Created);
    }
    assert_eq!(world.number("SELECT count(*) FROM simulation_jobs").await, 1);
}
