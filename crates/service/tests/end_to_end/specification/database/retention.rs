//! What is deleted stays done: a job goes once it was kept long enough, and its event, sent again, makes no other.

use serde_json::json;

use super::{execute, number};
use crate::house::{House, Neighbours};
use crate::ledger;
use crate::topics::Outgoing;

/// Longer than any span that can be set here.
const AGED_MS: i64 = 36 * 24 * 3_600 * 1_000;

#[tokio::test(flavor = "multi_thread")]
async fn a_job_that_was_kept_long_enough_goes_and_its_event_makes_no_other() {
    let house = House::build(Neighbours::Real).await;
    let variables = [("RETENTION_DAYS", "35")];
    let service = house.service_with(&variables).ready().await;
    let events = house.book.events();
    let passed: Vec<_> = house.book.passed().take(2).map(|trader| trader.assessment_id.clone()).collect();
    let of = |id: &str| -> Vec<Outgoing> {
        let of = events.iter().filter(|event| event.key == id);
        of.map(|event| Outgoing {
            key: Some(event.key.clone()),
            payload: event.payload.clone().into_bytes(),
            headers: event.headers.clone(),
        })
        .collect()
    };
    house.tell(&of(&passed[0])).await;
    ledger::completed(&service, 1).await;
    let old = service.jobs("completed").await[0]["id"].as_str().expect("an id").to_owned();
    house.read_until("montecarlo.simulation-completed", 1).await;
    while number(&house, "SELECT count(*) FROM outbox WHERE published_at_ms IS NULL").await > 0 {
        tokio::task::yield_now().await;
    }
    service.stop().await;
    execute(
        &house,
        &format!(
            "UPDATE simulation_jobs SET created_at_ms = created_at_ms - {AGED_MS},
             completed_at_ms = completed_at_ms - {AGED_MS}"
        ),
    )
    .await;

    let service = house.service_with(&variables).ready().await;
    while service.metric(r#"retention_rounds_total{outcome="finished"}"#).await < 1.0 {
        tokio::task::yield_now().await;
    }
    assert_eq!(service.metric(r#"retention_purged_rows_total{kind="job"}"#).await, 1.0);
    for table in ["simulation_jobs", "simulation_inputs", "simulation_results", "outbox"] {
        assert_eq!(number(&house, &format!("SELECT count(*) FROM {table}")).await, 0, "{table}");
    }
    for id in &passed {
        house.tell(&of(id)).await;
    }
    while service.metric("intake_events_total").await < 2.0 {
        tokio::task::yield_now().await;
    }
    assert_eq!(service.metric(r#"intake_events_total{outcome="duplicate"}"#).await, 1.0);
    ledger::completed(&service, 1).await;
    let jobs = service.jobs("completed").await;
    assert_eq!((jobs.len(), &jobs[0]["assessmentId"]), (1, &json!(passed[1])));
    // Redis had it for some minutes; whoever has not read it finds nothing.
    assert_eq!(service.answer(&format!("/simulations/{old}"), 404).await["code"], "simulation_not_found");
    assert!(service.log().contains("what was kept long enough is deleted"), "{}", service.log_tail());
    service.stop().await;
}
