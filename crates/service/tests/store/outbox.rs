//! Messages leave through one relay at a time.

use std::collections::HashSet;

use futures::future::join_all;
use monte_carlo_service::jobs::events::{EventKind, OutboxMessage};
use monte_carlo_service::store::Store;
use serde_json::json;
use uuid::Uuid;

use crate::fixtures::{MINUTE_MS, batch, claim, claim_one, completed, insert, keyed, outbox, patiently};
use crate::world::World;

/// As many messages as there are jobs: each has started.
async fn fill(world: &World, jobs: usize) {
    let jobs: Vec<_> = (0..jobs).map(|i| keyed(&i.to_string())).collect();
    let limit = jobs.len() as u32;
    world.store.record_intake(&batch(jobs)).await.expect("records");
    claim(&*world.store, limit).await;
}

async fn lease(world: &World, relay: Uuid, limit: u32) -> Vec<OutboxMessage> {
    patiently(|| world.store.lease_outbox(relay, limit, MINUTE_MS)).await
}

fn ids(messages: &[OutboxMessage]) -> Vec<Uuid> {
    messages.iter().map(|message| message.event_id).collect()
}

pub(crate) async fn belongs_to_one_relay_at_a_time(world: &World) {
    fill(world, 5).await;
    let (one, other) = (Uuid::new_v4(), Uuid::new_v4());
    let first = lease(world, one, 3).await;
    let second = lease(world, other, 10).await;
    assert_eq!((first.len(), second.len()), (3, 2));
    assert_eq!(lease(world, one, 10).await, []);
    world.store.mark_published(&ids(&first)).await.expect("marks");
    world.store.mark_published(&[Uuid::new_v4()]).await.expect("marks none");
    world.store.mark_published(&[]).await.expect("marks none");
    world.pass_ms(61_000).await;
    assert_eq!(lease(world, one, 10).await, second, "what is marked never comes back");
}

pub(crate) async fn comes_back_when_a_relay_dies(world: &World) {
    fill(world, 3).await;
    let dead = lease(world, Uuid::new_v4(), 10).await;
    let heir = Uuid::new_v4();
    world.pass_ms(55_000).await;
    assert_eq!(lease(world, heir, 10).await, []);
    world.pass_ms(6_000).await;
    assert_eq!(lease(world, heir, 10).await, dead, "with every header and byte");
}

pub(crate) async fn stays_with_a_relay_that_is_sending_it(world: &World) {
    fill(world, 3).await;
    let (one, other) = (Uuid::new_v4(), Uuid::new_v4());
    let leased = lease(world, one, 10).await;
    world.pass_ms(55_000).await;
    world.store.hold_outbox(other, &ids(&leased), MINUTE_MS).await.expect("holds none");
    world.store.hold_outbox(one, &ids(&leased[1..]), MINUTE_MS).await.expect("holds");
    world.pass_ms(6_000).await;
    assert_eq!(lease(world, other, 10).await, leased[..1], "the one that was not kept");
    world.store.hold_outbox(one, &ids(&leased), MINUTE_MS).await.expect("holds what is its own");
    world.pass_ms(55_000).await;
    assert_eq!(lease(world, Uuid::new_v4(), 10).await, []);
}

/// The relay that had it may be dead, and would have it for an hour.
pub(crate) async fn follows_a_clock_that_is_set_back(world: &World) {
    fill(world, 3).await;
    let leased = lease(world, Uuid::new_v4(), 10).await;
    world.pass_ms(-10_000).await;
    assert_eq!(lease(world, Uuid::new_v4(), 10).await, [], "two leases may overlap where clocks differ");
    world.pass_ms(-3_600_000).await;
    assert_eq!(lease(world, Uuid::new_v4(), 10).await, leased);
}

pub(crate) async fn is_released_by_its_owner_only(world: &World) {
    fill(world, 3).await;
    let (one, other) = (Uuid::new_v4(), Uuid::new_v4());
    let leased = lease(world, one, 10).await;
    world.store.release_outbox(other, &ids(&leased)).await.expect("releases none");
    assert_eq!(lease(world, other, 10).await, []);
    world.store.mark_published(&ids(&leased[..1])).await.expect("marks");
    world.store.release_outbox(one, &ids(&leased)).await.expect("releases");
    assert_eq!(lease(world, other, 10).await, leased[1..], "at once");
}

pub(crate) async fn shares_out_among_rivals(world: &World) {
    fill(world, 60).await;
    let leased = join_all((0..6).map(|_| async move {
        let relay = Uuid::new_v4();
        let mut mine = Vec::new();
        for _ in 0..5 {
            mine.extend(ids(&lease(world, relay, 7).await));
        }
        mine
    }))
    .await
    .concat();
    let rest = ids(&lease(world, Uuid::new_v4(), 100).await);
    assert_eq!(leased.len() + rest.len(), 60);
    assert_eq!(leased.into_iter().chain(rest).collect::<HashSet<_>>().len(), 60);
}

pub(crate) async fn leaves_in_order(world: &World) {
    for i in 0..4 {
        let job = keyed(&i.to_string());
        world.store.create(&job, None).await.expect("creates");
        claim(&*world.store, 1).await;
        world.execute(&format!("UPDATE outbox SET created_at_ms = {i} WHERE created_at_ms > 100")).await;
    }
    let relay = Uuid::new_v4();
    let mut keys: Vec<String> = Vec::new();
    for _ in 0..2 {
        keys.extend(lease(world, relay, 2).await.into_iter().map(|message| message.key));
    }
    assert_eq!(keys, ["0", "1", "2", "3"]);
}

/// Both in one millisecond, or the clock set back between them: whoever listens hears of the start first.
pub(crate) async fn tells_of_the_start_before_the_end(world: &World) {
    insert(&*world.store, &["a"]).await;
    let claimed = claim_one(&*world.store).await;
    world.execute("UPDATE outbox SET created_at_ms = created_at_ms + 10000").await;
    world.store.settle(&claimed.lease, &completed(&claimed, &json!({}))).await.expect("settles");
    let topics: Vec<String> = outbox(&*world.store).await.into_iter().map(|message| message.topic).collect();
    assert_eq!(topics, [EventKind::Started.topic(), EventKind::Completed.topic()]);
}

/// What follows of a key waits while another relay has what comes first; other keys do not.
pub(crate) async fn holds_back_what_follows_of_a_key(world: &World) {
    let names = ["a", "b", "a", "a"];
    for (i, name) in names.into_iter().enumerate() {
        insert(&*world.store, &[name]).await;
        claim(&*world.store, 1).await;
        world.execute(&format!("UPDATE outbox SET created_at_ms = {i} WHERE created_at_ms > 100")).await;
    }
    let [one, other] = [(); 2].map(|()| Uuid::new_v4());
    let first = lease(world, one, 1).await;
    let rest = lease(world, other, 10).await;
    let keys = |messages: &[OutboxMessage]| -> Vec<String> {
        messages.iter().map(|message| message.key.clone()).collect()
    };
    assert_eq!((keys(&first), keys(&rest)), (vec!["a".into()], vec!["b".into()]));
    world.store.release_outbox(one, &ids(&first)).await.expect("releases");
    assert_eq!(lease(world, other, 1).await, first, "what was given back still comes first");
    assert_eq!(lease(world, one, 10).await, [], "and holds the others back again");
    world.store.mark_published(&ids(&first)).await.expect("marks");
    assert_eq!(
        keys(&lease(world, one, 10).await),
        ["a", "a"],
        "two of a key to one relay, which keeps their order"
    );
}
