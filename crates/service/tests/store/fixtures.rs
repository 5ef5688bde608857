//! Jobs, and short words for what the tests do to them.

use monte_carlo_engine::Subject;
use monte_carlo_service::jobs::events::{self, OutboxMessage};
use monte_carlo_service::jobs::ids::{JobId, Lease, WorkerId};
use monte_carlo_service::jobs::input::StoredInput;
use monte_carlo_service::jobs::machine::{Job, State};
use monte_carlo_service::store::dead_letters::{DeadLetter, DeadLetters, Letter, LetterKind};
use monte_carlo_service::store::{
    ClaimRequest, ClaimedJob, IntakeBatch, NewJob, Origin, Settlement, Settler, Store, StoreError,
};
use monte_carlo_service::telemetry::trace_context::TraceContext;
use serde_json::{Value, json};
use uuid::Uuid;

pub(crate) const MINUTE_MS: u64 = 60_000;

/// A job about an assessment.
pub(crate) fn job(assessment: &str) -> NewJob {
    NewJob {
        id: JobId::random(),
        subject: Subject::Assessment(assessment.to_owned()),
        origin: Origin::Api,
        dedupe_key: None,
        config: json!({"paths": 1000}),
        input: None,
        trace: TraceContext::continue_from(Some("correlation"), None, None),
    }
}

/// A job from Kafka, at most one of its name.
pub(crate) fn keyed(assessment: &str) -> NewJob {
    NewJob { dedupe_key: Some(format!("kafka:{assessment}")), origin: Origin::Kafka, ..job(assessment) }
}

pub(crate) fn batch(jobs: Vec<NewJob>) -> IntakeBatch {
    IntakeBatch { jobs, poison: Vec::new() }
}

/// Inserts jobs one by one, so that each has its turn.
pub(crate) async fn insert(store: &dyn Store, names: &[&str]) -> Vec<JobId> {
    let mut ids = Vec::new();
    for name in names {
        let job = job(name);
        store.create(&job, None).await.expect("creates");
        ids.push(job.id);
    }
    ids
}

pub(crate) fn request(limit: u32) -> ClaimRequest {
    ClaimRequest {
        worker: WorkerId::random(),
        limit,
        daily_first: 0,
        lease_ms: MINUTE_MS,
        deadline_ms: 20 * MINUTE_MS,
    }
}

pub(crate) async fn claim(store: &dyn Store, limit: u32) -> Vec<ClaimedJob> {
    patiently(|| store.claim(request(limit))).await
}

/// Claims the one job that is due.
pub(crate) async fn claim_one(store: &dyn Store) -> ClaimedJob {
    let mut claimed = claim(store, 10).await;
    assert_eq!(claimed.len(), 1);
    claimed.remove(0)
}

/// As a worker does it: a transaction that was refused too often is tried again later.
pub(crate) async fn patiently<T, F>(mut operation: impl FnMut() -> F) -> T
where
    F: Future<Output = Result<T, StoreError>>,
{
    loop {
        match operation().await {
            Ok(answer) => return answer,
            Err(StoreError::Contended(_)) => {}
            Err(error) => panic!("{error}"),
        }
    }
}

/// By the holder, with nothing beside the state.
pub(crate) fn settlement(state: State) -> Settlement {
    let next = Job { claims: 1, attempts: 1, state, ..Job::new(0) };
    Settlement { by: Settler::Holder, next, result: None, outbox: None }
}

pub(crate) fn pending(attempts: u32, snoozes: u32, due_in_ms: i64, error: Option<&str>) -> Settlement {
    let mut back = settlement(State::Pending { due_at_ms: due_in_ms, last_error: error.map(str::to_owned) });
    (back.next.attempts, back.next.snoozes) = (attempts, snoozes);
    back
}

pub(crate) fn failed(reason: &str) -> Settlement {
    settlement(State::Failed { reason: reason.to_owned() })
}

pub(crate) fn completed(job: &ClaimedJob, result: &Value) -> Settlement {
    let message = events::completed(&job.lease.job, &job.subject, &job.trace, result, 1_700_000_000_000);
    Settlement { result: Some(result.clone()), outbox: Some(message), ..settlement(State::Completed) }
}

pub(crate) fn input(trades: usize) -> StoredInput {
    let trade = json!({"id": "t", "pnl": 1.5});
    let pnl = json!({"balance": 1e5, "peak": 1.0, "realized": 1e-7, "unrealized": 0});
    StoredInput {
        full: json!({"tradeHistory": vec![trade; trades], "pnlData": pnl}),
        summary: json!({"tradeCount": trades, "pnlData": pnl}),
    }
}

/// The messages that could not be read, newest first.
pub(crate) async fn unread(store: &dyn DeadLetters, limit: u32) -> Vec<DeadLetter> {
    let letters = store.dead_letters(Some(LetterKind::Message), limit, None).await.expect("lists");
    let message = |letter| match letter {
        Letter::Message(message) => message,
        Letter::Job(job) => panic!("asked for messages, got {job:?}"),
    };
    letters.into_iter().map(message).collect()
}

/// All that a relay could send now.
pub(crate) async fn outbox(store: &dyn Store) -> Vec<OutboxMessage> {
    let relay = Uuid::new_v4();
    let messages = store.lease_outbox(relay, 1_000, MINUTE_MS).await.expect("leases");
    let ids: Vec<Uuid> = messages.iter().map(|message| message.event_id).collect();
    store.release_outbox(relay, &ids).await.expect("releases");
    messages
}

pub(crate) fn ids(claimed: &[ClaimedJob]) -> Vec<JobId> {
    claimed.iter().map(|job| job.lease.job.clone()).collect()
}

pub(crate) fn leases(claimed: &[ClaimedJob]) -> Vec<Lease> {
    claimed.iter().map(|job| job.lease.clone()).collect()
}
