//! How a process takes its leave at SIGTERM, whatever its neighbours do.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use sqlx::{Connection as _, Executor as _, PgConnection, Row as _};

use crate::house::{House, Neighbours, required};
use crate::own_server::{Kind, OwnServer};
use crate::passage::Passage;
use crate::service::Service;
use crate::{story, topics};

/// What is promised after the grace …
const PROMISE: Duration = Duration::from_secs(2);
/// … and what a busy machine takes to start `kill`, and to tell that a process has ended.
const SLACK: Duration = Duration::from_millis(500);
/// Until something is so that must come; a slow machine may take its time.
const BOUND: Duration = Duration::from_secs(30);

/// Orders a simulation; its path.
async fn order(service: &Service, assessment: &str, config: &Value) -> String {
    let (status, told) =
        service.post("/simulations", &json!({"assessmentId": assessment, "config": config})).await;
    assert_eq!(status, 202, "{told}");
    format!("/simulations/{}", told["jobId"].as_str().expect("an id"))
}

/// Waits until a job runs and says how far it is.
async fn running(service: &Service, path: &str) -> Value {
    let began = Instant::now();
    loop {
        let job = service.get(path).await;
        if job["status"] == "running" && job["progress"].as_f64() > Some(0.0) {
            return job;
        }
        assert!(began.elapsed() < BOUND, "it does not run: {job}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Waits until it says that it shuts down: a signal is on its way for a moment.
async fn draining(service: &Service) {
    let began = Instant::now();
    loop {
        let answer =
            reqwest::get(format!("{}/ready", service.url)).await.expect("it answers while it drains");
        let (status, body) = (answer.status(), answer.json::<Value>().await.expect("JSON"));
        if status == 503 && body["error"] == "the service is shutting down" {
            return;
        }
        assert!(began.elapsed() < BOUND, "{status} {body}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// Minutes of work.
fn long() -> Value {
    json!({"paths": 20_000_000, "steps": 2_000})
}

fn traders(house: &House) -> Vec<String> {
    house.book.passed().map(|trader| trader.assessment_id.clone()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_says_so_takes_nothing_new_finishes_what_runs_and_tells_of_it() {
    let house = House::build(Neighbours::Real).await;
    let alone = [("WORKER_CONCURRENCY", "1"), ("SHUTDOWN_GRACE_SECONDS", "60")];
    let mut service = house.service_with(&alone).ready().await;
    let traders = traders(&house);
    // Some seconds of a core.
    let finishes = order(&service, &traders[0], &json!({"paths": 400_000, "steps": 2_000})).await;
    running(&service, &finishes).await;
    let asked = Instant::now();
    service.terminate();
    draining(&service).await;
    assert_eq!(service.get("/health").await, json!({"status": "ok"}));
    let waits = order(&service, &traders[1], &json!({})).await;
    house.tell(&story::events(&house.book)[..1]).await;
    let status = service.ended(BOUND * 2).await;
    assert!(status.success(), "{status}:\n{}", service.log_tail());
    println!("it ended {:?} after SIGTERM, with its job", asked.elapsed());

    let mut database = PgConnection::connect(house.database_url()).await.expect("the test's database");
    let mut jobs = Vec::new();
    for row in database.fetch_all("SELECT id, status, attempts FROM simulation_jobs").await.expect("jobs") {
        jobs.push((row.get::<String, _>(0), row.get::<String, _>(1), row.get::<i64, _>(2)));
    }
    let id = |path: &str| path.rsplit('/').next().expect("an id").to_owned();
    let mut expected =
        vec![(id(&finishes), "completed".to_owned(), 1), (id(&waits), "pending".to_owned(), 0)];
    jobs.sort();
    expected.sort();
    assert_eq!(jobs, expected, "one is done, one was never claimed, and no event was taken in");
    let unsent = "SELECT count(*) FROM outbox WHERE published_at_ms IS NULL";
    let unsent: i64 = database.fetch_one(unsent).await.expect("a count").get(0);
    let topic = format!("{}montecarlo.simulation-completed", house.prefix());
    let published = topics::read_all(house.brokers(), &topic).await;
    let told: Vec<_> = published.iter().map(|event| event.body["jobId"].clone()).collect();
    assert_eq!((unsent, told), (0, vec![json!(id(&finishes))]), "it told of the end before its own");
}

/// How often the only job was claimed.
async fn claims(database: &mut PgConnection) -> i64 {
    let row = sqlx::query("SELECT claims::bigint FROM simulation_jobs").fetch_one(database).await;
    row.expect("one job").get(0)
}

#[tokio::test(flavor = "multi_thread")]
async fn what_outlasts_the_grace_goes_on_elsewhere_uncharged() {
    let house = House::build(Neighbours::Real).await;
    let service = house.service_with(&[("SHUTDOWN_GRACE_SECONDS", "1")]).ready().await;
    let path = order(&service, &traders(&house)[0], &long()).await;
    running(&service, &path).await;
    let other = house.service().ready().await;
    service.stop().await;
    let given_back = Instant::now();
    // Under the lease of the first it would be running too.
    let mut database = PgConnection::connect(house.database_url()).await.expect("the test's database");
    while claims(&mut database).await < 2 {
        assert!(given_back.elapsed() < BOUND, "nobody else takes it up");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    println!("another replica ran it {:?} after the end of the first", given_back.elapsed());
    let job = running(&other, &path).await;
    assert_eq!(job["attempts"], 1, "the first attempt was given back: {job}");
    other.kill();
}

#[tokio::test(flavor = "multi_thread")]
async fn it_ends_two_seconds_after_the_grace_though_database_kafka_redis_and_core_service_hang() {
    const GRACE: Duration = Duration::from_secs(2);
    let house = House::build(Neighbours::Real).await;
    let kafka = OwnServer::start(Kind::Kafka);
    let brokers = format!("127.0.0.1:{}", kafka.port);
    topics::create(&brokers, house.prefix()).await;
    let redis_url = required("TEST_REDIS_URL");
    let neighbours = [house.database_url(), &redis_url, house.core_url()].map(|url| (Passage::closed(), url));
    for (passage, url) in &neighbours {
        passage.open(url).await;
    }
    let [database, redis, core] = &neighbours.each_ref().map(|(passage, url)| passage.in_place_of(url));
    let redis_port = redis.trim_end_matches('/').rsplit_once(':').expect("a port").1;
    let grace = GRACE.as_secs().to_string();
    let service = house.service_with(&[
        ("DATABASE_URL", database),
        ("REDIS_HOST", "127.0.0.1"),
        ("REDIS_PORT", redis_port),
        ("CORE_SERVICE_URL", core),
        ("KAFKA_BROKERS", &brokers),
        ("SHUTDOWN_GRACE_SECONDS", &grace),
    ]);
    let mut service = service.ready().await;
    let path = order(&service, &traders(&house)[0], &long()).await;
    running(&service, &path).await;

    neighbours.iter().for_each(|(passage, _)| passage.swallow());
    kafka.freeze();
    // Whatever the loops ask next hangs by then.
    service.answer("/ready", 503).await;
    let asked = Instant::now();
    service.terminate();
    let status = service.ended(BOUND).await;
    let took = asked.elapsed();
    println!("with all neighbours hanging and a grace of {GRACE:?} it ended after {took:?}");
    assert!(took < GRACE + PROMISE + SLACK, "{took:?}:\n{}", service.log_tail());
    assert!(status.success(), "{status}:\n{}", service.log_tail());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_sigterm_ends_it_at_once() {
    let house = House::build(Neighbours::Embedded).await;
    let mut service = house.service_with(&[("SHUTDOWN_GRACE_SECONDS", "60")]).ready().await;
    let path = order(&service, &traders(&house)[0], &long()).await;
    running(&service, &path).await;
    service.terminate();
    draining(&service).await;
    let insisted = Instant::now();
    service.terminate();
    let status = service.ended(BOUND).await;
    println!("it ended {:?} after the second SIGTERM", insisted.elapsed());
    assert!(insisted.elapsed() < PROMISE, "{:?} of a grace of a minute", insisted.elapsed());
    assert_eq!(status.code(), Some(130), "nobody takes it for an orderly end");
}
