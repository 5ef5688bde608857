//! One night of a firm with ten thousand accounts: a hundred pages, a Core Service that goes away among them, two
//! schedulers.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use monte_carlo_service::core_service::client::install_tls_provider;
use monte_carlo_service::schedule::timetable::{Timetable, expression, zone};
use monte_carlo_service::store::{Store as _, StoreOptions, open};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::weeks::{Core, REST_MAX, made, ms, replica, unfinished};
use crate::house;

const ACCOUNTS: usize = 10_000;

#[tokio::test(flavor = "multi_thread")]
async fn a_list_that_breaks_off_in_its_middle_makes_one_job_an_account_once_it_is_whole() {
    install_tls_provider();
    let accounts: BTreeSet<String> = (0..ACCOUNTS).map(|number| format!("fnd-{number:05}")).collect();
    let core = Arc::new(Core::default());
    core.active.lock().expect("free").clone_from(&accounts);
    core.down_from.store(ACCOUNTS * 6 / 10, Ordering::SeqCst);
    let core_url = core.serve().await;
    let database_url = house::database(&format!("night_{}", Uuid::new_v4().simple())).await;
    let store = open(&database_url, &StoreOptions::default()).expect("the database's URL");
    store.migrate().await.expect("migrates");
    let nightly =
        Timetable::new(expression("0 2 * * *").expect("a cron"), zone("Asia/Tokyo").expect("a zone"));
    let [(first, first_clock), (second, second_clock)] =
        [(); 2].map(|()| replica(&database_url, &core_url, &nightly));
    let stop = CancellationToken::new();
    let tick = async |now_ms: i64| {
        first_clock.store(now_ms, Ordering::SeqCst);
        second_clock.store(now_ms, Ordering::SeqCst);
        let (one, other) = tokio::join!(first.tick(&stop), second.tick(&stop));
        one.and(other).expect("the database is there");
    };

    let mut now_ms = ms("2026-11-29T12:00:00Z");
    tick(now_ms).await;
    now_ms = ms("2026-11-29T17:00:30Z");
    tick(now_ms).await;
    assert!(core.refusals.load(Ordering::SeqCst) > 0, "it went away in the middle");
    assert!(made(&database_url).await.is_empty(), "half a list is no list");
    assert_eq!(unfinished(&database_url).await.len(), 1);

    core.down_from.store(0, Ordering::SeqCst);
    let back = Instant::now();
    while !unfinished(&database_url).await.is_empty() {
        // A breaker rests by the real clock.
        assert!(back.elapsed() < REST_MAX * 2, "the run does not go on");
        tokio::time::sleep(Duration::from_millis(250)).await;
        now_ms += 60_000;
        tick(now_ms).await;
    }
    let made = made(&database_url).await;
    assert_eq!(made.keys().collect::<Vec<_>>(), ["2026-11-30"]);
    assert_eq!(made["2026-11-30"].len(), ACCOUNTS, "one job an account");
    assert_eq!(made["2026-11-30"].iter().cloned().collect::<BTreeSet<_>>(), accounts);
    let pages = core.pages.load(Ordering::SeqCst);
    println!("{ACCOUNTS} accounts over {pages} pages, {:?} after Core Service was back", back.elapsed());
    assert!(pages > 100, "{pages} pages");
}
