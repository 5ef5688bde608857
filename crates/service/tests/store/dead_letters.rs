//! Messages that could not be read and jobs that failed, listed; the messages taken in after all.

use monte_carlo_service::store::by_hand::{ByHand as _, Moved};
use monte_carlo_service::store::dead_letters::{DeadLetter, DeadLetters, Letter, LetterKind, Revival};
use monte_carlo_service::store::{ClaimedJob, IntakeBatch, PoisonMessage, Store};

use crate::fixtures::{batch, claim, claim_one, failed, insert, keyed, pending, unread};
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
    unread(&*world.store, 100).await
}

/// All letters of a kind, or of both, by pages of every length.
async fn paged(world: &World, kind: Option<LetterKind>) -> Vec<Letter> {
    let all = world.store.dead_letters(kind, 100, None).await.expect("lists");
    for length in 1..=all.len() as u32 {
        let mut paged: Vec<Letter> = Vec::new();
        loop {
            let page = world.store.dead_letters(kind, length, paged.last()).await.expect("lists");
            if page.is_empty() {
                break;
            }
            paged.extend(page);
        }
        assert_eq!(paged, all, "{length} at a time");
    }
    all
}

pub(crate) async fn are_paged_newest_first(world: &World) {
    let all = letters(world, &[(0, 7), (1, 7), (2, 7), (0, 8), (1, 6)]).await;
    let places: Vec<_> = all.iter().map(|letter| (letter.id.partition, letter.id.offset)).collect();
    assert_eq!(places, [(0, 8), (2, 7), (1, 7), (0, 7), (1, 6)]);
    let third = &paged(world, Some(LetterKind::Message)).await[2];
    assert_eq!(*third, Letter::Message(all[2].clone()));
    assert_eq!(world.store.dead_letter(&third.name()).await.expect("reads").as_ref(), Some(third));
}

pub(crate) async fn are_jobs_too_that_failed_and_that_nobody_cancelled(world: &World) {
    // In the order in which they are claimed.
    let ids = insert(&*world.store, &["first", "second", "cancelled", "retried", "waits"]).await;
    for n in 0..5 {
        let claimed = claim_one_of(world, n).await;
        let end = if n == 4 { pending(1, 0, 60_000, Some("not yet")) } else { failed(&format!("so {n}")) };
        if n == 2 {
            assert_eq!(world.store.cancel(&ids[2]).await.expect("cancels"), Moved::Done);
        }
        world.store.settle(&claimed.lease, &end).await.expect("settles");
    }
    assert_eq!(world.store.retry(&ids[3]).await.expect("retries"), Moved::Done);
    letters(world, &[(0, 1), (0, 2)]).await;
    // A message before all, one of the jobs' moment.
    world.execute("UPDATE simulation_jobs SET created_at_ms = 2000").await;
    world.execute("UPDATE poison_messages SET received_at_ms = 2000 WHERE message_offset = 2").await;

    let told = |letter: &Letter| match letter {
        Letter::Message(letter) => letter.id.offset.to_string(),
        Letter::Job(job) => job.reason.clone(),
    };
    let all: Vec<_> = paged(world, None).await.iter().map(told).collect();
    let jobs = if ids[0].0 < ids[1].0 { ["so 1", "so 0"] } else { ["so 0", "so 1"] };
    assert_eq!(all, ["2", jobs[0], jobs[1], "1"]);
    let of_jobs = paged(world, Some(LetterKind::Job)).await;
    assert_eq!(of_jobs.iter().map(told).collect::<Vec<_>>(), jobs);
    let Letter::Job(job) = &of_jobs[0] else { panic!("asked for jobs") };
    assert_eq!((job.attempts, job.created_at_ms), (1, 2_000));
    assert!(job.failed_at_ms > 2_000);
    assert_eq!(world.store.dead_letter(&of_jobs[0].name()).await.expect("reads").as_ref(), Some(&of_jobs[0]));
    for name in [ids[2].0.as_str(), &ids[3].0, &ids[4].0, "", "a\0b"] {
        assert_eq!(world.store.dead_letter(&name.into()).await.expect("reads"), None, "{name:?}");
    }
}

async fn claim_one_of(world: &World, n: usize) -> ClaimedJob {
    let claimed = claim(&*world.store, 1).await.remove(0);
    assert_eq!(claimed.subject.id(), ["first", "second", "cancelled", "retried", "waits"][n]);
    claimed
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
    assert_eq!(world.store.dead_letters(None, 10, None).await.expect("lists"), []);
    assert_eq!(world.number("SELECT count(*) FROM simulation_jobs").await, 2);
}
