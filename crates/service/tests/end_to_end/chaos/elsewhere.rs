//! How long a large job stands still when the process that carries it is killed; all settings are the defaults.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::house;
use super::verdict::tell;
use crate::service::Service;

const KILLS: u32 = 3;
/// A lease, a sweep and a claim take some eight seconds.
const BOUND: Duration = Duration::from_secs(60);

async fn until(service: &Service, path: &str, is_so: impl Fn(&Value) -> bool) {
    let began = Instant::now();
    loop {
        let job = service.get(path).await;
        if is_so(&job) {
            return;
        }
        assert!(began.elapsed() < BOUND, "{job}\n{}", service.log_tail());
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_of_a_killed_process_runs_elsewhere() {
    let house = house().await;
    let mut doomed = house.service().ready().await;
    let trader = house.book.passed().next().expect("a passed trader").assessment_id.clone();
    // Some minutes of work.
    let order = json!({"assessmentId": trader, "config": {"paths": 100_000_000, "steps": 1_000}});
    let (status, told) = doomed.post("/simulations", &order).await;
    assert_eq!(status, 202, "{told}");
    let path = format!("/simulations/{}", told["jobId"].as_str().expect("an id"));
    let runs = |attempt: u32| {
        move |job: &Value| {
            job["status"] == "running" && job["attempts"] == attempt && job["progress"].as_f64() > Some(0.0)
        }
    };
    let mut worst = Duration::ZERO;
    for attempt in 1..=KILLS {
        until(&doomed, &path, runs(attempt)).await;
        let heir = house.service().ready().await;
        doomed.kill();
        let killed = Instant::now();
        until(&heir, &path, |job| job["status"] == "running" && job["attempts"] == attempt + 1).await;
        worst = worst.max(killed.elapsed());
        doomed = heir;
    }
    tell(&format!(
        "chaos: a killed process's job ran elsewhere after {:.2} s at worst of {KILLS}",
        worst.as_secs_f64()
    ));
    let (status, told) = doomed.post(&format!("{path}/cancel"), &json!({})).await;
    assert_eq!(status, 200, "{told}");
    doomed.stop().await;
}
