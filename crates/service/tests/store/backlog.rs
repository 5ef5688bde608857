//! What waits, as the operators see it.

use monte_carlo_service::store::{Backlog, Store, Waiting};
use serde_json::json;

use crate::fixtures::{batch, claim, completed, failed, insert, keyed, outbox};
use crate::world::World;

const HOUR_MS: i64 = 3_600_000;

async fn look(world: &World, limit: u32) -> Backlog {
    world.store.backlog(limit).await.expect("counts")
}

/// Within a test's length of `hours`.
fn is_about(age_ms: u64, hours: i64) -> bool {
    (hours * HOUR_MS..(hours + 1) * HOUR_MS).contains(&i64::try_from(age_ms).expect("an age"))
}

pub(crate) async fn counts_what_is_not_finished(world: &World) {
    assert_eq!(look(world, 10).await, Backlog::default(), "nothing waits in an empty database");
    insert(&*world.store, &["a", "b", "c", "d"]).await;
    world.pass_ms(HOUR_MS).await;
    let claimed = claim(&*world.store, 2).await;
    insert(&*world.store, &["e"]).await;

    let seen = look(world, 10).await;
    assert_eq!((seen.pending.count, seen.running.count, seen.outbox.count), (3, 2, 2));
    assert!(is_about(seen.pending.oldest_age_ms, 1), "of c and d, not of e: {seen:?}");
    assert!(is_about(seen.running.oldest_age_ms, 1), "since they were created: {seen:?}");
    assert!(is_about(seen.outbox.oldest_age_ms, 0), "{seen:?}");

    let done = completed(&claimed[0], &json!({}));
    world.store.settle(&claimed[0].lease, &done).await.expect("settles");
    world.store.settle(&claimed[1].lease, &failed("no luck")).await.expect("settles");
    world.execute(&format!("UPDATE outbox SET created_at_ms = created_at_ms - {HOUR_MS}")).await;
    let seen = look(world, 10).await;
    assert_eq!(seen.running, Waiting::default(), "finished jobs are not looked at");
    assert_eq!((seen.pending.count, seen.outbox.count), (3, 3));
    assert!(is_about(seen.outbox.oldest_age_ms, 1), "{seen:?}");

    let sent: Vec<_> = outbox(&*world.store).await.iter().map(|message| message.event_id).collect();
    world.store.mark_published(&sent).await.expect("marks");
    assert_eq!(look(world, 10).await.outbox, Waiting::default(), "what has left does not wait");
}

pub(crate) async fn counts_up_to_its_limit(world: &World) {
    let jobs = (0..30).map(|i| keyed(&i.to_string())).collect();
    world.store.record_intake(&batch(jobs)).await.expect("records");
    world.pass_ms(HOUR_MS).await;
    claim(&*world.store, 12).await;
    let oldest = format!(
        "UPDATE simulation_jobs SET created_at_ms = created_at_ms - {HOUR_MS}, run_after_ms = run_after_ms + {HOUR_MS},
             lease_expires_ms = lease_expires_ms + {HOUR_MS}
         WHERE id IN (SELECT max(id) FROM simulation_jobs GROUP BY status)"
    );
    world.execute(&oldest).await;
    let seen = look(world, 10).await;
    assert_eq!((seen.pending.count, seen.running.count, seen.outbox.count), (10, 10, 10));
    for waiting in [seen.pending, seen.running] {
        assert!(is_about(waiting.oldest_age_ms, 2), "the oldest is told though it comes last: {seen:?}");
    }
    let seen = look(world, 100).await;
    assert_eq!((seen.pending.count, seen.running.count, seen.outbox.count), (18, 12, 12));
}
