//! `doctor` finds each fault, and only that.

use std::time::{Duration, Instant};

use axum::Router;
use axum::routing::get;
use monte_carlo_service::sample_core::server::{Dialect, SampleCore};
use serde_json::{Value, json};
use sqlx::{Connection as _, Executor as _, PgConnection};

use crate::house::{House, Neighbours};
use crate::passage::Passage;
use crate::topics::Outgoing;

/// Messages are read and a group's offsets committed within this on two busy cores.
const BOUND: Duration = Duration::from_secs(60);

/// What one run of `doctor --json` found, by state.
struct Found {
    code: Option<i32>,
    report: Value,
}

impl Found {
    async fn by(house: &House, variables: &[(&str, &str)]) -> Self {
        let ran = house.run(&["doctor", "--json"], variables).await;
        let report = serde_json::from_slice(&ran.stdout)
            .unwrap_or_else(|_| panic!("no report: {}", String::from_utf8_lossy(&ran.stderr)));
        Self { code: ran.status.code(), report }
    }

    fn checks(&self, state: &str) -> Vec<&str> {
        let findings = self.report["findings"].as_array().expect("findings").iter();
        let of_state = findings.filter(|finding| finding["state"] == state);
        of_state.map(|finding| finding["check"].as_str().expect("a name")).collect()
    }

    fn finding(&self, check: &str) -> &Value {
        let findings = self.report["findings"].as_array().expect("findings");
        findings.iter().find(|finding| finding["check"] == check).expect("it was looked at")
    }

    /// One fault, told with its mend; everything else is well or cannot be seen.
    fn only_fault(&self, check: &str, told: &str) {
        assert_eq!(self.checks("fault"), [check], "{}", self.report);
        assert_eq!(self.checks("warning"), Vec::<&str>::new(), "{}", self.report);
        assert_eq!(self.code, Some(1));
        let finding = self.finding(check);
        assert!(finding["found"].as_str().is_some_and(|found| found.contains(told)), "{finding}");
        assert!(finding["mend"].as_str().is_some_and(|mend| mend.ends_with('.')), "{finding}");
    }

    /// The same for what the service can do without.
    fn only_warning(&self, check: &str, told: &str) {
        assert_eq!(self.checks("warning"), [check], "{}", self.report);
        assert_eq!(self.checks("fault"), Vec::<&str>::new(), "{}", self.report);
        assert_eq!(self.code, Some(0));
        let finding = self.finding(check);
        assert!(finding["found"].as_str().is_some_and(|found| found.contains(told)), "{finding}");
        assert!(finding["mend"].as_str().is_some_and(|mend| mend.ends_with('.')), "{finding}");
    }
}

/// A Ray head that says `status` of itself, for as long as the test runs.
async fn ray(status: &'static str) -> String {
    let health = move || async move { axum::Json(json!({"status": status})) };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("its address");
    let router = Router::new().route("/health", get(health));
    tokio::spawn(async move { axum::serve(listener, router).await });
    format!("http://{address}")
}

fn nobody(url: &str) -> String {
    Passage::closed().in_place_of(url)
}

async fn migrated() -> House {
    let house = House::build(Neighbours::Real).await;
    assert!(house.run(&["migrate"], &[]).await.status.success());
    house
}

fn event(assessment: &str, status: &str) -> Outgoing {
    let payload = json!({"assessmentId": assessment, "userId": "u", "status": status, "timestamp": 0});
    Outgoing {
        key: Some(assessment.to_owned()),
        payload: payload.to_string().into_bytes(),
        headers: Vec::new(),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn with_each_server_away_in_turn_it_names_that_one_only() {
    let house = migrated().await;
    let ray_url = ray("healthy").await;
    let sound = ("RAY_SERVE_URL", ray_url.as_str());

    let green = Found::by(&house, &[sound]).await;
    assert_eq!(green.code, Some(0), "{}", green.report);
    assert_eq!(green.report["healthy"], true);
    let all = green.report["findings"].as_array().expect("findings").len();
    assert_eq!(green.checks("ok").len(), all, "{}", green.report);
    assert!(green.finding("database")["found"].as_str().is_some_and(|found| found.contains("PostgreSQL")));
    assert!(green.finding("redis")["found"].as_str().is_some_and(|found| found.starts_with("Redis ")));
    let topics = green.finding("kafka.topics")["found"].as_str().expect("a text");
    assert!(topics.contains("assessment.completed (6)") && topics.contains("completed (3)"), "{topics}");

    let away = nobody(house.database_url());
    Found::by(&house, &[sound, ("DATABASE_URL", &away)]).await.only_fault("database", "refused");
    let away = nobody(&format!("kafka://{}", house.brokers()));
    let away = away.trim_start_matches("kafka://");
    Found::by(&house, &[sound, ("KAFKA_BROKERS", away)]).await.only_fault("kafka", "refused");
    let away = nobody(house.core_url());
    Found::by(&house, &[sound, ("CORE_SERVICE_URL", &away)]).await.only_fault("core_service", "refused");
    let away = nobody("redis://127.0.0.1:6379");
    let port = away.rsplit_once(':').expect("a port").1;
    Found::by(&house, &[sound, ("REDIS_PORT", port)]).await.only_warning("redis", "refused");
    let away = nobody("http://127.0.0.1:8000");
    Found::by(&house, &[("RAY_SERVE_URL", &away)]).await.only_warning("ray", "refused");
    let ill = ray("unhealthy").await;
    Found::by(&house, &[("RAY_SERVE_URL", &ill)]).await.only_warning("ray", "unhealthy");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_there_but_wrong_is_named_too() {
    let house = migrated().await;
    let ray_url = ray("healthy").await;
    let sound = ("RAY_SERVE_URL", ray_url.as_str());

    let token = Some("right".into());
    let core =
        SampleCore::start(house.book.clone(), ([127, 0, 0, 1], 0).into(), token).await.expect("a port");
    let guarded = ("CORE_SERVICE_URL", core.url(Dialect::Bare));
    let guarded = (guarded.0, guarded.1.as_str());
    let refused = Found::by(&house, &[sound, guarded, ("CORE_SERVICE_TOKEN", "hunter2")]).await;
    refused.only_fault("core_service", "401");
    assert!(!refused.report.to_string().contains("hunter2"));
    let admitted = Found::by(&house, &[sound, guarded, ("CORE_SERVICE_TOKEN", "right")]).await;
    assert_eq!(admitted.code, Some(0), "{}", admitted.report);

    let elsewhere = format!("{}.elsewhere.", house.prefix());
    let missing = Found::by(&house, &[sound, ("KAFKA_TOPIC_PREFIX", &elsewhere)]).await;
    missing.only_fault("kafka.topics", "assessment.completed");

    let (_, name) = house.database_url().rsplit_once('/').expect("the URL names a database");
    let mut database = PgConnection::connect(house.database_url()).await.expect("the database");
    let read_only: &'static str =
        format!(r#"ALTER DATABASE "{name}" SET default_transaction_read_only = on"#).leak();
    database.execute(read_only).await.expect("a statement of the test");
    Found::by(&house, &[sound]).await.only_fault("database.writable", "read-only");

    let empty = House::build(Neighbours::Real).await;
    let unmigrated = Found::by(&empty, &[sound]).await;
    unmigrated.only_fault("database.migrations", "missing");
    assert_eq!(unmigrated.checks("unknown"), ["database.writable", "jobs.failures"]);

    let told = house.run(&["doctor"], &[("KAFKA_BROKERS", "nowhere")]).await;
    assert_eq!(told.status.code(), Some(2), "a fault of the configuration");
    assert!(String::from_utf8_lossy(&told.stderr).contains("KAFKA_BROKERS"));
}

#[tokio::test(flavor = "multi_thread")]
async fn lag_is_found_until_somebody_reads_and_failed_jobs_after() {
    let house = migrated().await;
    let ray_url = ray("healthy").await;
    let sound = ("RAY_SERVE_URL", ray_url.as_str());
    let mut events: Vec<_> = (0..1_000).map(|index| event(&format!("lost-{index}"), "failed")).collect();
    // Core Service does not know it.
    events.push(event("nobody", "passed"));
    house.tell(&events).await;
    Found::by(&house, &[sound]).await.only_fault("kafka.lag", "1001 messages behind");

    let service = house.service().ready().await;
    let began = Instant::now();
    let found = loop {
        let found = Found::by(&house, &[sound]).await;
        if found.finding("kafka.lag")["state"] == "ok" && found.checks("warning") == ["jobs.failures"] {
            break found;
        }
        assert!(began.elapsed() < BOUND, "{}\n{}", found.report, service.log_tail());
    };
    found.only_warning("jobs.failures", "1 failed in 24 h");
    service.stop().await;
}
