//! How a process begins and ends: faults of its environment, neighbours that are away, signals.

use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

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

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_gives_running_work_back_uncharged_and_the_next_process_finishes_it() {
    let house = House::build(Neighbours::Embedded).await;
    let grace = [("SHUTDOWN_GRACE_SECONDS", "1")];
    let service = house.service_with(&grace).ready().await;
    let trader = house.book.passed().next().expect("a passed trader").assessment_id.clone();
    // Some minutes of work.
    let order = json!({"assessmentId": trader, "config": {"paths": 20_000_000, "steps": 2_000}});
    let (_, ordered) = service.post("/simulations", &order).await;
    let path = format!("/simulations/{}", ordered["jobId"].as_str().expect("an id"));
    running(&service, &path).await;
    let asked = Instant::now();
    service.stop().await;
    assert!(asked.elapsed() < Duration::from_secs(6), "grace 1 s and the goodbyes: {:?}", asked.elapsed());

    let next = house.service_with(&grace).ready().await;
    let job = running(&next, &path).await;
    assert_eq!(job["attempts"], 1, "the first attempt was given back: {job}");
    next.stop().await;
}

async fn running(service: &crate::service::Service, path: &str) -> Value {
    let began = Instant::now();
    loop {
        let job = service.get(path).await;
        if job["status"] == "running" && job["progress"].as_f64() > Some(0.0) {
            return job;
        }
        assert!(began.elapsed() < Duration::from_secs(30), "it does not run: {job}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}
