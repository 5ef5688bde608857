//! What was kept long enough goes, and nothing that is still referred to.

use std::sync::Arc;
use std::time::Duration;

use futures::future::join_all;
use jiff::civil::date;
use monte_carlo_engine::Subject;
use monte_carlo_service::jobs::ids::JobId;
use monte_carlo_service::jobs::machine::State;
use monte_carlo_service::jobs::skip::SkipReason;
use monte_carlo_service::retention::{BATCH_MAX, Cleaner, KEYS_KEPT, Round};
use monte_carlo_service::store::by_hand::{ByHand as _, Moved};
use monte_carlo_service::store::daily::{DailyCause, DailyClaim, DailyPassEnd, DailyRuns as _, NewDailyRun};
use monte_carlo_service::store::dead_letters::{DeadLetters as _, Revival};
use monte_carlo_service::store::retention::{Aged, EndedJob, EndedPage, PurgedJobs, Retention};
use monte_carlo_service::store::{
    Creation, Cursor, IdempotencyKey, IntakeBatch, IntakeOutcome, JobStatus, NewJob, Origin, PoisonMessage,
    SqlStore, Store,
};
use serde_json::json;
use sqlx::{Connection as _, Executor as _};
use tokio_util::sync::CancellationToken;

use crate::fixtures::{
    MINUTE_MS, batch, claim_one, completed, failed, input, job, keyed, outbox, patiently, settlement, unread,
};
use crate::world::{Kind, World};

const DAY_MS: i64 = 24 * 3_600 * 1_000;
const KEEP: Duration = Duration::from_secs(90 * 24 * 3_600);
const KEEP_MS: u64 = KEEP.as_millis() as u64;

fn cleaner(store: Arc<SqlStore>) -> Cleaner {
    Cleaner { store, keep: KEEP }
}

async fn round(world: &World) -> Round {
    cleaner(world.store.clone()).round(&CancellationToken::new()).await.expect("goes round")
}

/// What a round deleted: jobs, documents, events, idempotency keys.
fn of_jobs(round: &Round) -> [u64; 4] {
    ["job", "document", "event", "idempotency_key"].map(|kind| round.purged.get(kind).copied().unwrap_or(0))
}

/// Makes a job older.
async fn age(world: &World, id: &JobId, days: i64) {
    world
        .execute(&format!(
            "UPDATE simulation_jobs SET created_at_ms = created_at_ms - {0}, completed_at_ms = completed_at_ms - {0}
             WHERE id = '{id}'",
            days * DAY_MS
        ))
        .await;
}

/// Sends what the outbox holds, but for one job's.
async fn publish(world: &World, but_for: Option<&JobId>) {
    let messages = outbox(&*world.store).await.into_iter();
    let sent: Vec<_> = messages.filter(|message| Some(&message.job) != but_for).collect();
    let ids: Vec<_> = sent.iter().map(|message| message.event_id).collect();
    world.store.mark_published(&ids).await.expect("marks");
}

/// A job from its order to its end.
async fn ended(world: &World, job: &NewJob, state: State) -> JobId {
    world.store.create(job, None).await.expect("creates");
    let claimed = claim_one(&*world.store).await;
    let end = if state == State::Completed { completed(&claimed, &json!({})) } else { settlement(state) };
    world.store.settle(&claimed.lease, &end).await.expect("settles");
    claimed.lease.job
}

async fn done(world: &World, name: &str) -> JobId {
    ended(world, &NewJob { input: Some(input(1)), ..keyed(name) }, State::Completed).await
}

async fn is_there(world: &World, id: &JobId) -> bool {
    world.store.job(id).await.expect("reads").is_some()
}

pub(crate) async fn lets_go_of_what_is_old_and_of_nothing_else(world: &World) {
    let completed = done(world, "completed").await;
    let skipped = State::Skipped { reason: SkipReason::NoClosingTrades };
    let skipped = ended(world, &job("skipped"), skipped).await;
    let spoilt = ended(world, &job("failed"), State::Failed { reason: "so".into() }).await;
    let undated = ended(world, &job("undated"), State::Failed { reason: "so".into() }).await;
    let [unsent, young, late, retried] = ["unsent", "young", "late", "retried"];
    let unsent = done(world, unsent).await;
    let young = done(world, young).await;
    let late = done(world, late).await;
    let retried = ended(world, &job(retried), State::Failed { reason: "so".into() }).await;
    publish(world, Some(&unsent)).await;

    for id in [&completed, &skipped, &spoilt, &unsent, &late, &retried] {
        age(world, id, 90).await;
    }
    age(world, &undated, 90).await;
    // As the service that was here before left some.
    world.execute(&format!("UPDATE simulation_jobs SET completed_at_ms = NULL WHERE id = '{undated}'")).await;
    age(world, &young, 89).await;
    world
        .execute(&format!(
            "UPDATE simulation_jobs SET completed_at_ms = completed_at_ms + {DAY_MS} WHERE id = '{late}'"
        ))
        .await;
    assert_eq!(world.store.retry(&retried).await.expect("retries"), Moved::Done);
    let running = claim_one(&*world.store).await.lease.job;
    assert_eq!(running, retried);
    let waiting = keyed("waiting");
    world.store.create(&waiting, None).await.expect("creates");
    age(world, &waiting.id, 900).await;

    let first = round(world).await;
    // A job each with input and result, with a skip, and two with neither; two events, and one for each that only started.
    assert_eq!((of_jobs(&first), first.unsent), ([4, 3, 5, 0], 1));
    for id in [&completed, &skipped, &spoilt, &undated] {
        assert!(!is_there(world, id).await, "{id}");
        assert_eq!(world.store.retry(id).await.expect("answers"), Moved::Unknown);
    }
    for id in [&unsent, &young, &late, &running, &waiting.id] {
        assert!(is_there(world, id).await, "{id}");
    }
    for (table, rows) in [
        ("simulation_jobs", 5),
        ("simulation_inputs", 3),
        ("simulation_results", 3),
        ("simulation_skips", 0),
        ("outbox", 7),
        ("spent_keys", 1),
    ] {
        assert_eq!(world.number(&format!("SELECT count(*) FROM {table}")).await, rows, "{table}");
    }
    assert_eq!(of_jobs(&round(world).await), [0; 4], "the second time there is nothing to do");
    publish(world, None).await;
    assert_eq!(of_jobs(&round(world).await), [1, 2, 2, 0], "its events have left");
}

pub(crate) async fn a_spent_key_goes_on_stopping_duplicates(world: &World) {
    let first = done(world, "a").await;
    publish(world, None).await;
    age(world, &first, 90).await;
    assert_eq!(of_jobs(&round(world).await), [1, 2, 2, 0]);

    let again = NewJob { input: Some(input(1)), ..keyed("a") };
    let both = batch(vec![again.clone(), keyed("b"), keyed("b")]);
    let outcome = world.store.record_intake(&both).await.expect("records");
    assert_eq!(outcome, IntakeOutcome { inserted: 1, duplicates: 2 });
    assert_eq!(
        world.number("SELECT count(*) FROM simulation_inputs").await,
        0,
        "what came along is gone too"
    );
    let key = IdempotencyKey { key: "k".into(), body_hash: "aa".into() };
    let created = world.store.create(&again, Some(&key)).await.expect("creates");
    assert_eq!(created, Creation::Replayed(first.clone()), "the job that it was");
    let poison = PoisonMessage {
        topic: "t".into(),
        partition: 0,
        offset: 1,
        payload: b"{".to_vec(),
        payload_bytes: 1,
        reason: "so".into(),
    };
    let poison = IntakeBatch { jobs: Vec::new(), poison: vec![poison] };
    world.store.record_intake(&poison).await.expect("records");
    let letter = unread(&*world.store, 1).await.remove(0);
    let revived = world.store.revive(&letter.id, Some(&again)).await.expect("revives");
    assert_eq!(revived, Revival::Job(first), "a dead letter makes no second one either");
    assert_eq!(claim_one(&*world.store).await.subject, Subject::Assessment("b".into()));

    let kept = KEYS_KEPT.as_millis() as i64;
    world.execute(&format!("UPDATE spent_keys SET spent_at_ms = spent_at_ms - {}", kept - DAY_MS)).await;
    assert_eq!(round(world).await.purged["spent_key"], 0);
    world.execute(&format!("UPDATE spent_keys SET spent_at_ms = spent_at_ms - {DAY_MS}")).await;
    assert_eq!(round(world).await.purged["spent_key"], 1);
    let outcome = world.store.record_intake(&batch(vec![again])).await.expect("records");
    assert_eq!(outcome, IntakeOutcome { inserted: 1, duplicates: 0 }, "no topic keeps a message for so long");
}

pub(crate) async fn a_nights_keys_go_with_their_jobs(world: &World) {
    let nightly = NewJob {
        subject: Subject::FundedAccount("fnd-1".into()),
        origin: Origin::Daily,
        dedupe_key: Some("daily:2026-03-08:fnd-1".into()),
        ..job("")
    };
    let id = ended(world, &nightly, State::Completed).await;
    publish(world, None).await;
    age(world, &id, 90).await;
    assert_eq!(of_jobs(&round(world).await), [1, 1, 2, 0]);
    assert_eq!(world.number("SELECT count(*) FROM spent_keys").await, 0);
}

pub(crate) async fn a_callers_key_goes_with_its_job(world: &World) {
    let key = IdempotencyKey { key: "k".into(), body_hash: "aa".into() };
    let other = IdempotencyKey { key: "other".into(), ..key.clone() };
    let (first, second) = (job("a"), job("b"));
    for (job, key) in [(&first, &key), (&second, &other)] {
        world.store.create(job, Some(key)).await.expect("creates");
    }
    let claimed = claim_one_of(world, &first.id).await;
    world.store.settle(&claimed.lease, &failed("so")).await.expect("settles");
    publish(world, None).await;
    age(world, &first.id, 90).await;
    assert_eq!(of_jobs(&round(world).await), [1, 0, 1, 1]);
    let replayed = world.store.create(&job("b"), Some(&other)).await.expect("creates");
    assert_eq!(replayed, Creation::Replayed(second.id));
    assert_eq!(world.store.create(&job("a"), Some(&key)).await.expect("creates"), Creation::Created);
}

async fn claim_one_of(world: &World, id: &JobId) -> monte_carlo_service::store::ClaimedJob {
    let claimed = crate::fixtures::claim(&*world.store, 10).await;
    claimed.into_iter().find(|job| job.lease.job == *id).expect("is among them")
}

pub(crate) async fn daily_runs_and_dead_letters_go_by_their_age(world: &World) {
    let now_ms = world.store.examine().await.expect("looks").now_ms;
    for (day, age_days) in [(1, 90), (2, 89), (3, 200)] {
        let day = date(2026, 3, day);
        let at_ms = now_ms - age_days * DAY_MS;
        let run = NewDailyRun { day, cause: DailyCause::Schedule, now_ms: at_ms };
        world.store.open_daily_run(&run).await.expect("opens");
        let wish = DailyClaim { day: Some(day), now_ms: at_ms, lease_ms: MINUTE_MS };
        let (lease, _) = world.store.claim_daily_run(wish).await.expect("claims").expect("is open");
        // The oldest of all is still open.
        if age_days < 200 {
            let end = DailyPassEnd::Finished { now_ms: at_ms };
            world.store.end_daily_pass(lease, &end).await.expect("ends");
        }
    }
    let poison = |offset| PoisonMessage {
        topic: "t".into(),
        partition: 0,
        offset,
        payload: b"{".to_vec(),
        payload_bytes: 1,
        reason: "so".into(),
    };
    let poison = IntakeBatch { jobs: Vec::new(), poison: (0..8).map(poison).collect() };
    world.store.record_intake(&poison).await.expect("records");
    let old =
        format!("UPDATE poison_messages SET received_at_ms = {now_ms} - message_offset * {}", 15 * DAY_MS);
    world.execute(&old).await;

    let round = round(world).await;
    assert_eq!((round.purged["daily_run"], round.purged["dead_letter"]), (1, 2));
    let days =
        world.number("SELECT count(*) FROM daily_runs WHERE local_day IN ('2026-03-02', '2026-03-03')");
    assert_eq!(days.await, 2);
    assert_eq!(world.number("SELECT max(message_offset) FROM poison_messages").await, 5);
}

/// Old jobs, none of them with events.
async fn many(world: &World, count: i64) {
    let jobs = (0..count).map(|n| keyed(&format!("{n:04}"))).collect();
    world.store.record_intake(&batch(jobs)).await.expect("records");
    world
        .execute(&format!(
            "UPDATE simulation_jobs SET status = 'completed', created_at_ms = created_at_ms - {0},
             completed_at_ms = created_at_ms - {0}",
            91 * DAY_MS
        ))
        .await;
}

pub(crate) async fn goes_in_batches_and_passes_by_what_stays(world: &World) {
    many(world, 5).await;
    // Of one moment, so that only the ids tell them apart.
    world.execute("UPDATE simulation_jobs SET created_at_ms = 1000").await;
    let page =
        |limit, after| EndedPage { status: JobStatus::Completed, older_than_ms: KEEP_MS, after, limit };
    let mut walked: Vec<EndedJob> = Vec::new();
    loop {
        let after = walked.last().map(|last| Cursor { created_at_ms: 1_000, id: last.id.clone() });
        let jobs = world.store.ended_jobs(&page(2, after)).await.expect("looks");
        walked.extend(jobs.clone());
        if jobs.len() < 2 {
            break;
        }
    }
    assert_eq!(walked.len(), 5);
    assert!(walked.is_sorted_by(|one, other| one.id.0 < other.id.0));
    assert!(walked.iter().all(|job| job.ended_for_ms >= 91 * DAY_MS && !job.has_unsent));
    let all = world.store.ended_jobs(&page(100, None)).await.expect("looks");
    assert_eq!(
        all.iter().map(|job| &job.id).collect::<Vec<_>>(),
        walked.iter().map(|job| &job.id).collect::<Vec<_>>()
    );

    let two: Vec<_> = walked[..2].iter().map(|job| job.id.clone()).collect();
    let purged = world.store.purge_jobs(&two, KEEP_MS).await.expect("purges");
    assert_eq!(purged, PurgedJobs { jobs: 2, ..PurgedJobs::default() });
    assert_eq!(world.store.purge_jobs(&two, KEEP_MS).await.expect("purges"), PurgedJobs::default());
    let young = world.store.purge_jobs(&[walked[2].id.clone()], 92 * DAY_MS as u64).await.expect("purges");
    assert_eq!(young, PurgedJobs::default(), "whoever purges looks at the age again");

    world.execute("UPDATE spent_keys SET spent_at_ms = 1").await;
    let spent = async |limit| world.store.purge_aged(Aged::SpentKeys, KEEP_MS, limit).await.expect("purges");
    assert_eq!((spent(1).await, spent(5).await, spent(5).await), (1, 1, 0));
}

pub(crate) async fn several_go_round_at_once_beside_an_intake(world: &World) {
    let count = i64::from(BATCH_MAX) * 2 + 50;
    many(world, count).await;
    let names: Vec<String> = (0..count).map(|n| format!("{n:04}")).collect();
    let rounds = join_all((0..3).map(|_| async {
        let cleaner = cleaner(world.another_store());
        patiently(|| async { cleaner.round(&CancellationToken::new()).await }).await
    }));
    let intakes = join_all((0..4).map(|_| async {
        let mut inserted = 0;
        for names in names.chunks(40) {
            let jobs = names.iter().map(|name| keyed(name)).collect();
            let batch = batch(jobs);
            inserted += patiently(|| world.store.record_intake(&batch)).await.inserted;
        }
        inserted
    }));
    let (rounds, inserted) = futures::join!(rounds, intakes);
    assert_eq!(inserted, [0; 4], "each was simulated once");
    assert_eq!(world.number("SELECT count(*) FROM simulation_jobs").await, 0);
    assert_eq!(world.number("SELECT count(*) FROM spent_keys").await, count);
    if world.kind == Kind::ReadCommitted {
        // Elsewhere a round that was refused begins anew, and what it had deleted is not told.
        let purged: u64 = rounds.iter().map(|round| of_jobs(round)[0]).sum();
        assert_eq!(purged, count as u64, "each went once");
    }
}

pub(crate) async fn an_insert_that_waits_for_a_purge_finds_the_key_spent(world: &World) {
    let first = done(world, "a").await;
    publish(world, None).await;
    age(world, &first, 90).await;
    let ids = [first];
    let again = batch(vec![keyed("a")]);
    let purge = world.store.purge_jobs(&ids, KEEP_MS);
    let intake = world.store.record_intake(&again);
    let (purged, outcome) = if world.kind == Kind::Sqlite {
        // It has one writer at a time.
        futures::join!(purge, intake)
    } else {
        let (mut locker, mut watcher) = (world.postgres().await, world.postgres().await);
        let mut lock = locker.begin().await.expect("begins");
        lock.execute("SELECT 1 FROM simulation_results FOR UPDATE").await.expect("locks");
        let scene = async {
            // The purge has deleted the job, and stands at its result.
            until_waiting(&mut watcher, 1).await;
            let unlock = async {
                until_waiting(&mut watcher, 2).await;
                lock.rollback().await.expect("ends");
            };
            futures::join!(intake, unlock).0
        };
        futures::join!(purge, scene)
    };
    assert_eq!(purged.expect("purges").jobs, 1);
    assert_eq!(outcome.expect("records"), IntakeOutcome { inserted: 0, duplicates: 1 });
    assert_eq!(world.number("SELECT count(*) FROM simulation_jobs").await, 0);
}

async fn until_waiting(connection: &mut sqlx::PgConnection, sessions: i64) {
    let waiting = "SELECT count(*) FROM pg_stat_activity
        WHERE datname = current_database() AND wait_event_type = 'Lock'";
    while sqlx::query_scalar::<_, i64>(waiting).fetch_one(&mut *connection).await.expect("asks") < sessions {
        tokio::task::yield_now().await;
    }
}
