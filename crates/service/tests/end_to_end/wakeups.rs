//! How soon a job that was committed is claimed: in the process that took it, in another by Redis, by polling alone. The
//! figures are for people; what is asserted tells a wake-up from a poll on any machine.

use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use monte_carlo_service::fleet::link::{Link, RedisSettings, Tls};
use monte_carlo_service::signals::{RedisWakeUps, Signals};
use monte_carlo_service::worker::POLL_EVERY;
use serde_json::{Value, json};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::house::{House, Neighbours, required};
use crate::passage::address;
use crate::service::Service;

/// Jobs of one measurement.
const JOBS: usize = 100;
/// Of one that waits for polls.
const JOBS_POLLED: usize = 25;
/// Nothing listens there.
const AWAY: (&str, &str) = ("REDIS_PORT", "1");
const BOUND: Duration = Duration::from_secs(30);

/// What came of one measurement, sorted.
struct Waits(Vec<Duration>);

impl Waits {
    /// By the database's clock, from the statement that inserts a job to the one that claims it, each job after the last.
    async fn of(house: &House, asked: &Service, jobs: usize) -> Self {
        let trader = house.book.passed().next().expect("a passed trader").assessment_id.clone();
        let order = json!({"assessmentId": trader, "config": {"paths": 100, "steps": 10}});
        let mut waits = Vec::new();
        for _ in 0..jobs {
            let (status, told) = asked.post("/simulations", &order).await;
            assert_eq!(status, 202, "{told}");
            let job = completed(asked, told["jobId"].as_str().expect("an id")).await;
            waits.push(Duration::from_millis((at_ms(&job["startedAt"]) - at_ms(&job["createdAt"])) as u64));
        }
        waits.sort();
        Self(waits)
    }

    /// The wait that so many in a hundred do not exceed.
    fn percentile(&self, percent: usize) -> Duration {
        self.0[(self.0.len() * percent).div_ceil(100) - 1]
    }

    fn print(&self, what: &str) {
        let [half, most, all] = [50, 95, 100].map(|percent| self.percentile(percent));
        println!(
            "from commit to claim {what}: p50 {half:?}, p95 {most:?}, longest {all:?} of {}",
            self.0.len()
        );
    }
}

fn at_ms(time: &Value) -> i64 {
    time.as_str().expect("a time").parse::<Timestamp>().expect("RFC 3339").as_millisecond()
}

async fn completed(service: &Service, id: &str) -> Value {
    let began = Instant::now();
    loop {
        let job = service.get(&format!("/simulations/{id}")).await;
        if job["status"] == "completed" {
            return job;
        }
        assert!(began.elapsed() < BOUND, "{job}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// A replica whose one place is taken for minutes.
async fn busy(house: &House, redis: &[(&str, &str)]) -> Service {
    let service = house.service_with(&[redis, &[("WORKER_CONCURRENCY", "1")]].concat()).ready().await;
    let trader = house.book.passed().nth(1).expect("a passed trader").assessment_id.clone();
    let long = json!({"assessmentId": trader, "config": {"paths": 100_000_000, "steps": 1_000}});
    let (status, told) = service.post("/simulations", &long).await;
    assert_eq!(status, 202, "{told}");
    let began = Instant::now();
    while service.jobs("running").await.is_empty() {
        assert!(began.elapsed() < BOUND, "it does not run");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    service
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_wakes_the_process_that_took_it() {
    let house = House::build(Neighbours::Real).await;
    let service = house.service_with(&[AWAY]).ready().await;
    let waits = Waits::of(&house, &service, JOBS).await;
    waits.print("in one process");
    assert!(waits.percentile(50) < POLL_EVERY / 4, "half of them are not woken");
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_wakes_another_replica_by_redis() {
    let house = House::build(Neighbours::Real).await;
    let busy = busy(&house, &[]).await;
    let other = house.service().ready().await;
    for service in [&busy, &other] {
        let began = Instant::now();
        while service.get("/ready?verbose=1").await["checks"]["redis"]["ok"] != true {
            assert!(began.elapsed() < BOUND, "it hears nothing of Redis");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
    let waits = Waits::of(&house, &busy, JOBS).await;
    waits.print("in another replica, by Redis");
    assert!(waits.percentile(50) < POLL_EVERY / 4, "half of them are not woken");
    other.stop().await;
    busy.kill();
}

/// Redis tells every subscriber, the speaker too; he knew it first.
#[tokio::test(flavor = "multi_thread")]
async fn a_word_wakes_the_others_and_not_its_speaker_again() {
    let (channel, stop) = (Uuid::new_v4().to_string(), CancellationToken::new());
    let [speaker, other] = [(); 2].map(|()| bridged(&channel, &stop));
    // A subscription wakes once: by then it stands.
    for signals in [&speaker, &other] {
        timeout(BOUND, signals.jobs_are_due()).await.expect("subscribes");
    }
    for _ in 0..20 {
        speaker.jobs_due();
        timeout(BOUND, speaker.jobs_are_due()).await.expect("wakes its own");
        timeout(BOUND, other.jobs_are_due()).await.expect("wakes the other");
        timeout(POLL_EVERY / 10, speaker.jobs_are_due()).await.expect_err("one word woke its speaker twice");
    }
    stop.cancel();
}

/// One replica's way to the others of its prefix.
fn bridged(key_prefix: &str, stop: &CancellationToken) -> Arc<Signals> {
    let address = address(&required("TEST_REDIS_URL"));
    let (host, port) = address.rsplit_once(':').expect("host and port");
    let settings = RedisSettings {
        host: host.to_owned(),
        port: port.parse().expect("a port"),
        tls: Tls::Off,
        user: None,
        password: None,
        key_prefix: key_prefix.to_owned(),
    };
    Arc::new(RedisWakeUps::new(Arc::new(Link::new(&settings).expect("an address")))).connect(stop)
}

#[tokio::test(flavor = "multi_thread")]
async fn without_redis_another_replica_finds_a_job_by_its_next_look() {
    let house = House::build(Neighbours::Real).await;
    let busy = busy(&house, &[AWAY]).await;
    let other = house.service_with(&[AWAY]).ready().await;
    let waits = Waits::of(&house, &busy, JOBS_POLLED).await;
    waits.print(&format!("in another replica, by a poll every {POLL_EVERY:?}"));
    assert!(waits.percentile(95) < POLL_EVERY * 2, "found later than by the next look but one");
    other.stop().await;
    busy.kill();
}
