//! Two replicas find the same night due, in the middle of the load.

use std::time::{Duration, Instant};

use monte_carlo_service::sample_core::book::FundedAccount;
use monte_carlo_service::sample_core::server::{Dialect, SampleCore};
use sqlx::{Connection as _, Executor as _, PgConnection, Row as _};

use super::{Scene, house, two_replicas};

const ACCOUNTS: usize = 60;
/// A replica looks every five seconds.
const BOUND: Duration = Duration::from_secs(60);
/// The service has never been there before: what was due since yesterday is caught up.
const YESTERDAY: &str = "UPDATE schedule_watermarks SET watermark_ms = watermark_ms - 86400000";

/// Jobs of the night that are not over, and their messages that did not leave.
const UNTOLD: &str =
    "SELECT count(*) FROM simulation_jobs LEFT JOIN outbox ON job_id = id AND published_at_ms IS NULL
    WHERE origin = 'daily' AND (status <> 'completed' OR event_id IS NOT NULL)";

/// Waits until a query answers with this number.
async fn until(database: &mut PgConnection, sql: &'static str, wanted: i64) {
    let began = Instant::now();
    loop {
        let row = database.fetch_one(sql).await.expect("a query of the test");
        let number: i64 = row.get(0);
        if number == wanted {
            return;
        }
        assert!(began.elapsed() < BOUND, "{sql}: {number}, not {wanted}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_account_has_one_job() {
    let house = house().await;
    let mut book = house.book.clone();
    for (number, trader) in book.traders.iter_mut().take(ACCOUNTS).enumerate() {
        let id = format!("fnd-{number:04}");
        trader.funded = Some(FundedAccount { id, is_active: true, ledger: trader.ledger.clone() });
    }
    let core = SampleCore::start(book, ([127, 0, 0, 1], 0).into(), None).await.expect("a Core Service");
    let core_url = core.url(Dialect::Wrapped);
    // Once a day, at a moment that is not near, whenever the test runs.
    let variables = [
        ("CORE_SERVICE_URL", &*core_url),
        ("DAILY_SIMULATION_CRON", "0 */12 * * *"),
        ("DAILY_SIMULATION_TZ", "UTC"),
    ];
    let replicas = two_replicas(&house, &variables).await;
    let mut database = PgConnection::connect(house.database_url()).await.expect("the test's database");
    let mut scene = Scene::begin("two_schedulers", house).await;
    scene.pass(0..1_000).await;
    let moved = database.execute(YESTERDAY).await.expect("a statement of the test");
    assert_eq!(moved.rows_affected(), 1, "the replicas have looked");
    until(&mut database, "SELECT count(*) FROM daily_runs WHERE state = 'finished'", 1).await;
    scene.mended();
    until(&mut database, UNTOLD, 0).await;
    let mut accounts = scene.end_on(replicas).await.accounts;
    accounts.sort();
    let expected: Vec<_> = (0..ACCOUNTS).map(|number| format!("fnd-{number:04}")).collect();
    assert_eq!(accounts, expected, "one job an account");
}
