//! Two schedulers on one database, through simulated weeks. Their clocks are ours, so a week takes seconds; the database
//! and the calls to Core Service are real.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use jiff::Timestamp;
use monte_carlo_service::core_service::client::{
    CoreServiceClient, CoreServiceSettings, install_tls_provider,
};
use monte_carlo_service::schedule::DailyRunner;
use monte_carlo_service::schedule::due::CatchUp;
use monte_carlo_service::schedule::scheduler::Scheduler;
use monte_carlo_service::schedule::timetable::{Timetable, expression, zone};
use monte_carlo_service::signals::Signals;
use monte_carlo_service::store::{Store as _, StoreOptions, open};
use serde_json::{Value, json};
use sqlx::{Connection as _, PgConnection, Row as _};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::house;

/// Three batches.
const ACCOUNTS: usize = 1_050;
/// The second replica's clock is behind by this.
const SKEW_MS: i64 = 90_000;
/// A breaker's longest rest, twice.
pub(super) const REST_MAX: Duration = Duration::from_secs(30);

/// A Core Service with a fault dial, that pages its list.
#[derive(Default)]
pub(super) struct Core {
    pub(super) active: Mutex<BTreeSet<String>>,
    is_down: AtomicBool,
    /// The second page is half a body, once.
    cuts_once: AtomicBool,
    is_cut: AtomicBool,
    /// Away from this account of the list on, where it is not 0.
    pub(super) down_from: AtomicUsize,
    pub(super) refusals: AtomicI64,
    pub(super) pages: AtomicI64,
}

impl Core {
    /// Its address, once it serves.
    pub(super) async fn serve(self: &Arc<Self>) -> String {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("it is bound"));
        let app = Router::new().route("/funded-accounts", get(listed)).with_state(self.clone());
        tokio::spawn(async move { axum::serve(listener, app).await.expect("serves") });
        url
    }
}

async fn listed(State(core): State<Arc<Core>>, Query(query): Query<BTreeMap<String, String>>) -> Response {
    const PAGE: usize = 500;
    let number = |name: &str, otherwise| {
        query.get(name).map_or(otherwise, |text: &String| text.parse().expect("a number"))
    };
    let (offset, limit) = (number("offset", 0), number("limit", PAGE));
    if offset == 0 {
        core.is_cut.store(core.cuts_once.swap(false, Ordering::SeqCst), Ordering::SeqCst);
    }
    let is_away = (1..=offset).contains(&core.down_from.load(Ordering::SeqCst));
    if core.is_down.load(Ordering::SeqCst) || is_away || (offset > 0 && core.is_cut.load(Ordering::SeqCst)) {
        core.refusals.fetch_add(1, Ordering::SeqCst);
        return StatusCode::SERVICE_UNAVAILABLE.into_response();
    }
    let active = core.active.lock().expect("no panic under it");
    let account = |id: &String| json!({ "id": id, "status": "active" });
    let page: Vec<Value> = active.iter().skip(offset).take(limit.min(PAGE)).map(account).collect();
    core.pages.fetch_add(1, Ordering::SeqCst);
    Json(json!({ "fundedAccounts": page, "total": active.len() })).into_response()
}

/// One replica's scheduler, its clock, and its own connections.
pub(super) fn replica(
    database_url: &str,
    core_url: &str,
    timetable: &Timetable,
) -> (Scheduler, Arc<AtomicI64>) {
    let clock = Arc::new(AtomicI64::new(0));
    let hand = clock.clone();
    let settings =
        CoreServiceSettings { base_url: core_url.to_owned(), token: None, timeout: Duration::from_secs(20) };
    let runner = DailyRunner {
        store: Arc::new(open(database_url, &StoreOptions::default()).expect("the database's URL")),
        core_service: Arc::new(CoreServiceClient::new(&settings).expect("settings")),
        signals: Arc::new(Signals::default()),
        skip_recent: None,
        clock: Arc::new(move || hand.load(Ordering::SeqCst)),
    };
    (Scheduler { runner, timetable: Some(timetable.clone()), catch_up: CatchUp::Once }, clock)
}

/// What happens, by the clock.
struct Week {
    cron: &'static str,
    begins: &'static str,
    ends: &'static str,
    /// Nobody is there.
    missed: [&'static str; 2],
    /// Core Service is away for an hour.
    down: [&'static str; 2],
    /// One list is cut off in its middle after this.
    cut: &'static str,
    /// One account goes, another comes.
    changes: &'static str,
    /// The days that are run, and those of them before the change.
    days: &'static [&'static str],
    days_before: usize,
}

pub(super) fn ms(time: &str) -> i64 {
    time.parse::<Timestamp>().expect("a time").as_millisecond()
}

async fn live_through(week: &Week) {
    install_tls_provider();
    let core = Arc::new(Core::default());
    *core.active.lock().expect("free") = (0..ACCOUNTS).map(|number| format!("fnd-{number:04}")).collect();
    let core_url = core.serve().await;
    let database_url = house::database(&format!("week_{}", Uuid::new_v4().simple())).await;
    let store = open(&database_url, &StoreOptions::default()).expect("the database's URL");
    store.migrate().await.expect("migrates");
    let timetable = Timetable::new(
        expression(week.cron).expect("a cron expression"),
        zone("America/New_York").expect("a zone"),
    );
    let (first, first_clock) = replica(&database_url, &core_url, &timetable);
    let (second, second_clock) = replica(&database_url, &core_url, &timetable);

    let within = |[from, to]: [&str; 2], now_ms: i64| (ms(from)..ms(to)).contains(&now_ms);
    let (mut now_ms, stop) = (ms(week.begins), CancellationToken::new());
    let tick = async |now_ms: i64| {
        first_clock.store(now_ms, Ordering::SeqCst);
        second_clock.store(now_ms - SKEW_MS, Ordering::SeqCst);
        let (one, other) = tokio::join!(first.tick(&stop), second.tick(&stop));
        one.and(other).expect("the database is there");
    };
    let (mut to_cut, mut to_change) = (true, true);
    let mut random = fastrand::Rng::with_seed(20_260_308);
    while now_ms < ms(week.ends) {
        core.is_down.store(within(week.down, now_ms), Ordering::SeqCst);
        if to_cut && now_ms >= ms(week.cut) {
            to_cut = false;
            core.cuts_once.store(true, Ordering::SeqCst);
        }
        if to_change && now_ms >= ms(week.changes) {
            to_change = false;
            let mut active = core.active.lock().expect("free");
            active.remove("fnd-0003");
            active.insert("fnd-new".to_owned());
        }
        if !within(week.missed, now_ms) {
            tick(now_ms).await;
        }
        now_ms += random.i64(60_000..20 * 60_000);
    }
    // The week took seconds, and after Core Service's hour away a breaker may rest longer than that: its clock is the real
    // one. What is still open has that time, and nobody's day ends meanwhile.
    let over = Instant::now();
    while !unfinished(&database_url).await.is_empty() && over.elapsed() < REST_MAX {
        tokio::time::sleep(Duration::from_millis(250)).await;
        now_ms += 60_000;
        tick(now_ms).await;
    }
    assert!(core.refusals.load(Ordering::SeqCst) > 6, "Core Service was asked while it was away");

    let made = made(&database_url).await;
    for (index, day) in week.days.iter().enumerate() {
        let mut expected: BTreeSet<String> = (0..ACCOUNTS).map(|number| format!("fnd-{number:04}")).collect();
        if index >= week.days_before {
            expected.remove("fnd-0003");
            expected.insert("fnd-new".to_owned());
        }
        let of_day =
            made.get(*day).unwrap_or_else(|| panic!("{day} has no jobs; there are {:?}", made.keys()));
        assert_eq!(of_day.len(), expected.len(), "{day}: one job an active account");
        assert_eq!(of_day.iter().cloned().collect::<BTreeSet<_>>(), expected, "{day}");
    }
    assert_eq!(made.len(), week.days.len(), "{:?}", made.keys());
    assert_eq!(unfinished(&database_url).await.len(), 0);
}

pub(super) async fn unfinished(database_url: &str) -> Vec<sqlx::postgres::PgRow> {
    rows(database_url, "SELECT local_day FROM daily_runs WHERE state <> 'finished'").await
}

/// The accounts of each day's jobs, as often as they have one.
pub(super) async fn made(database_url: &str) -> BTreeMap<String, Vec<String>> {
    let mut made: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for row in rows(database_url, "SELECT dedupe_key, funded_account_id FROM simulation_jobs").await {
        let (key, account): (String, String) = (row.get(0), row.get(1));
        let day = key.split(':').nth(1).expect("daily:<day>:<account>").to_owned();
        made.entry(day).or_default().push(account);
    }
    made
}

async fn rows(database_url: &str, sql: &'static str) -> Vec<sqlx::postgres::PgRow> {
    let mut connection = PgConnection::connect(database_url).await.expect("the test's database");
    sqlx::query(sql).fetch_all(&mut connection).await.expect("a query of the test")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_week_in_which_the_run_s_hour_is_skipped_makes_one_job_an_active_account_and_day() {
    live_through(&Week {
        cron: "30 2 * * *",
        begins: "2026-03-05T12:00:00Z",
        ends: "2026-03-12T12:00:00Z",
        missed: ["2026-03-10T01:00:00Z", "2026-03-10T15:00:00Z"],
        down: ["2026-03-11T06:15:00Z", "2026-03-11T07:15:00Z"],
        cut: "2026-03-07T07:00:00Z",
        changes: "2026-03-09T12:00:00Z",
        days: &[
            "2026-03-06",
            "2026-03-07",
            "2026-03-08",
            "2026-03-09",
            "2026-03-10",
            "2026-03-11",
            "2026-03-12",
        ],
        days_before: 4,
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_week_in_which_the_run_s_hour_comes_twice_makes_one_job_an_active_account_and_day() {
    live_through(&Week {
        cron: "*/30 1 * * *",
        begins: "2026-10-29T12:00:00Z",
        ends: "2026-11-05T12:00:00Z",
        // Two nights: the first is passed over, for the second is caught up.
        missed: ["2026-11-02T12:00:00Z", "2026-11-04T15:00:00Z"],
        down: ["2026-11-01T05:10:00Z", "2026-11-01T06:10:00Z"],
        cut: "2026-10-31T04:00:00Z",
        changes: "2026-11-02T03:00:00Z",
        days: &["2026-10-30", "2026-10-31", "2026-11-01", "2026-11-02", "2026-11-04", "2026-11-05"],
        days_before: 3,
    })
    .await;
}
