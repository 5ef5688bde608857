//! What must be true when the story has ended, however it went.

use std::collections::{BTreeMap, HashSet};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::house::House;
use crate::service::Service;
use crate::story::{PASSED, POISON};

/// The whole story ends within this on two busy cores; a longer wait means a lost job.
const STORY_BOUND: Duration = Duration::from_secs(240);

/// Waits until `count` jobs are completed.
pub(crate) async fn completed(service: &Service, count: usize) {
    let began = Instant::now();
    loop {
        let completed = service.jobs("completed").await.len();
        if completed >= count {
            return;
        }
        assert!(
            began.elapsed() < STORY_BOUND,
            "{completed} of {count} jobs are completed:\n{}",
            service.log_tail()
        );
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// Waits for the story's end and checks the whole of it; the digest of each assessment's result.
pub(crate) async fn settle(house: &House, service: &Service) -> BTreeMap<String, String> {
    let digests = settle_passed(house, service, PASSED).await;
    assert_eq!(house.poison().await, POISON, "every message that could not be read is kept");
    digests
}

/// The same, where the story is the events of the book's first `count` passed traders.
pub(crate) async fn settle_passed(
    house: &House,
    service: &Service,
    count: usize,
) -> BTreeMap<String, String> {
    completed(service, count).await;
    for status in ["pending", "running", "failed"] {
        assert_eq!(service.jobs(status).await, Vec::<Value>::new(), "no job is {status}");
    }
    let jobs = service.jobs("completed").await;
    let digests: BTreeMap<String, String> = jobs.iter().map(digest_of).collect();
    assert_eq!(jobs.len(), count, "one job a passed assessment");
    assert_eq!(digests.len(), count, "no assessment has two jobs");
    let passed = house.book.passed().take(count);
    let expected: HashSet<String> = passed.map(|trader| trader.assessment_id.clone()).collect();
    assert_eq!(digests.keys().cloned().collect::<HashSet<_>>(), expected);
    events(house, &jobs).await;
    digests
}

fn digest_of(job: &Value) -> (String, String) {
    let text = |value: &Value| value.as_str().expect("a string").to_owned();
    (text(&job["assessmentId"]), text(&job["result"]["resultDigest"]))
}

/// One id for each topic and job, the job's own result in it, the correlation carried through.
async fn events(house: &House, jobs: &[Value]) {
    for topic in ["montecarlo.simulation-started", "montecarlo.simulation-completed"] {
        let ids: HashSet<String> =
            jobs.iter().map(|job| job["id"].as_str().expect("an id").to_owned()).collect();
        let published = house.read_until(topic, ids.len()).await;
        let event_ids: HashSet<&String> = published.iter().map(|event| &event.headers["event-id"]).collect();
        assert_eq!(event_ids.len(), jobs.len(), "{topic}: one event id a job");
        let told: HashSet<String> = published
            .iter()
            .map(|event| event.body["jobId"].as_str().expect("a job id").to_owned())
            .collect();
        assert_eq!(told, ids, "{topic}: exactly the jobs");
        for event in &published {
            assert_eq!(event.key, event.body["assessmentId"], "{topic}: the key is the assessment's id");
            assert_eq!(event.headers["correlation-id"], house.correlation_id(&event.key), "{topic}");
            assert!(event.headers["traceparent"].starts_with("00-"), "{topic}");
        }
    }
    let completed = house.read_until("montecarlo.simulation-completed", jobs.len()).await;
    for event in completed {
        let job = jobs.iter().find(|job| job["id"] == event.body["jobId"]).expect("the job of the event");
        assert_eq!(event.body["result"]["resultDigest"], job["result"]["resultDigest"]);
    }
}
