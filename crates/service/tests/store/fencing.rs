//! Whoever has lost its lease changes nothing.

use monte_carlo_service::jobs::ids::{Lease, LeaseToken};
use monte_carlo_service::store::{
    Beat, ClaimRequest, ClaimedJob, JobStatus, Settlement, Settler, Store, StoreError, Write,
};
use serde_json::json;
use uuid::Uuid;

use crate::fixtures::{claim, claim_one, completed, failed, input, insert, pending, request, settlement};
use crate::world::World;

/// Everything that a worker may try.
async fn is_refused(world: &World, lease: &Lease, job: &ClaimedJob) {
    let store = &world.store;
    let before = store.job(&lease.job).await.expect("reads");
    for settlement in [
        completed(job, &json!({"by": "a ghost"})),
        failed("by a ghost"),
        pending(9, 9, 0, Some("by a ghost")),
    ] {
        assert_eq!(store.settle(lease, &settlement).await.expect("answers"), Write::Stale);
    }
    assert_eq!(store.save_input(lease, &input(9)).await.expect("answers"), Write::Stale);
    let beat = Beat { lease: lease.clone(), progress: 0.9 };
    assert_eq!(store.beat(&[beat], 60_000).await.expect("answers"), []);
    assert_eq!(store.job(&lease.job).await.expect("reads"), before, "nothing has changed");
    assert_eq!(world.number("SELECT count(*) FROM outbox").await, 1, "nothing is to be sent");
}

pub(crate) async fn a_lost_lease_changes_nothing(world: &World) {
    insert(&*world.store, &["a"]).await;
    let lost = world.store.claim(ClaimRequest { lease_ms: 0, ..request(1) }).await.expect("claims").remove(0);
    let expired = world.store.expired(10).await.expect("lists");
    assert_eq!(expired.len(), 1);
    assert_eq!(expired[0].lease, lost.lease);
    let swept = pending(1, 0, 0, Some("silence"));
    assert_eq!(world.store.settle(&expired[0].lease, &swept).await.expect("settles"), Write::Applied);
    is_refused(world, &lost.lease, &lost).await;
    let holder = claim_one(&*world.store).await;
    assert_ne!(holder.lease, lost.lease);
    is_refused(world, &lost.lease, &lost).await;
    let done = completed(&holder, &json!({"by": "the holder"}));
    assert_eq!(world.store.save_input(&holder.lease, &input(1)).await.expect("saves"), Write::Applied);
    assert_eq!(world.store.settle(&holder.lease, &done).await.expect("settles"), Write::Applied);
    let record = world.store.job(&holder.lease.job).await.expect("reads").expect("is there");
    assert_eq!(record.result, Some(json!({"by": "the holder"})));
}

pub(crate) async fn a_silent_owner_may_still_settle(world: &World) {
    insert(&*world.store, &["a"]).await;
    let claimed = claim_one(&*world.store).await;
    world.pass_ms(3_600_000).await;
    assert_eq!(world.store.expired(10).await.expect("lists").len(), 1);
    let done = completed(&claimed, &json!({}));
    assert_eq!(world.store.settle(&claimed.lease, &done).await.expect("settles"), Write::Applied);
    assert_eq!(world.store.expired(10).await.expect("lists"), []);
}

pub(crate) async fn a_sweeper_is_too_late_for_a_beat(world: &World) {
    insert(&*world.store, &["a"]).await;
    let claimed = claim_one(&*world.store).await;
    world.pass_ms(90_000).await;
    assert_eq!(world.store.expired(10).await.expect("lists").len(), 1);
    let beat = Beat { lease: claimed.lease.clone(), progress: 0.5 };
    assert_eq!(world.store.beat(&[beat], 60_000).await.expect("beats").len(), 1);
    for back in [pending(1, 0, 0, Some("silence")), failed("silence")] {
        let swept = Settlement { by: Settler::Sweeper, ..back };
        let before = world.store.job(&claimed.lease.job).await.expect("reads");
        assert_eq!(world.store.settle(&claimed.lease, &swept).await.expect("answers"), Write::Stale);
        assert_eq!(world.store.job(&claimed.lease.job).await.expect("reads"), before, "it is extended");
    }
    world.pass_ms(90_000).await;
    let swept = Settlement { by: Settler::Sweeper, ..pending(1, 0, 0, Some("silence")) };
    assert_eq!(world.store.settle(&claimed.lease, &swept).await.expect("settles"), Write::Applied);
}

pub(crate) async fn a_token_fits_its_own_job_only(world: &World) {
    insert(&*world.store, &["a"]).await;
    let claimed = claim_one(&*world.store).await;
    is_refused(world, &Lease { token: LeaseToken(Uuid::nil()), ..claimed.lease.clone() }, &claimed).await;
    let unclaimed = insert(&*world.store, &["b"]).await.remove(0);
    is_refused(world, &Lease { job: unclaimed, ..claimed.lease.clone() }, &claimed).await;
}

pub(crate) async fn final_states_refuse_everything(world: &World) {
    insert(&*world.store, &["a"]).await;
    let claimed = claim_one(&*world.store).await;
    assert_eq!(world.store.settle(&claimed.lease, &failed("so")).await.expect("settles"), Write::Applied);
    is_refused(world, &claimed.lease, &claimed).await;
    world.pass_ms(3_600_000).await;
    assert_eq!(claim(&*world.store, 10).await, []);
    assert_eq!(world.store.expired(10).await.expect("lists"), []);
}

pub(crate) async fn an_attempt_cannot_end_in_running(world: &World) {
    insert(&*world.store, &["a"]).await;
    let claimed = claim_one(&*world.store).await;
    let settlement = settlement(claimed.job.state.clone());
    let outcome = world.store.settle(&claimed.lease, &settlement).await;
    assert!(matches!(outcome, Err(StoreError::Failed(_))), "{outcome:?}");
    let record = world.store.job(&claimed.lease.job).await.expect("reads").expect("is there");
    assert_eq!(record.status, JobStatus::Running);
}
