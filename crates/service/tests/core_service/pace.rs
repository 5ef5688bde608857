//! Calls wait for their turn, each try for one of its own.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use monte_carlo_service::core_service::client::Existence;
use monte_carlo_service::core_service::pace::{LocalPace, Rate};
use monte_carlo_service::sample_core::dial::{Route, Trouble};
use monte_carlo_service::sample_core::server::Dialect;

use crate::support::{assessment, client, sample, trace};

fn pace(rate: u32) -> Arc<LocalPace> {
    Arc::new(LocalPace::new(Rate(NonZeroU32::new(rate).expect("not zero"))))
}

#[tokio::test]
async fn calls_and_their_repetitions_keep_the_pace() {
    const RATE: u32 = 20;
    let (book, core) = sample().await;
    let client = client(&core.url(Dialect::Wrapped)).paced(pace(RATE));
    core.dial().spoil_times(Route::Assessment, Trouble::Status { status: 503, retry_after_s: None }, 6);
    let gathers = book.traders.iter().take(24).map(|trader| async {
        client.gather(&assessment(&trader.assessment_id), &trace()).await.ok();
    });
    futures::future::join_all(gathers).await;
    let asked = core.dial().asked();
    assert!(asked.len() >= 48, "{} calls", asked.len());
    let span = asked.last().expect("some").at - asked[0].at;
    let due = Duration::from_secs(1) / RATE * (asked.len() as u32 - 1 - RATE / 10);
    // The first may have been under way for a while before it was noted.
    assert!(span + Duration::from_millis(200) >= due, "{} calls in {span:?}", asked.len());
}

#[tokio::test]
async fn whoever_cannot_wait_does_not_call() {
    let (book, core) = sample().await;
    let client = client(&core.url(Dialect::Wrapped)).paced(pace(1));
    let subject = assessment(&book.traders[0].assessment_id);
    let trace = trace();
    let answers = futures::future::join_all((0..4).map(|_| client.exists(&subject, &trace))).await;
    let known = answers.iter().filter(|answer| **answer == Existence::Exists).count();
    assert!((1..=2).contains(&known), "one at once, one after a second, none beyond 1.5 s: {answers:?}");
    assert_eq!(core.dial().asked().len(), known);
}
