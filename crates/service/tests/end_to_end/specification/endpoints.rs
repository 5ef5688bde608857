//! The endpoints, as the specification's callers use them: its shapes, and nothing that breaks an old reader.

use serde_json::{Value, json};

use crate::house::{House, Neighbours};
use crate::ledger;

#[tokio::test(flavor = "multi_thread")]
async fn the_five_endpoints_have_the_shapes_of_the_specification() {
    let house = House::build(Neighbours::Real).await;
    let service = house.service().ready().await;
    assert_eq!(service.get("/health").await, json!({"status": "ok"}));
    assert_eq!(service.get("/ready").await, json!({"status": "ready"}));

    let trader = house.book.passed().next().expect("a passed trader").assessment_id.clone();
    let (_, created) = service.post("/simulations", &json!({"assessmentId": trader})).await;
    let id = created["jobId"].as_str().expect("jobId is a string").to_owned();
    ledger::completed(&service, 1).await;

    let job = service.get(&format!("/simulations/{id}")).await;
    assert_eq!(job["id"], id);
    assert_eq!(job["assessmentId"], trader);
    assert!(job.get("fundedAccountId").is_none(), "an id that the job has not is absent: {job}");
    assert_eq!(job["status"], "completed");
    for object in ["inputData", "result"] {
        assert!(job[object].is_object(), "{object}: {job}");
    }
    assert!(job.get("error").is_none(), "{job}");
    for time in ["createdAt", "startedAt", "completedAt"] {
        assert!(is_iso_8601(&job[time]), "{time}: {job}");
    }

    let listed = service.get(&format!("/simulations?assessmentId={trader}&status=completed")).await;
    let ids: Vec<_> = listed["jobs"].as_array().expect("jobs").iter().map(|job| &job["id"]).collect();
    assert_eq!(ids, [&json!(id)]);
    let none = service.get(&format!("/simulations?assessmentId={trader}&status=failed")).await;
    assert_eq!(none["jobs"], json!([]));
    service.stop().await;
}

/// `2026-11-24T08:50:05.000Z`, as JavaScript writes it.
fn is_iso_8601(value: &Value) -> bool {
    value.as_str().is_some_and(|text| {
        text.len() == 24 && text.ends_with('Z') && text.parse::<jiff::Timestamp>().is_ok()
    })
}
