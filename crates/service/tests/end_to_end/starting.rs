//! How a process begins: faults of its environment, neighbours that are away.

use std::process::Command;

use serde_json::json;

use crate::house::{House, Neighbours};
use crate::ledger;
use crate::passage::Passage;

#[test]
fn all_faults_of_the_environment_are_told_at_once_and_no_secret_with_them() {
    let ended = Command::new(env!("CARGO_BIN_EXE_monte-carlo-service"))
        .env_clear()
        .env("DATABASE_URL", "mysql://user:hunter2@db/jobs")
        .env("PORT", "eighty")
        .env("KAFKA_BROKERS", "nowhere")
        .env("REDIS_PASSWORD", "hunter2")
        .env("SIMULATION_PATHS", "0")
        .output()
        .expect("the service starts");
    assert_eq!(ended.status.code(), Some(2));
    let said = String::from_utf8_lossy(&ended.stderr);
    for variable in ["DATABASE_URL", "PORT", "KAFKA_BROKERS", "SIMULATION_PATHS"] {
        assert!(said.contains(variable), "{variable} is missing in\n{said}");
    }
    assert!(said.contains("expected"), "{said}");
    assert!(!said.contains("hunter2"), "{said}");
    assert!(ended.stdout.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_parameter_of_the_database_s_url_that_nobody_knows_is_not_logged() {
    let house = House::build(Neighbours::Real).await;
    let url = format!("{}?sslpassword=hunter2", house.database_url());
    let service = house.service_with(&[("DATABASE_URL", &url), ("LOG_LEVEL", "warn,sqlx_postgres=trace")]);
    let service = service.ready().await;
    assert!(!service.log_tail().contains("hunter2"), "{}", service.log_tail());
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn neighbours_that_are_away_at_the_start_are_waited_for() {
    let house = House::build(Neighbours::Real).await;
    let (database, core) = (Passage::closed(), Passage::closed());
    let service = house.service_with(&[
        ("DATABASE_URL", &database.in_place_of(house.database_url())),
        ("CORE_SERVICE_URL", &core.in_place_of(house.core_url())),
    ]);
    let unready = service.answer("/ready", 503).await;
    assert_eq!(unready["status"], "not_ready");
    assert!(unready["error"].as_str().is_some_and(|error| error.contains("database")), "{unready}");
    assert_eq!(service.answer("/health", 200).await, json!({"status": "ok"}));

    database.open(house.database_url()).await;
    let service = service.ready().await;
    let verbose = service.answer("/ready?verbose=1", 200).await;
    assert_eq!(verbose["checks"]["core_service"]["ok"], false, "{verbose}");
    assert_eq!(verbose["checks"]["core_service"]["required"], false, "{verbose}");

    let trader = house.book.passed().next().expect("a passed trader").assessment_id.clone();
    let (status, _) = service.post("/simulations", &json!({"assessmentId": trader})).await;
    assert_eq!(status, 202, "Core Service is away: accepted, and tried again");
    core.open(house.core_url()).await;
    ledger::completed(&service, 1).await;
    let job = service.jobs("completed").await.remove(0);
    assert_eq!(job["attempts"], 1, "a neighbour that is down is not the job's fault: {job}");
    service.stop().await;
}
