//! `dead-letters`: the command's words, its JSON and its exit codes.

use std::process::Output;

use monte_carlo_engine::Subject;
use monte_carlo_service::jobs::ids::{JobId, WorkerId};
use monte_carlo_service::jobs::machine::{Job, State};
use monte_carlo_service::store::by_hand::ByHand as _;
use monte_carlo_service::store::dead_letters::LetterId;
use monte_carlo_service::store::{
    ClaimRequest, IntakeBatch, JobStatus, NewJob, Origin, PoisonMessage, Settlement, Settler, SqlStore,
    Store as _, StoreOptions, open,
};
use monte_carlo_service::telemetry::trace_context::TraceContext;
use serde_json::{Value, json};

use crate::house::{House, Neighbours};

const HOUR_MS: u64 = 3_600_000;

fn order(id: &str) -> NewJob {
    NewJob {
        id: JobId(id.to_owned()),
        subject: Subject::Assessment(id.to_owned()),
        origin: Origin::Api,
        dedupe_key: None,
        config: json!({}),
        input: None,
        trace: TraceContext::continue_from(None, None, None),
    }
}

/// A message that can be read by now, one that cannot, a job that failed and one that was cancelled.
async fn filled(house: &House) -> SqlStore {
    let store = open(house.database_url(), &StoreOptions::default()).expect("the database's URL");
    store.migrate().await.expect("migrates");
    let poison = |offset, payload: &str| PoisonMessage {
        topic: "t".to_owned(),
        partition: 0,
        offset,
        payload: payload.as_bytes().to_vec(),
        payload_bytes: payload.len() as u64,
        reason: "an older version could not read it".to_owned(),
    };
    let poison = vec![poison(1, r#"{"assessmentId": "a", "status": "passed"}"#), poison(2, "{")];
    store.record_intake(&IntakeBatch { jobs: Vec::new(), poison }).await.expect("records");
    // Of one millisecond nothing is newer.
    tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    for id in ["failed", "cancelled"] {
        store.create(&order(id), None).await.expect("creates");
    }
    store.cancel(&JobId("cancelled".to_owned())).await.expect("cancels");
    let worker = WorkerId::random();
    let request = ClaimRequest { worker, limit: 1, daily_first: 0, lease_ms: HOUR_MS, deadline_ms: HOUR_MS };
    let claimed = store.claim(request).await.expect("claims").remove(0);
    let next = Job { state: State::Failed { reason: "no good".to_owned() }, ..claimed.job };
    let settlement = Settlement { by: Settler::Holder, next, result: None, outbox: None };
    store.settle(&claimed.lease, &settlement).await.expect("settles");
    store
}

fn lines(output: &Output) -> Vec<Value> {
    let text = String::from_utf8(output.stdout.clone()).expect("text");
    text.lines().map(|line| serde_json::from_str(line).expect("a JSON object a line")).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn letters_are_listed_shown_and_carried_out() {
    let house = House::build(Neighbours::Embedded).await;
    let store = filled(&house).await;
    let run = async |arguments: &[&str], code: i32| {
        let output = house.run(&[&["dead-letters"], arguments].concat(), &[]).await;
        let errors = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {errors}");
        (output, errors)
    };

    let (table, _) = run(&[], 0).await;
    let table = String::from_utf8(table.stdout).expect("text");
    assert!(table.contains("no good") && table.contains("an older version"), "{table}");
    assert!(!table.contains("cancelled"), "{table}");
    let listed = lines(&run(&["list", "--json"], 0).await.0);
    let kinds: Vec<_> = listed.iter().map(|letter| letter["kind"].as_str().expect("a kind")).collect();
    assert_eq!(kinds, ["job", "message", "message"], "newest first");
    let (first, errors) = run(&["--limit", "1", "--json"], 0).await;
    assert_eq!(lines(&first), listed[..1]);
    assert!(errors.contains("--limit"), "{errors}");
    let messages = lines(&run(&["list", "--kind", "message", "--json"], 0).await.0);
    assert_eq!(messages, listed[1..]);
    let unreadable = messages[0]["id"].as_str().expect("an id");
    assert_eq!(unreadable.parse::<LetterId>().expect("a message's").offset, 2);

    let (shown, _) = run(&["show", "failed"], 0).await;
    let shown: Value = serde_json::from_slice(&shown.stdout).expect("JSON, indented");
    assert_eq!(shown, listed[0]);
    for strange in ["cancelled", "none"] {
        let errors = run(&["show", strange], 3).await.1;
        assert!(errors.contains("there is no dead letter"), "{errors}");
        run(&["replay", strange], 3).await;
    }
    run(&["replay"], 2).await;
    run(&["replay", "failed", "--all"], 2).await;

    let (told, _) = run(&["replay", unreadable, "--json"], 3).await;
    assert_eq!(lines(&told)[0]["outcome"], "still_unreadable");
    let (told, errors) = run(&["replay", "--all", "--json"], 3).await;
    let outcomes: Vec<_> = lines(&told).iter().map(|told| told["outcome"].clone()).collect();
    assert_eq!(outcomes, ["job", "still_unreadable", "job"]);
    assert!(errors.contains("2 carried out, 1 left"), "{errors}");
    let job = store.job(&JobId("failed".to_owned())).await.expect("reads").expect("is there");
    assert_eq!(job.status, JobStatus::Pending);
    let left = lines(&run(&["list", "--json"], 0).await.0);
    assert_eq!(left, [messages[0].clone()]);
    run(&["replay", "--all", "--kind", "job"], 0).await;
}
