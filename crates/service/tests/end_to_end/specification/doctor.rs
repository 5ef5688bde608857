//! `doctor` finds each fault, and only that.

use std::time::{Duration, Instant};

use monte_carlo_service::sample_core::server::{Dialect, SampleCore};
use serde_json::{Value, json};
use sqlx::{Connection as _, Executor as _, PgConnection};

use super::stack::{Ray, Stack, any, as_given};
use crate::house::{House, Neighbours};
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

/// Everything is well.
async fn green(stack: &Stack) -> Found {
    let green = look(stack).await;
    assert_eq!(green.code, Some(0), "{}", green.report);
    assert_eq!(green.report["healthy"], true);
    let all = green.report["findings"].as_array().expect("findings").len();
    assert_eq!(green.checks("ok").len(), all, "{}", green.report);
    green
}

async fn look(stack: &Stack) -> Found {
    Found::by(&stack.house, &as_given(&stack.variables())).await
}

/// Each is up again before the next is stopped, so what it said before is over.
#[tokio::test(flavor = "multi_thread")]
async fn with_each_server_stopped_in_turn_it_names_that_one_only() {
    let mut stack = Stack::start().await;
    let found = green(&stack).await;
    assert!(found.finding("database")["found"].as_str().is_some_and(|found| found.contains("PostgreSQL")));
    assert!(found.finding("redis")["found"].as_str().is_some_and(|found| found.starts_with("Redis ")));
    let topics = found.finding("kafka.topics")["found"].as_str().expect("a text");
    assert!(topics.contains("assessment.completed (6)") && topics.contains("completed (3)"), "{topics}");

    stack.postgres.stop();
    let found = look(&stack).await;
    found.only_fault("database", "refused");
    let behind_it = ["database.clock", "database.migrations", "database.writable", "jobs.failures"];
    assert_eq!(found.checks("unknown"), behind_it);
    stack.postgres.start_again();

    stack.kafka.stop();
    let found = look(&stack).await;
    found.only_fault("kafka", "refused");
    assert_eq!(found.checks("unknown"), ["kafka.topics", "kafka.lag"]);
    stack.kafka.start_again();

    stack.redis.kill();
    let found = look(&stack).await;
    found.only_warning("redis", "refused");
    assert_eq!(found.checks("unknown"), [""; 0]);
    stack.redis.start_again();

    stack.stop_core().await;
    let found = look(&stack).await;
    found.only_fault("core_service", "refused");
    assert_eq!(found.checks("unknown"), [""; 0]);
    stack.start_core_again().await;

    stack.stop_ray().await;
    let found = look(&stack).await;
    found.only_warning("ray", "refused");
    assert_eq!(found.checks("unknown"), [""; 0]);
    stack.start_ray_again().await;
    green(&stack).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_there_but_wrong_is_named_too() {
    let house = migrated().await;
    let ray = Ray::start(any(), "healthy").await;
    let ray_url = ray.url();
    let sound = ("RAY_SERVE_URL", ray_url.as_str());

    let token = Some("right".into());
    let core = SampleCore::start(house.book.clone(), any(), token).await.expect("a port");
    let guarded = ("CORE_SERVICE_URL", core.url(Dialect::Bare));
    let guarded = (guarded.0, guarded.1.as_str());
    let refused = Found::by(&house, &[sound, guarded, ("CORE_SERVICE_TOKEN", "hunter2")]).await;
    refused.only_fault("core_service", "401");
    assert!(!refused.report.to_string().contains("hunter2"));
    let admitted = Found::by(&house, &[sound, guarded, ("CORE_SERVICE_TOKEN", "right")]).await;
    assert_eq!(admitted.code, Some(0), "{}", admitted.report);

    let ill = Ray::start(any(), "unhealthy").await;
    Found::by(&house, &[("RAY_SERVE_URL", &ill.url())]).await.only_warning("ray", "unhealthy");

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
    let ray = Ray::start(any(), "healthy").await;
    let ray_url = ray.url();
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
