//! Workers take jobs.

use std::collections::HashSet;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures::future::join_all;
use monte_carlo_service::jobs::events;
use monte_carlo_service::jobs::ids::JobId;
use monte_carlo_service::jobs::machine::{Event, Job, Situation, step};
use monte_carlo_service::store::{ClaimRequest, JobStatus, NewJob, Origin, Store};

use crate::fixtures::{
    batch, claim, claim_one, completed, ids, input, insert, job, keyed, outbox, patiently, pending, request,
};
use crate::world::World;

pub(crate) async fn takes_the_oldest_first(world: &World) {
    let inserted = insert(&*world.store, &["a", "b", "c", "d", "e"]).await;
    let first = claim(&*world.store, 2).await;
    assert_eq!(ids(&first), inserted[..2]);
    assert_eq!(claim(&*world.store, 0).await, []);
    let rest = claim(&*world.store, 10).await;
    assert_eq!(ids(&rest), inserted[2..]);
    assert_eq!(claim(&*world.store, 10).await, []);
    let tokens: HashSet<_> = first.iter().chain(&rest).map(|job| job.lease.token).collect();
    assert_eq!(tokens.len(), 5, "a token for each");
    let record = world.store.job(&inserted[0]).await.expect("reads").expect("is there");
    assert_eq!((record.status, record.attempts, record.progress), (JobStatus::Running, 1, 0.0));
    assert!(record.started_at_ms.expect("started") >= record.created_at_ms);
    assert!((-60_000..=0).contains(&first[0].job.started_at_ms.expect("started")), "{:?}", first[0].job);
    assert_eq!((first[0].subject.id(), &first[0].config), ("a", &serde_json::json!({"paths": 1000})));
    assert_eq!(first[0].trace.correlation_id, "correlation");
}

pub(crate) async fn hands_no_job_out_twice(world: &World) {
    const JOBS: usize = 300;
    let jobs = (0..JOBS).map(|i| keyed(&i.to_string())).collect();
    world.store.record_intake(&batch(jobs)).await.expect("records");
    let taken = AtomicUsize::new(0);
    let stores = [world.store.clone(), world.another_store()];
    let claimers = join_all((0..8).map(|i| {
        let (store, taken) = (&stores[i % 2], &taken);
        async move {
            let mut mine = Vec::new();
            while taken.load(Ordering::Relaxed) < JOBS {
                let claimed = claim(&**store, 7).await;
                taken.fetch_add(claimed.len(), Ordering::Relaxed);
                mine.extend(ids(&claimed));
            }
            mine
        }
    }))
    .await
    .concat();
    assert_eq!(claimers.len(), JOBS);
    assert_eq!(claimers.into_iter().collect::<HashSet<_>>().len(), JOBS);
    assert_eq!(world.number("SELECT count(*) FROM outbox").await, JOBS as i64, "each has started, once");
}

pub(crate) async fn is_a_step_of_the_machine(world: &World) {
    insert(&*world.store, &["a"]).await;
    let mut before = Job::new(0);
    for (attempts, snoozes) in [(1, 0), (0, 1), (3, 0), (2, 7), (0, 0)] {
        let claimed = claim_one(&*world.store).await;
        let ClaimRequest { lease_ms, deadline_ms, .. } = request(1);
        let event = Event::Claimed { token: claimed.lease.token, lease_ms, deadline_ms };
        let (running, _) = step(&before, &event, Situation { now_ms: 0, jitter: 0.5 }).expect("is due");
        let started_at_ms = claimed.job.started_at_ms;
        assert_eq!(claimed.job, Job { started_at_ms, ..running });
        let back = pending(attempts, snoozes, 0, None);
        world.store.settle(&claimed.lease, &back).await.expect("settles");
        before = Job { claims: claimed.job.claims, ..back.next };
    }
}

pub(crate) async fn starts_a_job_once_over_its_retries(world: &World) {
    let new = job("a");
    world.store.create(&new, None).await.expect("creates");
    assert_eq!(outbox(&*world.store).await, []);
    let mut started_at_ms = None;
    for attempts in 0..4 {
        let claimed = claim_one(&*world.store).await;
        let record = world.store.job(&new.id).await.expect("reads").expect("is there");
        let first = *started_at_ms.get_or_insert(record.started_at_ms.expect("started"));
        assert_eq!(record.started_at_ms, Some(first), "for good");
        let messages = outbox(&*world.store).await;
        assert_eq!(messages.len(), 1, "once");
        let expected = events::started(&new.id, &new.subject, &new.trace, first);
        assert_eq!(
            (messages[0].event_id, &messages[0].payload, &messages[0].key, &messages[0].topic),
            (expected.event_id, &expected.payload, &expected.key, &expected.topic)
        );
        // Released, so that the attempt is not charged; and a retry, which is.
        let back = pending(attempts / 2, 0, 0, None);
        world.store.settle(&claimed.lease, &back).await.expect("settles");
    }
    let ids: Vec<_> = outbox(&*world.store).await.iter().map(|message| message.event_id).collect();
    world.store.mark_published(&ids).await.expect("marks");
    let claimed = claim_one(&*world.store).await;
    assert_eq!(outbox(&*world.store).await, [], "not even when the first message has long left");
    world.store.settle(&claimed.lease, &completed(&claimed, &serde_json::json!({}))).await.expect("settles");
    assert_eq!(outbox(&*world.store).await.len(), 1);
}

pub(crate) async fn brings_inputs_along(world: &World) {
    let mut with = job("a");
    with.input = Some(input(2));
    world.store.create(&with, None).await.expect("creates");
    insert(&*world.store, &["b"]).await;
    let claimed = claim(&*world.store, 10).await;
    assert_eq!(claimed[0].input, Some(input(2).full));
    assert_eq!(claimed[1].input, None);
}

pub(crate) async fn leaves_what_is_not_due(world: &World) {
    let inserted = insert(&*world.store, &["a", "b", "c"]).await;
    for (job, due_in_ms) in claim(&*world.store, 3).await.iter().zip([90_000, 30_000, 600_000]) {
        world.store.settle(&job.lease, &pending(1, 0, due_in_ms, None)).await.expect("settles");
    }
    assert_eq!(claim(&*world.store, 10).await, []);
    world.pass_ms(100_000).await;
    let due = [inserted[1].clone(), inserted[0].clone()];
    assert_eq!(ids(&claim(&*world.store, 10).await), due, "in the order in which they fall due");
}

/// Jobs of the daily run, older than all else.
async fn book(world: &World, count: usize) -> Vec<JobId> {
    let jobs: Vec<NewJob> =
        (0..count).map(|i| NewJob { origin: Origin::Daily, ..keyed(&format!("daily-{i}")) }).collect();
    let ids = jobs.iter().map(|job| job.id.clone()).collect();
    world.store.record_intake(&batch(jobs)).await.expect("records");
    world.pass_ms(1_000).await;
    ids
}

pub(crate) async fn lets_an_assessment_pass_a_book_of_daily_jobs(world: &World) {
    let daily = book(world, 40).await;
    let prompt = insert(&*world.store, &["a", "b"]).await;
    assert_eq!(ids(&claim(&*world.store, 1).await), prompt[..1]);
    let both = ids(&claim(&*world.store, 3).await);
    assert!(both.contains(&prompt[1]), "{both:?}");
    assert_eq!(both.iter().filter(|id| daily.contains(id)).count(), 2, "what is free goes to the book");
    assert_eq!(claim(&*world.store, 100).await.len(), 38);
}

pub(crate) async fn offers_daily_jobs_their_places(world: &World) {
    let daily = book(world, 2).await;
    let names: Vec<String> = (0..10).map(|i| format!("a{i}")).collect();
    insert(&*world.store, &names.iter().map(String::as_str).collect::<Vec<_>>()).await;
    let of_daily = async |limit, daily_first| {
        let request = ClaimRequest { daily_first, ..request(limit) };
        let claimed = ids(&patiently(|| world.store.claim(request)).await);
        assert_eq!(claimed.len(), limit as usize);
        claimed.iter().filter(|id| daily.contains(id)).count()
    };
    assert_eq!(of_daily(2, 0).await, 0);
    assert_eq!(of_daily(3, 1).await, 1);
    assert_eq!(of_daily(3, 3).await, 1, "a line that is too short leaves its places");
    assert_eq!(of_daily(2, 9).await, 0, "no more than the limit");
    assert_eq!(claim(&*world.store, 10).await.len(), 2);
}
