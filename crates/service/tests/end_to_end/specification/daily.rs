//! The daily run as people and replicas meet it: real processes, PostgreSQL, Kafka, and Core Service in both dialects.

use std::collections::{BTreeMap, BTreeSet};
use std::process::{Command, Output};
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use jiff::Timestamp;
use monte_carlo_service::sample_core::book::Book;
use monte_carlo_service::sample_core::server::{Dialect, SampleCore};
use serde_json::{Value, json};
use sqlx::{Connection as _, Executor as _, PgConnection, Row as _};

use crate::house::{House, Neighbours};
use crate::ledger;
use crate::passage::Passage;
use crate::service::Service;

/// A run, and whatever goes wrong with it, is over within this on two busy cores.
const BOUND: Duration = Duration::from_secs(120);

async fn database(house: &House) -> PgConnection {
    PgConnection::connect(house.database_url()).await.expect("the test's database")
}

/// Waits until a query answers with this number.
async fn until(database: &mut PgConnection, sql: &'static str, wanted: i64) {
    let began = Instant::now();
    loop {
        let row = sqlx::query(sql).fetch_one(&mut *database).await.expect("a query of the test");
        let number: i64 = row.get(0);
        if number == wanted {
            return;
        }
        assert!(began.elapsed() < BOUND, "{sql}: {number}, not {wanted}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

async fn sample() -> (BTreeSet<String>, SampleCore) {
    let book = Book::sample();
    let accounts = book.traders.iter().filter_map(|trader| trader.funded.as_ref());
    let active = accounts.filter(|account| account.is_active).map(|account| account.id.clone()).collect();
    let core = SampleCore::start(book, ([127, 0, 0, 1], 0).into(), None).await.expect("a Core Service");
    (active, core)
}

/// The accounts of all completed jobs, in their order.
async fn simulated(service: &Service) -> Vec<String> {
    let jobs = service.jobs("completed").await;
    let account = |job: &Value| job["fundedAccountId"].as_str().expect("a funded account's").to_owned();
    let mut accounts: Vec<String> = jobs.iter().map(account).collect();
    accounts.sort();
    accounts
}

/// A zone in which it is about noon: no test sees midnight.
fn zone_of_noon() -> String {
    let hour = Timestamp::from_millisecond(monte_carlo_service::telemetry::clock::now_ms())
        .expect("a time")
        .to_zoned(jiff::tz::TimeZone::UTC)
        .hour();
    // The sign is the other way round in these names.
    match hour - 12 {
        0 => "UTC".to_owned(),
        east if east < 0 => format!("Etc/GMT{east}"),
        west => format!("Etc/GMT+{west}"),
    }
}

fn minute() -> i8 {
    let now = Timestamp::from_millisecond(monte_carlo_service::telemetry::clock::now_ms()).expect("a time");
    now.to_zoned(jiff::tz::TimeZone::UTC).minute()
}

async fn trigger(service: &Service, body: &Value) -> (u16, Option<String>, Value) {
    let url = format!("{}/simulations/daily", service.url);
    let answer = reqwest::Client::new().post(url).json(body).send().await.expect("the service answers");
    let retry_after =
        answer.headers().get("retry-after").map(|value| value.to_str().expect("text").to_owned());
    (answer.status().as_u16(), retry_after, answer.json().await.expect("the answer is JSON"))
}

fn command(house: &House, core_url: &str, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_monte-carlo-service"))
        .arg("daily")
        .args(arguments)
        .env_clear()
        .env("DATABASE_URL", house.database_url())
        .env("CORE_SERVICE_URL", core_url)
        .env("DAILY_SIMULATION_TZ", zone_of_noon())
        .output()
        .expect("the command runs")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missed_night_is_caught_up_once_by_two_replicas_that_hear_two_dialects() {
    let house = House::build(Neighbours::Real).await;
    let (active, core) = sample().await;
    let (wrapped, bare) = (core.url(Dialect::Wrapped), core.url(Dialect::Bare));
    let zone = zone_of_noon();
    // Half an hour ago, and again in half an hour: late, whatever the minute at which the test runs.
    let cron = format!("{} * * * *", (minute() + 30) % 60);
    let replica = |core_url: &str| {
        house.service_with(&[
            ("CORE_SERVICE_URL", core_url),
            ("DAILY_SIMULATION_CRON", &cron),
            ("DAILY_SIMULATION_TZ", &zone),
        ])
    };
    let mut database = database(&house).await;
    let first = replica(&wrapped).ready().await;
    until(&mut database, "SELECT count(*) FROM schedule_watermarks", 1).await;
    first.stop().await;
    until(&mut database, "SELECT count(*) FROM daily_runs", 0).await;

    // As if nobody had been there for two hours.
    let earlier = "UPDATE schedule_watermarks SET watermark_ms = watermark_ms - 7200000";
    database.execute(earlier).await.expect("a statement of the test");
    let (one, other) = (replica(&wrapped), replica(&bare));
    let (one, other) = tokio::join!(one.ready(), other.ready());
    until(&mut database, "SELECT count(*) FROM daily_runs WHERE state = 'finished'", 1).await;
    ledger::completed(&one, active.len()).await;
    assert_eq!(
        simulated(&other).await,
        active.iter().cloned().collect::<Vec<_>>(),
        "one job an active account"
    );
    assert_eq!(other.jobs("failed").await, Vec::<Value>::new());

    let day = today(&zone);
    let counts = json!({
        "date": day, "accounts": active.len(), "created": 0, "existing": active.len(), "skipped": {},
    });
    for service in [&one, &other] {
        assert_eq!(trigger(service, &json!({})).await, (200, None, counts.clone()), "the same day again");
    }
    for (dialect, arguments) in [(&wrapped, vec!["--json"]), (&bare, vec!["--json", "--date", &day])] {
        let ended = command(&house, dialect, &arguments);
        assert!(ended.status.success(), "{}", String::from_utf8_lossy(&ended.stderr));
        let printed: Value = serde_json::from_slice(&ended.stdout).expect("one JSON object");
        assert_eq!(printed, counts, "{arguments:?}");
    }
    let table = String::from_utf8(command(&house, &bare, &[]).stdout).expect("text");
    for word in ["Daily run", &day, "Accounts", "created", "existing"] {
        assert!(table.contains(word), "{word} is missing in\n{table}");
    }
    assert_eq!(simulated(&one).await.len(), active.len(), "none of this made another job");

    let metrics = [metrics(&one).await, metrics(&other).await].concat();
    for series in ["daily_runs_total{outcome=\"caught_up\"} 1", "daily_accounts_total{outcome=\"created\"}"] {
        assert!(metrics.contains(series), "{series} is missing in\n{metrics}");
    }
    one.stop().await;
    other.stop().await;
}

fn today(zone: &str) -> String {
    let now = Timestamp::from_millisecond(monte_carlo_service::telemetry::clock::now_ms()).expect("a time");
    now.in_tz(zone).expect("a zone").date().to_string()
}

async fn metrics(service: &Service) -> String {
    let answer = reqwest::get(format!("{}/metrics", service.url)).await.expect("the service answers");
    answer.text().await.expect("text")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_whose_core_service_is_away_says_so_and_goes_on_by_itself() {
    let house = House::build(Neighbours::Real).await;
    let (active, core) = sample().await;
    for dialect in [Dialect::Wrapped, Dialect::Bare] {
        let (passage, zone) = (Passage::closed(), zone_of_noon());
        let url = passage.in_place_of(&core.url(dialect));
        let service = house
            .service_with(&[("CORE_SERVICE_URL", url.as_str()), ("DAILY_SIMULATION_TZ", &zone)])
            .ready()
            .await;
        let before = simulated(&service).await.len();
        // A day of its own for each dialect.
        let date = match dialect {
            Dialect::Wrapped => json!({}),
            Dialect::Bare => json!({ "date": yesterday(&zone) }),
        };
        let (status, retry_after, refusal) = trigger(&service, &date).await;
        assert_eq!((status, refusal["code"].as_str()), (503, Some("daily_run_unfinished")), "{refusal}");
        assert!(retry_after.is_some());
        let error = refusal["error"].as_str().expect("a sentence");
        assert!(error.contains("GET /funded-accounts") && error.contains("0 of 0 accounts"), "{error}");

        let ended = command(&house, &url, &["--date", &yesterday(&zone)]);
        assert_eq!(ended.status.code(), Some(3), "{}", String::from_utf8_lossy(&ended.stderr));
        assert!(ended.stdout.is_empty() && !ended.stderr.is_empty());

        passage.open(&core.url(dialect)).await;
        let mut database = database(&house).await;
        until(&mut database, "SELECT count(*) FROM daily_runs WHERE state <> 'finished'", 0).await;
        // Today's run and yesterday's; of the second dialect's yesterday all was there.
        let expected = if dialect == Dialect::Wrapped { 2 * active.len() } else { before };
        ledger::completed(&service, expected).await;
        assert_eq!(simulated(&service).await.len(), expected);
        service.stop().await;
    }
}

fn yesterday(zone: &str) -> String {
    let now = Timestamp::from_millisecond(monte_carlo_service::telemetry::clock::now_ms()).expect("a time");
    now.in_tz(zone).expect("a zone").date().yesterday().expect("a day").to_string()
}

/// Accounts of a fake in dialect B: more than one batch, and some that have nothing to simulate.
const ACCOUNTS: usize = 560;

fn account_id(number: usize) -> String {
    format!("fnd-{number:04}")
}

/// Why an account will be skipped.
fn destiny(number: usize) -> Option<&'static str> {
    match number % 50 {
        7 => Some("no_closing_trades"),
        8 => Some("account_not_found"),
        9 => Some("account_not_active"),
        _ => None,
    }
}

async fn core_of_many() -> String {
    async fn list() -> Json<Value> {
        Json((0..ACCOUNTS).map(|number| json!({ "id": account_id(number), "status": "active" })).collect())
    }
    async fn account(Path(id): Path<String>) -> Response {
        let number: usize = id.trim_start_matches("fnd-").parse().expect("a number");
        let status = match destiny(number) {
            Some("account_not_found") => return StatusCode::NOT_FOUND.into_response(),
            Some("account_not_active") => "closed",
            _ => "active",
        };
        let balances = json!({ "balance": 100_300, "peak": 100_300, "pnl": 300 });
        Json(json!({ "id": id, "status": status, "virtualAccount": balances })).into_response()
    }
    async fn trades(
        State(()): State<()>,
        axum::extract::Query(query): axum::extract::Query<BTreeMap<String, String>>,
    ) -> Json<Value> {
        let number: usize = query["funded_account_id"].trim_start_matches("fnd-").parse().expect("a number");
        let kind = if destiny(number).is_some() { "open" } else { "close" };
        let trade = |id: i64, pnl: i64| {
            let pnl = if kind == "open" { 0 } else { pnl };
            json!({ "id": id, "type": kind, "market": "BTC/USD", "side": "long", "quantity": 1, "price": 100,
                    "pnl": pnl, "timestamp": 1_790_000_000_000_i64 + id * 86_400_000 })
        };
        Json(json!([trade(1, 200), trade(2, 100)]))
    }
    let app = Router::new()
        .route("/funded-accounts", get(list))
        .route("/funded-accounts/{id}", get(account))
        .route("/trades", get(trades))
        .with_state(());
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("it is bound"));
    tokio::spawn(async move { axum::serve(listener, app).await.expect("serves") });
    url
}

#[tokio::test(flavor = "multi_thread")]
async fn a_process_killed_in_the_middle_leaves_a_run_that_another_finishes() {
    let house = House::build(Neighbours::Real).await;
    let (core_url, zone) = (core_of_many().await, zone_of_noon());
    let day = today(&zone);
    let variables = [("CORE_SERVICE_URL", core_url.as_str()), ("DAILY_SIMULATION_TZ", &zone)];
    let doomed = Arc::new(house.service_with(&variables).ready().await);
    let mut database = database(&house).await;

    // Whoever inserts the key that we hold waits for us: the run stands in its second batch.
    let mut holder = self::database(&house).await;
    holder.execute("BEGIN").await.expect("a transaction");
    let key = format!("daily:{day}:{}", account_id(ACCOUNTS - 1));
    sqlx::query(
        "INSERT INTO simulation_jobs (id, funded_account_id, origin, dedupe_key, status, config, correlation_id,
             traceparent, run_after_ms, created_at_ms)
         VALUES ('held', 'held', 'daily', $1, 'failed', '{}', '', '', 0, 0)",
    )
    .bind(&key)
    .execute(&mut holder)
    .await
    .expect("the key is held");
    let asked = tokio::spawn({
        let doomed = doomed.clone();
        async move {
            let url = format!("{}/simulations/daily", doomed.url);
            reqwest::Client::new().post(url).send().await.is_ok()
        }
    });
    until(&mut database, "SELECT count(*) FROM daily_runs WHERE last_account = 'fnd-0499'", 1).await;
    until(&mut database, "SELECT count(*) FROM simulation_jobs", 500).await;
    doomed.kill_while_asked();
    asked.await.expect("the request ends");
    holder.execute("ROLLBACK").await.expect("rolls back");

    // The lease of the dead runs out in its time; here at once.
    let silence = "UPDATE daily_runs SET lease_expires_ms = 0";
    database.execute(silence).await.expect("a statement of the test");
    let successor = house.service_with(&variables).ready().await;
    until(&mut database, "SELECT count(*) FROM daily_runs WHERE state = 'finished'", 1).await;
    until(&mut database, "SELECT count(*) FROM simulation_jobs WHERE status <> 'completed'", 0).await;
    let row = database.fetch_one("SELECT counts FROM daily_runs").await.expect("a query of the test");
    let told: Value = serde_json::from_str(row.get(0)).expect("counts are JSON");

    let (status, _, counts) = trigger(&successor, &json!({ "date": day })).await;
    let skipped = (0..ACCOUNTS).filter_map(destiny).fold(BTreeMap::new(), |mut told, reason| {
        *told.entry(reason).or_insert(0) += 1;
        told
    });
    let simulated = ACCOUNTS - skipped.values().sum::<usize>();
    let expected = json!({
        "date": day, "accounts": ACCOUNTS, "created": 0, "existing": simulated, "skipped": skipped,
    });
    assert_eq!((status, counts), (200, expected));
    let went_on = "it began anew, and what the dead had done was there already";
    assert_eq!((&told["created"], &told["existing"]), (&json!(ACCOUNTS), &json!(0)), "{went_on}: {told}");
    until(&mut database, "SELECT count(*) FROM simulation_jobs", ACCOUNTS as i64).await;
    assert_eq!(successor.jobs("failed").await, Vec::<Value>::new(), "nothing of this is a failure");
    let completed = successor.jobs("completed").await;
    assert_eq!(completed.len(), simulated);
    assert!(completed.iter().all(|job| job["result"].is_object()), "completed jobs have results");

    let account = account_id(7);
    let jobs = successor.get(&format!("/simulations?fundedAccountId={account}")).await;
    let job = &jobs["jobs"][0];
    assert_eq!((&job["status"], &job["skipped"]["code"]), (&json!("completed"), &json!("no_closing_trades")));
    assert!(
        job["skipped"]["reason"].as_str().is_some_and(|reason| reason.contains("no closing trades")),
        "{job}"
    );
    assert!(job.get("result").is_none() && job.get("error").is_none(), "{job}");
    successor.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bad_trigger_is_told_what_is_wrong_and_runs_nothing() {
    let house = House::build(Neighbours::Real).await;
    let (_, core) = sample().await;
    let core_url = core.url(Dialect::Wrapped);
    let service = house.service_with(&[("CORE_SERVICE_URL", &core_url)]).ready().await;
    for (body, field) in [
        (json!({ "date": "2020-01-01" }), "date"),
        (json!({ "date": "2999-01-01" }), "date"),
        (json!({ "date": "tomorrow" }), "date"),
        (json!({ "day": "2026-11-24" }), "day"),
    ] {
        let (status, _, refusal) = trigger(&service, &body).await;
        assert_eq!((status, &refusal["field"]), (400, &json!(field)), "{body}: {refusal}");
    }
    let mut database = database(&house).await;
    until(&mut database, "SELECT count(*) FROM daily_runs", 0).await;
    until(&mut database, "SELECT count(*) FROM simulation_jobs", 0).await;
    service.stop().await;

    let told = |arguments: &[&str]| {
        let ended = command(&house, &core_url, arguments);
        assert!(ended.stdout.is_empty(), "{arguments:?}");
        (ended.status.code(), String::from_utf8(ended.stderr).expect("text"))
    };
    for arguments in [["--date", "2020-01-01"], ["--date", "tomorrow"], ["--dat", "2026-11-24"]] {
        let (code, said) = told(&arguments);
        assert_eq!(code, Some(2), "{said}");
        assert!(said.contains("--date"), "{said}");
    }
    let help = command(&house, &core_url, &["--help"]);
    let said = String::from_utf8(help.stdout).expect("text");
    assert!(help.status.success() && said.contains("--json") && said.contains("Exit codes"), "{said}");
}
