//! Daily runs: one fire one run, one holder at a time, one job an account and day.

use futures::future::join_all;
use jiff::civil::{Date, date};
use monte_carlo_engine::Subject;
use monte_carlo_service::jobs::machine::State;
use monte_carlo_service::jobs::skip::SkipReason;
use monte_carlo_service::store::daily::{
    DailyBatch, DailyCause, DailyClaim, DailyCounts, DailyLease, DailyPassEnd, DailyRun, DailyRuns as _,
    DailyState, NewDailyRun,
};
use monte_carlo_service::store::{JobFilter, JobStatus, NewJob, Origin, Settlement, Store, Write};
use serde_json::json;

use crate::fixtures::{claim, claim_one, completed, failed, job, outbox, patiently, settlement};
use crate::world::World;

const DAY: Date = date(2026, 3, 8);
const NOON_MS: i64 = 1_773_000_000_000;
const LEASE_MS: u64 = 60_000;
const HOUR_MS: i64 = 3_600_000;

fn new_run(day: Date, now_ms: i64) -> NewDailyRun {
    NewDailyRun { day, cause: DailyCause::Schedule, now_ms }
}

fn daily_job(day: Date, account: &str) -> NewJob {
    NewJob {
        subject: Subject::FundedAccount(account.to_owned()),
        origin: Origin::Daily,
        dedupe_key: Some(format!("daily:{day}:{account}")),
        ..job("")
    }
}

fn batch(day: Date, accounts: &[&str]) -> DailyBatch {
    DailyBatch {
        jobs: accounts.iter().map(|account| daily_job(day, account)).collect(),
        last_account: accounts.last().copied().unwrap_or_default().to_owned(),
        listed: 9,
        unusable_id: 1,
        skip_recent_ms: None,
        lease_ms: LEASE_MS,
    }
}

async fn claim_run(world: &World, day: Option<Date>, now_ms: i64) -> Option<(DailyLease, DailyRun)> {
    let wish = DailyClaim { day, now_ms, lease_ms: LEASE_MS };
    world.store.claim_daily_run(wish).await.expect("claims")
}

async fn opened(world: &World) -> DailyLease {
    world.store.open_daily_run(&new_run(DAY, NOON_MS)).await.expect("opens");
    claim_run(world, None, NOON_MS).await.expect("is open").0
}

async fn record(world: &World, lease: DailyLease, batch: &DailyBatch) -> DailyCounts {
    world.store.record_daily_batch(lease, batch).await.expect("records").expect("still holds")
}

async fn run_of(world: &World, day: Date) -> DailyRun {
    world.store.daily_run(day).await.expect("reads").expect("is there")
}

pub(crate) async fn a_fire_opens_one_run_whoever_sees_it(world: &World) {
    let marks = join_all((0..4).map(|rival| {
        let store = &world.store;
        patiently(move || store.daily_watermark(NOON_MS + rival))
    }))
    .await;
    assert!(marks.iter().all(|mark| *mark == marks[0]), "the first one's clock counts: {marks:?}");
    let fire_ms = NOON_MS + HOUR_MS;
    let run = new_run(DAY, fire_ms);
    let writes =
        join_all((0..8).map(|_| patiently(|| world.store.record_daily_fire(fire_ms, Some(&run))))).await;
    assert_eq!(writes.iter().filter(|write| **write == Write::Applied).count(), 1, "{writes:?}");
    assert_eq!(world.store.daily_watermark(NOON_MS).await.expect("reads"), fire_ms);
    assert_eq!(world.number("SELECT count(*) FROM daily_runs").await, 1);

    let earlier = world.store.record_daily_fire(fire_ms - 1, Some(&new_run(date(2026, 3, 7), fire_ms))).await;
    assert_eq!(earlier.expect("answers"), Write::Stale, "what is behind the mark is accounted for");
    let passed_over = world.store.record_daily_fire(fire_ms + HOUR_MS, None).await;
    assert_eq!(passed_over.expect("records"), Write::Applied);
    assert_eq!(world.number("SELECT count(*) FROM daily_runs").await, 1, "a fire without a run");
}

pub(crate) async fn a_run_has_one_holder_at_a_time(world: &World) {
    world.store.open_daily_run(&new_run(DAY, NOON_MS)).await.expect("opens");
    assert_eq!(claim_run(world, None, NOON_MS - 1).await, None, "not due yet");
    let wish = DailyClaim { day: None, now_ms: NOON_MS, lease_ms: LEASE_MS };
    let claims = join_all((0..8).map(|_| patiently(|| world.store.claim_daily_run(wish)))).await;
    let (lease, run) = {
        let mut held = claims.into_iter().flatten();
        let first = held.next().expect("one has it");
        assert_eq!(held.next(), None);
        first
    };
    assert_eq!((run.day, run.state, run.last_account.as_str()), (DAY, DailyState::Open, ""));
    assert_eq!((run.failures, run.opened_at_ms), (0, NOON_MS));
    assert_eq!(world.store.beat_daily_run(lease, LEASE_MS).await.expect("beats"), Write::Applied);

    world.pass_ms(LEASE_MS as i64 + 1_000).await;
    let (successor, _) = claim_run(world, None, NOON_MS).await.expect("its holder fell silent");
    assert_eq!(world.store.beat_daily_run(lease, LEASE_MS).await.expect("answers"), Write::Stale);
    let late = world.store.record_daily_batch(lease, &batch(DAY, &["a"])).await.expect("answers");
    assert_eq!(late, None);
    for end in [
        DailyPassEnd::Finished { now_ms: NOON_MS },
        DailyPassEnd::Failed { error: "a ghost".into(), due_at_ms: 0 },
        DailyPassEnd::GivenUp { error: "a ghost".into(), now_ms: NOON_MS },
        DailyPassEnd::Released,
    ] {
        assert_eq!(world.store.end_daily_pass(lease, &end).await.expect("answers"), Write::Stale, "{end:?}");
    }
    assert_eq!(world.number("SELECT count(*) FROM simulation_jobs").await, 0);
    let end = DailyPassEnd::Finished { now_ms: NOON_MS };
    assert_eq!(world.store.end_daily_pass(successor, &end).await.expect("ends"), Write::Applied);
    assert_eq!(claim_run(world, Some(DAY), NOON_MS).await, None, "what is finished is nobody's");
}

pub(crate) async fn a_run_goes_on_where_it_stopped(world: &World) {
    let lease = opened(world).await;
    let counts = record(world, lease, &batch(DAY, &["a", "b"])).await;
    assert_eq!((counts.created, counts.existing, counts.listed, counts.unusable_id), (2, 0, 9, 1));
    let failed = DailyPassEnd::Failed { error: "Core is away".into(), due_at_ms: NOON_MS + HOUR_MS };
    assert_eq!(world.store.end_daily_pass(lease, &failed).await.expect("ends"), Write::Applied);
    let run = run_of(world, DAY).await;
    assert_eq!(
        (run.failures, run.error.as_deref(), run.last_account.as_str()),
        (1, Some("Core is away"), "b")
    );
    assert_eq!(claim_run(world, None, NOON_MS + HOUR_MS - 1).await, None, "not before it is due");
    assert!(claim_run(world, Some(DAY), NOON_MS).await.is_some(), "unless it is asked for by its day");

    world.pass_ms(LEASE_MS as i64 + 1_000).await;
    let (lease, run) = claim_run(world, None, NOON_MS + HOUR_MS).await.expect("it is due");
    assert_eq!((run.last_account.as_str(), &run.counts), ("b", &counts));
    let counts = record(world, lease, &batch(DAY, &["b", "c"])).await;
    assert_eq!((counts.created, counts.existing), (3, 1), "what is there is not made again");
    assert_eq!(run_of(world, DAY).await.failures, 0, "it got on");
    let released = world.store.end_daily_pass(lease, &DailyPassEnd::Released).await.expect("ends");
    assert_eq!(released, Write::Applied);
    let (lease, _) = claim_run(world, None, NOON_MS + HOUR_MS).await.expect("a shutdown leaves it due");
    let end = DailyPassEnd::Finished { now_ms: NOON_MS };
    world.store.end_daily_pass(lease, &end).await.expect("ends");
    assert_eq!(run_of(world, DAY).await.state, DailyState::Finished);
    assert_eq!(claim(&*world.store, 10).await.len(), 3);
}

pub(crate) async fn a_day_that_is_opened_again_makes_no_second_job(world: &World) {
    let lease = opened(world).await;
    record(world, lease, &batch(DAY, &["a", "b"])).await;
    world.store.open_daily_run(&new_run(DAY, NOON_MS + 1)).await.expect("opens");
    assert_eq!(run_of(world, DAY).await.last_account, "b", "one that is open stays as it is");
    world.store.end_daily_pass(lease, &DailyPassEnd::Finished { now_ms: NOON_MS }).await.expect("ends");

    world.store.open_daily_run(&new_run(DAY, NOON_MS + 2)).await.expect("opens");
    let (lease, run) = claim_run(world, None, NOON_MS + 2).await.expect("open again");
    assert_eq!((run.last_account.as_str(), run.counts), ("", DailyCounts::default()), "from its beginning");
    let counts = record(world, lease, &batch(DAY, &["a", "b", "new"])).await;
    assert_eq!((counts.created, counts.existing, counts.accounts()), (1, 2, 4));
    let lease = {
        let tomorrow = date(2026, 3, 9);
        world.store.open_daily_run(&new_run(tomorrow, NOON_MS)).await.expect("opens");
        claim_run(world, Some(tomorrow), NOON_MS).await.expect("is open").0
    };
    let counts = record(world, lease, &batch(date(2026, 3, 9), &["a", "b", "new"])).await;
    assert_eq!((counts.created, counts.existing), (3, 0), "another day, other jobs");
}

pub(crate) async fn passes_over_what_was_simulated_lately(world: &World) {
    let wednesday = date(2026, 3, 4);
    let order = ["done", "failed", "skipped", "long-ago"];
    for account in order {
        world.store.create(&daily_job(wednesday, account), None).await.expect("creates");
        let claimed = claim_one(&*world.store).await;
        let settlement = match account {
            "failed" => failed("so"),
            "skipped" => skipped(SkipReason::NoClosingTrades),
            _ => completed(&claimed, &json!({})),
        };
        world.store.settle(&claimed.lease, &settlement).await.expect("settles");
    }
    world
        .execute(&format!(
            "UPDATE simulation_jobs SET created_at_ms = created_at_ms - {0}, completed_at_ms = completed_at_ms - {0}
             WHERE funded_account_id = 'long-ago'",
            7 * HOUR_MS
        ))
        .await;
    let lease = opened(world).await;
    let accounts = ["done", "failed", "long-ago", "new", "skipped"];
    let sparing = DailyBatch { skip_recent_ms: Some(6 * HOUR_MS as u64), ..batch(DAY, &accounts) };
    let counts = record(world, lease, &sparing).await;
    assert_eq!((counts.created, counts.recently_simulated, counts.existing), (4, 1, 0));
    let counts = record(world, lease, &sparing).await;
    assert_eq!((counts.created, counts.recently_simulated, counts.existing), (4, 2, 4));
    let counts = record(world, lease, &batch(DAY, &["done"])).await;
    assert_eq!(counts.created, 5, "where no span is set, none is recent");

    // The day's own job is what an account has; that it is recent as well changes nothing.
    for claimed in claim(&*world.store, 10).await {
        world.store.settle(&claimed.lease, &completed(&claimed, &json!({}))).await.expect("settles");
    }
    let counts = record(world, lease, &sparing).await;
    assert_eq!((counts.recently_simulated, counts.existing), (2, 9));
}

fn skipped(reason: SkipReason) -> Settlement {
    settlement(State::Skipped { reason })
}

pub(crate) async fn a_skipped_job_is_completed_without_a_result(world: &World) {
    let lease = opened(world).await;
    record(world, lease, &batch(DAY, &["a", "b", "c", "d"])).await;
    let reasons = SkipReason::ALL;
    for (claimed, reason) in claim(&*world.store, 3).await.iter().zip(reasons) {
        assert_eq!(claimed.origin, Origin::Daily);
        let write = world.store.settle(&claimed.lease, &skipped(reason)).await.expect("settles");
        assert_eq!(write, Write::Applied);
        assert_eq!(
            world.store.settle(&claimed.lease, &skipped(reason)).await.expect("answers"),
            Write::Stale
        );
        let record = world.store.job(&claimed.lease.job).await.expect("reads").expect("is there");
        assert_eq!((record.status, record.skipped, record.error), (JobStatus::Completed, Some(reason), None));
        assert!(record.result.is_none() && record.completed_at_ms.is_some());
    }
    let last = claim_one(&*world.store).await;
    world.store.settle(&last.lease, &completed(&last, &json!({"var95": 1}))).await.expect("settles");
    assert_eq!(outbox(&*world.store).await.len(), 4 + 1, "four have started, one has a result");

    let list = async |filter| world.store.jobs(&filter, 10, None).await.expect("lists");
    let all = list(JobFilter::default()).await;
    assert_eq!(all.iter().filter(|job| job.skipped.is_some()).count(), 3);
    let completed = JobFilter { status: Some(JobStatus::Completed), ..JobFilter::default() };
    let with_result: Vec<_> = list(completed).await.into_iter().map(|job| job.id).collect();
    assert_eq!(with_result, [last.lease.job], "whoever asks for completed jobs finds results");
    assert_eq!(list(JobFilter { status: Some(JobStatus::Failed), ..JobFilter::default() }).await, []);

    let counts = record(world, lease, &batch(DAY, &["a", "b", "c", "d"])).await;
    assert_eq!(counts.existing, 1);
    let told: Vec<_> = counts.skipped.iter().map(|(code, accounts)| (code.as_str(), *accounts)).collect();
    assert_eq!(told, [("account_not_active", 1), ("account_not_found", 1), ("no_closing_trades", 1)]);
    assert_eq!(world.number("SELECT count(*) FROM simulation_jobs").await, 4, "and has its job");
}

pub(crate) async fn ten_thousand_accounts_have_their_jobs(world: &World) {
    const ACCOUNTS: usize = 10_000;
    let lease = opened(world).await;
    let ids: Vec<String> = (0..ACCOUNTS).map(|number| format!("fnd-{number:05}")).collect();
    let mut counts = DailyCounts::default();
    for chunk in ids.chunks(500) {
        let accounts: Vec<&str> = chunk.iter().map(String::as_str).collect();
        let sparing = DailyBatch { skip_recent_ms: Some(HOUR_MS as u64), ..batch(DAY, &accounts) };
        counts = record(world, lease, &sparing).await;
    }
    assert_eq!((counts.created, counts.existing), (ACCOUNTS as u64, 0));
    assert_eq!(
        world.number("SELECT count(DISTINCT funded_account_id) FROM simulation_jobs").await,
        ACCOUNTS as i64
    );
}
