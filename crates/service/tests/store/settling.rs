//! How an attempt ends.

use monte_carlo_service::store::{JobStatus, Store, StoreError, Write};
use serde_json::json;

use crate::fixtures::{claim, claim_one, completed, failed, input, insert, outbox, pending};
use crate::world::World;

pub(crate) async fn completes_in_one_go(world: &World) {
    let id = insert(&*world.store, &["a"]).await.remove(0);
    let claimed = claim_one(&*world.store).await;
    let settlement = completed(&claimed, &json!({"var95": 12.5}));
    assert_eq!(world.store.settle(&claimed.lease, &settlement).await.expect("settles"), Write::Applied);
    let record = world.store.job(&id).await.expect("reads").expect("is there");
    assert_eq!((record.status, record.progress, record.error), (JobStatus::Completed, 1.0, None));
    assert_eq!(record.result, settlement.result);
    assert!(record.completed_at_ms >= record.started_at_ms);
    assert_eq!(outbox(&*world.store).await.last(), settlement.outbox.as_ref());
    assert_eq!(world.store.settle(&claimed.lease, &settlement).await.expect("answers"), Write::Stale);
}

pub(crate) async fn leaves_nothing_after_a_fault(world: &World) {
    let id = insert(&*world.store, &["a"]).await.remove(0);
    let claimed = claim_one(&*world.store).await;
    let before = world.store.job(&id).await.expect("reads");
    let mut settlement = completed(&claimed, &json!({}));
    // The id of a message that is there already: the last of three statements is refused.
    let taken = outbox(&*world.store).await[0].event_id;
    let event_id = settlement.outbox.as_mut().map(|message| std::mem::replace(&mut message.event_id, taken));
    let outcome = world.store.settle(&claimed.lease, &settlement).await;
    assert!(matches!(outcome, Err(StoreError::Failed(_))), "{outcome:?}");
    assert_eq!(world.store.job(&id).await.expect("reads"), before);
    assert_eq!(world.number("SELECT count(*) FROM simulation_results").await, 0);
    if let (Some(message), Some(event_id)) = (settlement.outbox.as_mut(), event_id) {
        message.event_id = event_id;
    }
    assert_eq!(world.store.settle(&claimed.lease, &settlement).await.expect("settles"), Write::Applied);
}

pub(crate) async fn comes_back_when_due(world: &World) {
    let id = insert(&*world.store, &["a"]).await.remove(0);
    let claimed = claim_one(&*world.store).await;
    let back = pending(0, 3, 30_000, Some("Core is down"));
    assert_eq!(world.store.settle(&claimed.lease, &back).await.expect("settles"), Write::Applied);
    let record = world.store.job(&id).await.expect("reads").expect("is there");
    assert_eq!((record.status, record.error.as_deref()), (JobStatus::Pending, Some("Core is down")));
    assert_eq!((record.attempts, record.completed_at_ms), (0, None));
    world.pass_ms(25_000).await;
    assert_eq!(claim(&*world.store, 10).await, []);
    world.pass_ms(6_000).await;
    let again = claim_one(&*world.store).await;
    assert_eq!((again.job.attempts, again.job.snoozes), (1, 3));
    assert!(again.job.started_at_ms <= Some(-31_000), "{:?}", again.job);
    let record = world.store.job(&id).await.expect("reads").expect("is there");
    assert_eq!((record.status, record.error), (JobStatus::Running, None));
}

pub(crate) async fn fails_with_its_reason(world: &World) {
    let id = insert(&*world.store, &["a"]).await.remove(0);
    let claimed = claim_one(&*world.store).await;
    assert_eq!(world.store.settle(&claimed.lease, &failed("no trades")).await.expect("ends"), Write::Applied);
    let record = world.store.job(&id).await.expect("reads").expect("is there");
    assert_eq!((record.status, record.error.as_deref()), (JobStatus::Failed, Some("no trades")));
    assert!(record.completed_at_ms.is_some() && record.result.is_none());
    assert_eq!(outbox(&*world.store).await.len(), 1, "only that it had started");
}

pub(crate) async fn keeps_its_input_over_a_retry(world: &World) {
    let id = insert(&*world.store, &["a"]).await.remove(0);
    let claimed = claim_one(&*world.store).await;
    for trades in [1, 2] {
        let saved = world.store.save_input(&claimed.lease, &input(trades)).await.expect("saves");
        assert_eq!(saved, Write::Applied);
    }
    world.store.settle(&claimed.lease, &pending(1, 0, 0, Some("bad luck"))).await.expect("settles");
    assert_eq!(claim_one(&*world.store).await.input, Some(input(2).full));
    let record = world.store.job(&id).await.expect("reads").expect("is there");
    assert_eq!(record.input_data, input(2).full);
}
