//! Core Service under fire, the service as a process: it waits, says why, and charges no job for it.

use std::time::{Duration, Instant};

use serde_json::json;

use crate::house::{self, House, Neighbours};
use crate::service::Service;
use crate::story::PASSED;
use crate::{ledger, story};

/// The breaker's longest pause, and time for a busy machine.
const NOTICED_BOUND: Duration = Duration::from_secs(60);

async fn until_breaker_is(service: &Service, open: f64) {
    let began = Instant::now();
    while service.metric("core_service_breaker_open").await != open {
        assert!(
            began.elapsed() < NOTICED_BOUND,
            "core_service_breaker_open is not {open}:\n{}",
            service.log_tail()
        );
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_outage_in_the_middle_of_a_run_opens_the_breaker_and_is_charged_to_no_job() {
    let house = House::build(Neighbours::Real).await;
    let service = house.service().ready().await;
    house.tell(&story::events(&house.book)).await;
    ledger::completed(&service, PASSED / 5).await;
    house.core().dial().down(503);
    until_breaker_is(&service, 1.0).await;

    let verbose = service.answer("/ready?verbose=1", 200).await;
    let check = &verbose["checks"]["core_service"];
    assert_eq!((&check["ok"], &check["required"]), (&json!(false), &json!(false)), "{verbose}");
    let detail = check["detail"].as_str().expect("a phrase");
    assert!(detail.contains("the breaker is open") && detail.contains("answered 503"), "{detail}");

    house.core().dial().recover();
    let digests = ledger::settle(&house, &service).await;
    assert_eq!(digests, *house::undisturbed().await);
    for job in service.jobs("completed").await {
        assert_eq!(job["attempts"], 1, "an outage is no job's fault: {job}");
    }
    until_breaker_is(&service, 0.0).await;
    for series in [
        r#"core_service_requests_total{call="trades",outcome="ok"}"#,
        r#"core_service_requests_total{call="assessment",outcome="server_error"}"#,
        r#"core_service_request_duration_seconds_count{call="assessment"}"#,
    ] {
        assert!(service.metric(series).await > 0.0, "{series}");
    }
    assert_eq!(house.core().dial().broken_rules(), Vec::<String>::new(), "we always spoke the contract");
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_token_is_a_fault_of_the_configuration_by_name_and_the_job_waits_for_its_mending() {
    let house = House::build(Neighbours::Real).await;
    let service = house.service_with(&[("CORE_SERVICE_TOKEN", "hunter2-of-core")]).ready().await;
    house.core().dial().down(401);
    let trader = house.book.passed().next().expect("a passed trader").assessment_id.clone();
    let (_, created) = service.post("/simulations", &json!({"assessmentId": trader})).await;
    let path = format!("/simulations/{}", created["jobId"].as_str().expect("an id"));
    let began = Instant::now();
    let job = loop {
        let job = service.get(&path).await;
        if job["lastError"].is_string() {
            break job;
        }
        assert!(began.elapsed() < NOTICED_BOUND, "{job}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    };
    let verbose = service.answer("/ready?verbose=1", 200).await;
    for told in [&job["lastError"], &verbose["checks"]["core_service"]["detail"]] {
        let told = told.as_str().expect("a sentence");
        assert!(told.contains("401") && told.contains("CORE_SERVICE_TOKEN"), "{told}");
        assert!(!told.contains("hunter2"), "{told}");
    }
    house.core().dial().recover();
    ledger::completed(&service, 1).await;
    assert_eq!(service.get(&path).await["attempts"], 1);
    assert!(!service.log_tail().contains("hunter2"));
    service.stop().await;
}
