//! The breaker on a server that is down: it is left alone, and found again.

use std::time::{Duration, Instant};

use monte_carlo_service::core_service::client::Existence;
use monte_carlo_service::core_service::error::CoreError;
use monte_carlo_service::jobs::machine::Fault;
use monte_carlo_service::sample_core::server::Dialect;

use crate::support::{assessment, client, sample, trace};

/// The longest pause of the breaker and some time to call.
const FOUND_AGAIN_BOUND: Duration = Duration::from_secs(60);

#[tokio::test]
async fn a_server_that_is_down_is_left_alone_and_found_again() {
    let (book, core) = sample().await;
    let client = client(&core.url(Dialect::Wrapped));
    let subject = assessment(&book.traders[0].assessment_id);
    assert_eq!(client.held_back(), None);

    core.dial().down(503);
    let mut opened_by = None;
    for _ in 0..5 {
        match client.gather(&subject, &trace()).await.expect_err("down") {
            CoreError::Server { .. } => {}
            left_alone => {
                opened_by = Some(left_alone);
                break;
            }
        }
    }
    let left_alone = opened_by.expect("the breaker opens");
    assert!(matches!(left_alone, CoreError::LeftAlone { .. }), "{left_alone}");
    assert!(matches!(left_alone.fault(), Fault::Snooze(_)), "no attempt is charged");
    assert!(left_alone.to_string().contains("answered 503"), "the cause is said: {left_alone}");
    let told = client.held_back().expect("open");
    assert!(told.contains("the breaker is open") && told.contains("answered 503"), "{told}");

    let began = Instant::now();
    let asked_before = core.dial().asked().len();
    let mut calls = 0;
    while began.elapsed() < Duration::from_secs(1) {
        client.gather(&subject, &trace()).await.expect_err("down");
        assert_eq!(client.exists(&subject, &trace()).await, Existence::Unknown);
        calls += 1;
        tokio::task::yield_now().await;
    }
    let asked = core.dial().asked().len() - asked_before;
    assert!(calls > 10 && asked <= 2, "{asked} of {calls} calls reached a server that is left alone");

    core.dial().recover();
    while let Err(error) = client.gather(&subject, &trace()).await {
        assert!(matches!(error, CoreError::LeftAlone { .. }), "{error}");
        assert!(began.elapsed() < FOUND_AGAIN_BOUND, "{error}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(client.held_back(), None);
}

#[tokio::test]
async fn answers_that_are_no_outage_never_open_it() {
    let (book, core) = sample().await;
    let client = client(&core.url(Dialect::Wrapped));
    for status in [400, 401, 403, 404] {
        core.dial().down(status);
        for trader in book.traders.iter().take(12) {
            client.gather(&assessment(&trader.assessment_id), &trace()).await.expect_err("refused");
        }
        assert_eq!(client.held_back(), None, "{status}");
    }
}
