//! Batches from Kafka.

use futures::future::join_all;
use monte_carlo_service::store::{IntakeBatch, IntakeOutcome, PoisonMessage, Store, StoreError};

use crate::fixtures::{batch, claim, ids, input, job, keyed, patiently, unread};
use crate::world::{Kind, World};

pub(crate) async fn passes_over_what_it_has_seen(world: &World) {
    let first = batch(vec![keyed("a"), keyed("b"), keyed("a")]);
    let outcome = world.store.record_intake(&first).await.expect("records");
    assert_eq!(outcome, IntakeOutcome { inserted: 2, duplicates: 1 });
    let second = batch(vec![keyed("b"), keyed("c"), job("a"), job("a")]);
    let outcome = world.store.record_intake(&second).await.expect("records");
    assert_eq!(outcome, IntakeOutcome { inserted: 3, duplicates: 1 }, "jobs without a key are all new");
    let outcome = world.store.record_intake(&second).await.expect("records");
    assert_eq!(outcome, IntakeOutcome { inserted: 0, duplicates: 4 }, "a batch told twice is one batch");
    assert_eq!(world.number("SELECT count(*) FROM simulation_jobs").await, 5);
    let outcome = world.store.record_intake(&IntakeBatch::default()).await.expect("records");
    assert_eq!(outcome, IntakeOutcome::default());
}

pub(crate) async fn dedupes_under_rivals(world: &World) {
    for round in 0..10 {
        let rivals = join_all((0..8).map(|rival| {
            let names = (0..200).map(|i| format!("{round}-{}", (i * 7 + rival * 29) % 200));
            let batch = batch(names.map(|name| keyed(&name)).collect());
            async move { patiently(|| world.store.record_intake(&batch)).await }
        }))
        .await;
        let inserted: u64 = rivals.iter().map(|outcome| outcome.inserted).sum();
        let duplicates: u64 = rivals.iter().map(|outcome| outcome.duplicates).sum();
        assert_eq!((inserted, duplicates), (200, 1_400));
    }
    if world.kind == Kind::ReadCommitted {
        assert_eq!(world.store.retries(), 0, "whoever locks the keys in one order meets no deadlock");
    }
    assert_eq!(world.number("SELECT count(*) FROM simulation_jobs").await, 2_000);
}

pub(crate) async fn takes_a_thousand_at_once(world: &World) {
    let jobs: Vec<_> = (0..1_000).map(|i| keyed(&i.to_string())).collect();
    let expected: Vec<_> = jobs.iter().take(3).map(|job| job.id.clone()).collect();
    let outcome = world.store.record_intake(&batch(jobs)).await.expect("records");
    assert_eq!(outcome, IntakeOutcome { inserted: 1_000, duplicates: 0 });
    assert_eq!(ids(&claim(&*world.store, 3).await), expected, "in the order in which they came");
}

pub(crate) async fn keeps_poison_once(world: &World) {
    let message = PoisonMessage {
        topic: "assessment.completed".into(),
        partition: 3,
        offset: 17,
        payload: vec![0, 159, 146, 150],
        payload_bytes: 10_000_000_000,
        reason: "no UTF-8".into(),
    };
    let after_restart = PoisonMessage { payload: b"{".to_vec(), ..message.clone() };
    let later = PoisonMessage { offset: 18, ..message.clone() };
    let record = |poison| IntakeBatch { jobs: Vec::new(), poison };
    let twice = record(vec![message.clone(), message.clone()]);
    world.store.record_intake(&twice).await.expect("records");
    world.store.record_intake(&twice).await.expect("records");
    assert_eq!(kept(world, 10).await, [message]);
    world.store.record_intake(&record(vec![after_restart, later.clone()])).await.expect("records");
    assert_eq!(kept(world, 10).await.len(), 3, "an embedded broker counts from zero at each start");
    assert_eq!(kept(world, 1).await, [later]);
}

async fn kept(world: &World, limit: u32) -> Vec<PoisonMessage> {
    unread(&*world.store, limit).await.into_iter().map(|letter| letter.message).collect()
}

pub(crate) async fn keeps_inputs_that_came_along(world: &World) {
    let mut first = keyed("a");
    first.input = Some(input(2));
    let mut second = keyed("a");
    second.input = Some(input(3));
    world.store.record_intake(&batch(vec![first, second, keyed("b")])).await.expect("records");
    assert_eq!(world.number("SELECT count(*) FROM simulation_inputs").await, 1);
    let claimed = claim(&*world.store, 10).await;
    assert_eq!(claimed[0].input, Some(input(2).full));
    assert_eq!(claimed[1].input, None);
}

pub(crate) async fn is_all_or_nothing(world: &World) {
    world.execute("DROP TABLE poison_messages").await;
    let poison = PoisonMessage {
        topic: "t".into(),
        partition: 0,
        offset: 0,
        payload: Vec::new(),
        payload_bytes: 0,
        reason: String::new(),
    };
    let outcome =
        world.store.record_intake(&IntakeBatch { jobs: vec![keyed("a")], poison: vec![poison] }).await;
    assert!(matches!(outcome, Err(StoreError::Unavailable(_))), "{outcome:?}");
    assert_eq!(world.number("SELECT count(*) FROM simulation_jobs").await, 0);
}
