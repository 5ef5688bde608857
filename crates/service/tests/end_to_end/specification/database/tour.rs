//! Everything that the service asks of its database in normal work, once each.

use jiff::civil::{Date, date};
use monte_carlo_engine::Subject;
use monte_carlo_service::jobs::events;
use monte_carlo_service::jobs::ids::{JobId, WorkerId};
use monte_carlo_service::jobs::input::StoredInput;
use monte_carlo_service::jobs::machine::{Job, State};
use monte_carlo_service::jobs::skip::SkipReason;
use monte_carlo_service::retention::BATCH_MAX;
use monte_carlo_service::store::by_hand::{ByHand as _, Moved};
use monte_carlo_service::store::daily::{
    DailyBatch, DailyCause, DailyClaim, DailyPassEnd, DailyRuns as _, NewDailyRun,
};
use monte_carlo_service::store::dead_letters::{DeadLetters as _, Letter, LetterKind, Revival};
use monte_carlo_service::store::retention::{Aged, EndedPage, Retention as _};
use monte_carlo_service::store::{
    Beat, ClaimRequest, ClaimedJob, Creation, Cursor, IdempotencyKey, IntakeBatch, JobFilter, JobStatus,
    NewJob, Origin, PoisonMessage, Settlement, Settler, SqlStore, Store as _, Write,
};
use monte_carlo_service::telemetry::trace_context::TraceContext;
use serde_json::json;
use uuid::Uuid;

const LEASE_MS: u64 = 60_000;
const DAY: Date = date(2026, 11, 24);

pub(super) async fn walk(store: &SqlStore) {
    store.ping().await.expect("answers");
    assert!(store.is_migrated().await.expect("answers"));
    assert_eq!(store.examine().await.expect("answers").refusal, None);
    arrive(store).await;
    work(store).await;
    relay(store).await;
    read(store).await;
    run_daily(store).await;
    clean(store).await;
}

fn job(subject: Subject, dedupe_key: Option<&str>) -> NewJob {
    NewJob {
        id: JobId::random(),
        subject,
        origin: Origin::Kafka,
        dedupe_key: dedupe_key.map(str::to_owned),
        config: json!({}),
        input: Some(input()),
        trace: TraceContext::continue_from(None, None, None),
    }
}

fn input() -> StoredInput {
    StoredInput { full: json!({"tradeHistory": []}), summary: json!({"tradeCount": 0}) }
}

fn assessment(id: &str) -> Subject {
    Subject::Assessment(id.to_owned())
}

async fn arrive(store: &SqlStore) {
    let poison = PoisonMessage {
        topic: "assessment.completed".to_owned(),
        partition: 1,
        offset: i64::MAX,
        payload: b"x".to_vec(),
        payload_bytes: 1,
        reason: "so".to_owned(),
    };
    let jobs = (0..200).map(|n| job(assessment("tour"), Some(&format!("kafka:tour-{n}")))).collect();
    let outcome = store.record_intake(&IntakeBatch { jobs, poison: vec![poison] }).await.expect("records");
    assert_eq!(outcome.inserted, 200);

    let key = IdempotencyKey { key: "tour".to_owned(), body_hash: "a".to_owned() };
    let first = job(assessment("tour"), None);
    assert_eq!(store.create(&first, Some(&key)).await.expect("creates"), Creation::Created);
    let again = store.create(&job(assessment("tour"), None), Some(&key)).await.expect("creates");
    assert_eq!(again, Creation::Replayed(first.id));
    let key = IdempotencyKey { key: "tour to a rival".to_owned(), ..key };
    let rival = store.create(&job(assessment("tour"), Some("kafka:tour-1")), Some(&key)).await;
    assert!(matches!(rival.expect("creates"), Creation::Replayed(_)));
}

async fn claim(store: &SqlStore) -> Vec<ClaimedJob> {
    let worker = WorkerId::random();
    let request =
        ClaimRequest { worker, limit: 32, daily_first: 8, lease_ms: LEASE_MS, deadline_ms: 10 * LEASE_MS };
    let claimed = store.claim(request).await.expect("claims");
    assert_eq!(claimed.len(), 32);
    claimed
}

async fn work(store: &SqlStore) {
    let claimed = claim(store).await;
    for job in &claimed {
        assert_eq!(store.save_input(&job.lease, &input()).await.expect("saves"), Write::Applied);
    }
    let beats: Vec<_> = claimed.iter().map(|job| Beat { lease: job.lease.clone(), progress: 0.5 }).collect();
    assert_eq!(store.beat(&beats, LEASE_MS).await.expect("beats").len(), 32);
    for (n, job) in claimed.iter().enumerate() {
        let state = match n % 4 {
            0 => State::Completed,
            1 => State::Failed { reason: "so".to_owned() },
            2 => State::Skipped { reason: SkipReason::NoClosingTrades },
            _ => State::Pending { due_at_ms: 0, last_error: None },
        };
        assert_eq!(settle(store, job, Settler::Sweeper, state.clone()).await, Write::Stale);
        assert_eq!(settle(store, job, Settler::Holder, state).await, Write::Applied);
    }
    assert_eq!(store.follow_clock(120_000, LEASE_MS).await.expect("follows"), 0);
    store.expired(32).await.expect("sweeps");
    by_hand(store, &claimed).await;
    // Some of them with an input that an earlier attempt fetched.
    while claim(store).await.iter().all(|job| job.input.is_none()) {}
}

/// Of the first four, one is completed, one has failed, one is skipped and one waits.
async fn by_hand(store: &SqlStore, claimed: &[ClaimedJob]) {
    let leases: Vec<_> = claimed.iter().map(|job| job.lease.clone()).collect();
    assert_eq!(store.held(&leases).await.expect("looks"), []);
    let [completed, failed, _, waiting] = [0, 1, 2, 3].map(|n| &claimed[n].lease.job);
    assert_eq!(store.cancel(completed).await.expect("asks"), Moved::Refused(JobStatus::Completed));
    assert_eq!(store.cancel(waiting).await.expect("cancels"), Moved::Done);
    assert_eq!(store.retry(failed).await.expect("retries"), Moved::Done);
}

async fn settle(store: &SqlStore, job: &ClaimedJob, by: Settler, state: State) -> Write {
    let result = json!({"breachProbability": 0.5});
    let message = events::completed(&job.lease.job, &job.subject, &job.trace, &result, 0);
    let is_done = state == State::Completed;
    let next = Job { state, ..job.job.clone() };
    let settlement =
        Settlement { by, next, result: is_done.then_some(result), outbox: is_done.then_some(message) };
    store.settle(&job.lease, &settlement).await.expect("settles")
}

async fn relay(store: &SqlStore) {
    let relay = Uuid::new_v4();
    let messages = store.lease_outbox(relay, 30, LEASE_MS).await.expect("leases");
    let ids: Vec<_> = messages.iter().map(|message| message.event_id).collect();
    assert_eq!(ids.len(), 30);
    store.hold_outbox(relay, &ids, LEASE_MS).await.expect("holds");
    store.mark_published(&ids[..10]).await.expect("marks");
    store.release_outbox(relay, &ids[10..]).await.expect("releases");
}

/// Each combination of filters, from the start and from a page on.
async fn read(store: &SqlStore) {
    let newest = store.jobs(&JobFilter::default(), 50, None).await.expect("reads");
    for record in &newest {
        assert!(store.job(&record.id).await.expect("reads").is_some());
    }
    let last = newest.last().expect("there are jobs");
    let cursor = Cursor { created_at_ms: last.created_at_ms - 500_000_000, id: last.id.clone() };
    let statuses = std::iter::once(None).chain(JobStatus::ALL.map(Some));
    for status in statuses {
        for (assessment, account) in [
            (None, None),
            (Some("asm-2000"), None),
            (None, Some("fnd-2001")),
            (Some("asm-2000"), Some("fnd-2001")),
        ] {
            let filter = JobFilter {
                assessment_id: assessment.map(str::to_owned),
                funded_account_id: account.map(str::to_owned),
                status,
            };
            for cursor in [None, Some(&cursor)] {
                store.jobs(&filter, 201, cursor).await.expect("reads");
            }
        }
    }
    for kind in LetterKind::ALL {
        let letters = store.dead_letters(Some(kind), 100, None).await.expect("reads");
        let last = letters.last().expect("there is one");
        assert_eq!(store.dead_letter(&last.name()).await.expect("reads").as_ref(), Some(last));
        store.dead_letters(None, 100, Some(&letters[0])).await.expect("reads");
        if let Letter::Message(message) = last {
            assert_eq!(store.revive(&message.id, None).await.expect("revives"), Revival::Nothing);
        }
    }
    // The service counts further; the way there is the same.
    assert!(store.backlog(1_000).await.expect("counts").pending.count > 0);
}

async fn run_daily(store: &SqlStore) {
    let cause = DailyCause::Schedule;
    store.daily_watermark(0).await.expect("reads");
    let run = NewDailyRun { day: DAY, cause, now_ms: 1 };
    assert_eq!(store.record_daily_fire(1, Some(&run)).await.expect("records"), Write::Applied);
    for end in [
        DailyPassEnd::Failed { error: "so".to_owned(), due_at_ms: 1 },
        DailyPassEnd::Released,
        DailyPassEnd::GivenUp { error: "so".to_owned(), now_ms: 1 },
        DailyPassEnd::Finished { now_ms: 1 },
    ] {
        store.open_daily_run(&run).await.expect("opens");
        let day = (end == DailyPassEnd::Released).then_some(DAY);
        let wish = DailyClaim { day, now_ms: 2, lease_ms: LEASE_MS };
        let (lease, _) = store.claim_daily_run(wish).await.expect("claims").expect("it is open");
        assert_eq!(store.beat_daily_run(lease, LEASE_MS).await.expect("beats"), Write::Applied);
        let jobs = (0..200).map(|n| {
            let id = format!("fnd-{}", 2 * n + 1);
            job(Subject::FundedAccount(id.clone()), Some(&format!("daily:{DAY}:{id}")))
        });
        let batch = DailyBatch {
            jobs: jobs.collect(),
            last_account: "fnd-400".to_owned(),
            listed: 200,
            unusable_id: 0,
            skip_recent_ms: Some(3_600_000),
            lease_ms: LEASE_MS,
        };
        store.record_daily_batch(lease, &batch).await.expect("records").expect("holds");
        assert_eq!(store.end_daily_pass(lease, &end).await.expect("ends"), Write::Applied);
    }
    assert!(store.daily_run(DAY).await.expect("reads").is_some());
}

/// What is eight days old, where there is so much; then the oldest there is, the tour's own jobs.
async fn clean(store: &SqlStore) {
    for older_than_ms in [8 * 24 * 3_600_000, 0] {
        for status in [JobStatus::Completed, JobStatus::Failed] {
            let mut page = EndedPage { status, older_than_ms, after: None, limit: BATCH_MAX };
            for _ in 0..2 {
                let jobs = store.ended_jobs(&page).await.expect("looks");
                let ids: Vec<_> = jobs.iter().map(|job| job.id.clone()).collect();
                store.purge_jobs(&ids, older_than_ms).await.expect("purges");
                let last = jobs.last();
                page.after =
                    last.map(|last| Cursor { created_at_ms: last.created_at_ms, id: last.id.clone() });
            }
        }
    }
    // The newest but one has a key.
    let filter = JobFilter { assessment_id: Some("tour".to_owned()), ..JobFilter::default() };
    let keyed = store.jobs(&filter, 2, None).await.expect("reads").remove(1);
    store.cancel(&keyed.id).await.expect("cancels");
    assert_eq!(store.purge_jobs(&[keyed.id], 0).await.expect("purges").jobs, 1);
    let again = (0..200).map(|n| job(assessment("tour"), Some(&format!("kafka:tour-{n}")))).collect();
    let outcome = store.record_intake(&IntakeBatch { jobs: again, poison: Vec::new() }).await;
    assert_eq!(outcome.expect("records").inserted, 0, "some are spent, the others are there");
    for kind in [Aged::DeadLetters, Aged::DailyRuns, Aged::SpentKeys] {
        store.purge_aged(kind, 24 * 3_600_000, BATCH_MAX).await.expect("purges");
    }
}
