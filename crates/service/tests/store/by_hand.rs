//! People cancel jobs and have them tried anew.

use monte_carlo_service::jobs::ids::JobId;
use monte_carlo_service::store::by_hand::{ByHand, Moved};
use monte_carlo_service::store::{JobRecord, JobStatus, Store, Write};
use serde_json::json;

use crate::fixtures::{claim, claim_one, completed, failed, insert, outbox, pending};
use crate::world::World;

async fn record(world: &World, id: &JobId) -> JobRecord {
    world.store.job(id).await.expect("reads").expect("is there")
}

pub(crate) async fn a_cancelled_job_is_over_for_everybody(world: &World) {
    let ids = insert(&*world.store, &["runs", "waits"]).await;
    let running = claim(&*world.store, 1).await.remove(0);
    assert_eq!(
        world.store.held(std::slice::from_ref(&running.lease)).await.expect("answers"),
        vec![running.lease.clone()]
    );
    for id in &ids {
        for _ in 0..2 {
            assert_eq!(world.store.cancel(id).await.expect("answers"), Moved::Done, "twice is once");
        }
        let record = record(world, id).await;
        assert_eq!((record.status, record.error.as_deref()), (JobStatus::Failed, Some("cancelled")));
        assert!(record.completed_at_ms.is_some());
    }
    assert_eq!(
        world.store.held(std::slice::from_ref(&running.lease)).await.expect("answers"),
        vec![],
        "its worker is told"
    );
    let done = completed(&running, &json!({}));
    assert_eq!(
        world.store.settle(&running.lease, &done).await.expect("answers"),
        Write::Stale,
        "a result comes too late"
    );
    assert_eq!(claim(&*world.store, 10).await, []);
    assert_eq!(outbox(&*world.store).await.len(), 1, "the start of the one that ran, and nothing else");
}

pub(crate) async fn what_is_over_is_not_cancelled(world: &World) {
    let ids = insert(&*world.store, &["completed", "failed"]).await;
    let claimed = claim(&*world.store, 2).await;
    world.store.settle(&claimed[0].lease, &completed(&claimed[0], &json!({}))).await.expect("settles");
    world.store.settle(&claimed[1].lease, &failed("no good")).await.expect("settles");
    assert_eq!(world.store.cancel(&ids[0]).await.expect("answers"), Moved::Refused(JobStatus::Completed));
    assert_eq!(world.store.cancel(&ids[1]).await.expect("answers"), Moved::Refused(JobStatus::Failed));
    assert_eq!(record(world, &ids[1]).await.error.as_deref(), Some("no good"));
    for strange in ["none", "", "a\0b", &"x".repeat(1_000)] {
        let id = JobId(strange.to_owned());
        assert_eq!(world.store.cancel(&id).await.expect("answers"), Moved::Unknown);
        assert_eq!(world.store.retry(&id).await.expect("answers"), Moved::Unknown);
    }
}

pub(crate) async fn a_failed_job_is_tried_anew_as_if_just_ordered(world: &World) {
    let id = insert(&*world.store, &["a"]).await.remove(0);
    assert_eq!(world.store.retry(&id).await.expect("answers"), Moved::Refused(JobStatus::Pending));
    let claimed = claim_one(&*world.store).await;
    assert_eq!(world.store.retry(&id).await.expect("answers"), Moved::Refused(JobStatus::Running));
    world.store.settle(&claimed.lease, &pending(4, 7, 0, None)).await.expect("settles");
    world.pass_ms(90_000).await;
    let claimed = claim_one(&*world.store).await;
    world.store.settle(&claimed.lease, &failed("no good")).await.expect("settles");
    assert_eq!(world.store.retry(&id).await.expect("answers"), Moved::Done);
    let waiting = record(world, &id).await;
    assert_eq!((waiting.status, waiting.error.as_deref()), (JobStatus::Pending, Some("no good")));
    assert_eq!((waiting.attempts, waiting.started_at_ms, waiting.completed_at_ms), (0, None, None));
    let again = claim_one(&*world.store).await;
    assert_eq!((again.job.attempts, again.job.snoozes), (1, 0));
    assert!(again.job.started_at_ms > Some(-60_000), "its neighbours are waited for a day from here");
    world.store.settle(&again.lease, &completed(&again, &json!({}))).await.expect("settles");
    assert_eq!(world.store.retry(&id).await.expect("answers"), Moved::Refused(JobStatus::Completed));
    assert_eq!(outbox(&*world.store).await.len(), 2, "it started once, and is completed");
}
