//! What goes in comes out.

use monte_carlo_engine::Subject;
use monte_carlo_service::jobs::input::StoredInput;
use monte_carlo_service::store::{IntakeBatch, JobFilter, JobStatus, NewJob, PoisonMessage, Store, Write};
use serde_json::{Value, json};

use crate::fixtures::{claim, claim_one, completed, failed, insert, job, keyed, pending, unread};
use crate::world::World;

/// Sends a value through every JSON column.
async fn round_trip(world: &World, value: &Value) {
    let new = NewJob {
        config: value.clone(),
        input: Some(StoredInput { full: value.clone(), summary: value.clone() }),
        ..job("a")
    };
    world.store.create(&new, None).await.expect("creates");
    let claimed = claim_one(&*world.store).await;
    assert_eq!((&claimed.config, claimed.input.as_ref()), (value, Some(value)));
    let settled = world.store.settle(&claimed.lease, &completed(&claimed, value)).await.expect("settles");
    assert_eq!(settled, Write::Applied);
    let record = world.store.job(&new.id).await.expect("reads").expect("is there");
    assert_eq!((&record.config, &record.input_data, record.result.as_ref()), (value, value, Some(value)));
}

pub(crate) async fn json_comes_back_as_it_went(world: &World) {
    let value = json!({
        "small": 1e-7, "whole": 1.0, "zero": -0.0, "most": f64::MAX, "least": 5e-324, "max": u64::MAX, "min": i64::MIN,
        "text": "Zoë 日本 \u{1f4c8} \" \\ \u{7f}", "nul": "a\u{0}b", "\u{0}": [[], {}, null, true],
    });
    round_trip(world, &value).await;
}

pub(crate) async fn numbers_come_back_to_the_bit(world: &World) {
    let mut random = fastrand::Rng::with_seed(7);
    let numbers: Vec<f64> =
        (0..500).map(|_| (random.f64() - 0.5) * 10f64.powi(random.i32(-12..12))).collect();
    let new = NewJob { config: json!(numbers), ..job("a") };
    world.store.create(&new, None).await.expect("creates");
    let config = claim_one(&*world.store).await.config;
    let back: Vec<f64> = serde_json::from_value(config).expect("numbers");
    for (went, came) in numbers.iter().zip(&back) {
        assert_eq!(went.to_bits(), came.to_bits(), "{went:e} came back as {came:e}");
    }
}

pub(crate) async fn nul_poisons_nothing(world: &World) {
    let spoilt = NewJob {
        subject: Subject::Assessment("a\0b".into()),
        dedupe_key: Some("kafka:a\0b".into()),
        ..job("")
    };
    let poison = PoisonMessage {
        topic: "t\0".into(),
        partition: 0,
        offset: 0,
        payload: vec![0],
        payload_bytes: 1,
        reason: "a NUL: \0".into(),
    };
    let batch = IntakeBatch { jobs: vec![spoilt.clone(), keyed("b")], poison: vec![poison] };
    assert_eq!(world.store.record_intake(&batch).await.expect("records").inserted, 2);
    assert_eq!(world.store.record_intake(&batch).await.expect("records").duplicates, 2);
    assert_eq!(unread(&*world.store, 9).await[0].message.reason, "a NUL: \u{fffd}");
    let filter = JobFilter { assessment_id: Some("a\0b".into()), ..JobFilter::default() };
    let found = world.store.jobs(&filter, 9, None).await.expect("lists");
    assert_eq!(found[0].subject, Subject::Assessment("a\u{fffd}b".into()));
    let claimed = claim(&*world.store, 9).await;
    assert_eq!(claimed.len(), 2);
    let back = pending(1, 0, 0, Some("says \0"));
    assert_eq!(world.store.settle(&claimed[0].lease, &back).await.expect("settles"), Write::Applied);
    assert_eq!(
        world.store.settle(&claimed[1].lease, &failed("says \0")).await.expect("settles"),
        Write::Applied
    );
    let record = world.store.job(&claimed[1].lease.job).await.expect("reads").expect("is there");
    assert_eq!(record.error.as_deref(), Some("says \u{fffd}"));
}

pub(crate) async fn unreadable_json_spoils_its_own_job_only(world: &World) {
    let inserted = insert(&*world.store, &["a", "b"]).await;
    world
        .execute(&format!("UPDATE simulation_jobs SET config = '{{oops' WHERE id = '{}'", inserted[0]))
        .await;
    let claimed = claim(&*world.store, 9).await;
    assert_eq!(claimed[0].config, json!("{oops"), "which no worker takes for a configuration");
    assert_eq!(claimed[1].config, json!({"paths": 1000}));
    let running = JobFilter { status: Some(JobStatus::Running), ..JobFilter::default() };
    assert_eq!(world.store.jobs(&running, 9, None).await.expect("lists").len(), 2);
}
