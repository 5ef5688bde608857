//! Messages that could not be read, listed and taken in after all.

use monte_carlo_service::store::dead_letters::{DeadLetter, DeadLetters, Revival};
use monte_carlo_service::store::{IntakeBatch, PoisonMessage, Store};

use crate::fixtures::{batch, claim_one, keyed};
use crate::world::World;

/// Letters that came in one moment, so that only their places tell them apart.
async fn letters(world: &World, places: &[(i32, i64)]) -> Vec<DeadLetter> {
    let message = |&(partition, offset): &(i32, i64)| PoisonMessage {
        topic: "assessment.completed".into(),
        partition,
        offset,
        payload: b"{".to_vec(),
        payload_bytes: 1,
        reason: "EOF".into(),
    };
    let poison = places.iter().map(message).collect();
    world.store.record_intake(&IntakeBatch { jobs: Vec::new(), poison }).await.expect("records");
    world.execute("UPDATE poison_messages SET received_at_ms = 1000 WHERE received_at_ms > 1000").await;
    world.store.dead_letters(100, None).await.expect("lists")
}

pub(crate) async fn are_paged_newest_first(world: &World) {
    let all = letters(world, &[(0, 7), (1, 7), (2, 7), (0, 8), (1, 6)]).await;
    let places: Vec<_> = all.iter().map(|letter| (letter.id.partition, letter.id.offset)).collect();
    assert_eq!(places, [(0, 8), (2, 7), (1, 7), (0, 7), (1, 6)]);
    for length in 1..=5 {
        let mut paged: Vec<DeadLetter> = Vec::new();
        loop {
            let page = world.store.dead_letters(length, paged.last()).await.expect("lists");
            if page.is_empty() {
                break;
            }
            paged.extend(page);
        }
        assert_eq!(paged, all, "{length} at a time");
    }
    assert_eq!(world.store.dead_letter(&all[2].id).await.expect("reads").as_ref(), Some(&all[2]));
}

pub(crate) async fn are_taken_in_once_with_their_job(world: &World) {
    let all = letters(world, &[(0, 1), (0, 2), (0, 3)]).await;
    let known = keyed("known");
    world.store.record_intake(&batch(vec![known.clone()])).await.expect("records");
    assert_eq!(claim_one(&*world.store).await.lease.job, known.id);

    let (revived, second) = (keyed("new"), keyed("known"));
    let revive = async |letter: &DeadLetter, job| world.store.revive(&letter.id, job).await.expect("revives");
    assert_eq!(revive(&all[0], Some(&revived)).await, Revival::Job(revived.id.clone()));
    assert_eq!(revive(&all[0], Some(&revived)).await, Revival::Gone, "once");
    assert_eq!(claim_one(&*world.store).await.lease.job, revived.id);
    assert_eq!(revive(&all[1], Some(&second)).await, Revival::Job(known.id), "no second job");
    assert_eq!(revive(&all[2], None).await, Revival::Nothing);
    assert_eq!(world.store.dead_letters(10, None).await.expect("lists"), []);
    assert_eq!(world.number("SELECT count(*) FROM simulation_jobs").await, 2);
}
