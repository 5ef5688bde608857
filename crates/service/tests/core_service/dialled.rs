//! The sample server, its fault dial turned: each class of fault on each route, how often it is tried, what is said.

use std::time::Duration;

use monte_carlo_service::core_service::client::CoreServiceClient;
use monte_carlo_service::core_service::error::CoreError;
use monte_carlo_service::jobs::machine::Fault;
use monte_carlo_service::sample_core::dial::{Route, Trouble};
use monte_carlo_service::sample_core::server::{Dialect, SampleCore};

use crate::support::{TOKEN, assessment, client, client_with, sample, trace};

/// Nobody should wait longer for a sample server, however busy the machine.
const PATIENCE: Duration = Duration::from_secs(60);

const ROUTES: [Route; 2] = [Route::Assessment, Route::Trades];

fn status(status: u16) -> Trouble {
    Trouble::Status { status, retry_after_s: None }
}

fn body(content_type: &'static str, body: &str) -> Trouble {
    Trouble::Body { content_type, body: body.to_owned() }
}

fn patient(core: &SampleCore, dialect: Dialect) -> CoreServiceClient {
    client_with(&core.url(dialect), Some(TOKEN), PATIENCE)
}

fn asked(core: &SampleCore, route: Route) -> usize {
    core.dial().asked().iter().filter(|asked| asked.route == route).count()
}

/// The first trader with a history of more than one page.
fn paged(book: &monte_carlo_service::sample_core::book::Book) -> monte_carlo_engine::Subject {
    let trader = book.traders.iter().find(|trader| trader.ledger.trades.len() > 100).expect("one");
    assessment(&trader.assessment_id)
}

#[tokio::test]
async fn every_class_is_tried_so_often_on_every_route_and_says_which_call_and_how() {
    type Wanted = fn(String) -> Fault;
    let table: [(Trouble, usize, Wanted, &str); 13] = [
        (status(401), 1, Fault::Snooze, "refuses our token"),
        (status(403), 1, Fault::Snooze, "refuses our token"),
        (status(404), 1, Fault::Terminal, "answered 404"),
        (status(429), 3, Fault::Snooze, "answered 429 after 3 tries in "),
        (status(500), 3, Fault::Snooze, "answered 500 after 3 tries in "),
        (status(503), 3, Fault::Snooze, "answered 503 after 3 tries in "),
        (Trouble::CutAfter(7), 3, Fault::Snooze, " after 3 tries in "),
        (body("application/json", "<html>"), 2, Fault::Retry, "expected value"),
        (body("application/json", ""), 2, Fault::Retry, "EOF"),
        (body("application/json", "{\"x\": "), 2, Fault::Retry, "EOF"),
        (body("text/html", "{}"), 2, Fault::Retry, "not JSON"),
        (Trouble::Redirect("/elsewhere".into()), 2, Fault::Retry, "status 307"),
        (Trouble::Padded(80 << 20), 1, Fault::Retry, "more than "),
    ];
    for (trouble, tries, wanted, part) in table {
        for route in ROUTES {
            let (book, core) = sample().await;
            core.dial().spoil(route, trouble.clone());
            let client = patient(&core, Dialect::Wrapped);
            let error = client.gather(&paged(&book), &trace()).await.expect_err("spoilt");
            let said = error.to_string();
            assert_eq!(error.fault(), wanted(said.clone()), "{trouble:?}");
            assert_eq!(asked(&core, route), tries, "{trouble:?} {route:?}: {said}");
            let call =
                if route == Route::Trades { "GET /trades?assessmentId=" } else { "GET /assessments/asm-" };
            assert!(said.contains(part) && said.contains(call), "{trouble:?}: {said}");
            assert!(!said.contains(TOKEN), "{said}");
            assert!(core.dial().asked().iter().all(|asked| asked.route != Route::Other), "not redirected");
        }
    }
}

#[tokio::test]
async fn what_recovers_within_the_tries_is_never_noticed() {
    let (book, core) = sample().await;
    let client = patient(&core, Dialect::Wrapped);
    let undisturbed = client.gather(&paged(&book), &trace()).await.expect("gathered");
    for trouble in [status(503), status(429), Trouble::CutAfter(3), Trouble::Delay(Duration::from_millis(20))]
    {
        for route in ROUTES {
            core.dial().spoil_times(route, trouble.clone(), 2);
            let input = client.gather(&paged(&book), &trace()).await.expect("two faults are no outage");
            assert_eq!(input, undisturbed, "{trouble:?} {route:?}");
        }
    }
    for route in ROUTES {
        core.dial().spoil_times(route, body("text/html", "one moment, please"), 1);
        assert_eq!(client.gather(&paged(&book), &trace()).await.expect("a proxy's moment"), undisturbed);
    }
    assert_eq!(core.dial().broken_rules(), Vec::<String>::new(), "and we always spoke the contract");
}

#[tokio::test]
async fn a_short_retry_after_is_waited_for_and_a_long_one_is_the_jobs_affair() {
    let (book, core) = sample().await;
    let client = patient(&core, Dialect::Wrapped);
    let limited = |seconds| Trouble::Status { status: 429, retry_after_s: Some(seconds) };
    core.dial().spoil_times(Route::Assessment, limited(1), 1);
    client.gather(&paged(&book), &trace()).await.expect("gathered");
    let times: Vec<_> = core.dial().asked().iter().map(|asked| asked.at).collect();
    assert!(times[1] - times[0] >= Duration::from_secs(1), "{:?}", times[1] - times[0]);

    let before = asked(&core, Route::Assessment);
    core.dial().spoil(Route::Assessment, limited(3_600));
    let error = client.gather(&paged(&book), &trace()).await.expect_err("an hour");
    assert!(matches!(error, CoreError::Server { status: 429, .. }), "{error}");
    assert_eq!(asked(&core, Route::Assessment) - before, 1, "{error}");
}

#[tokio::test]
async fn a_slow_server_costs_no_more_than_the_time_of_two_tries() {
    let (book, core) = sample().await;
    core.dial().spoil(Route::Trades, Trouble::Delay(Duration::from_secs(600)));
    let hasty = client_with(&core.url(Dialect::Wrapped), Some(TOKEN), Duration::from_millis(300));
    let error = hasty.gather(&paged(&book), &trace()).await.expect_err("too slow");
    assert!(matches!(&error, CoreError::Unreachable { effort, .. } if effort.tries == 1), "{error}");
    assert!(error.to_string().contains(" after 1 try in "), "{error}");
}

#[tokio::test]
async fn fifty_megabytes_of_history_are_read_and_an_account_of_that_size_is_not() {
    const LARGE: usize = 50 << 20;
    for dialect in [Dialect::Wrapped, Dialect::Bare] {
        let (book, core) = sample().await;
        let client = patient(&core, dialect);
        let subject = paged(&book);
        let undisturbed = client.gather(&subject, &trace()).await.expect("gathered");
        core.dial().spoil_times(Route::Trades, Trouble::Padded(LARGE), 1);
        assert_eq!(client.gather(&subject, &trace()).await.expect("a history may be long"), undisturbed);
        core.dial().spoil(Route::Assessment, Trouble::Padded(LARGE));
        let error = client.gather(&subject, &trace()).await.expect_err("no account is so large");
        assert!(matches!(error, CoreError::TooLarge { limit, .. } if limit == 1 << 20), "{error}");
    }
}

#[tokio::test]
async fn what_breaks_the_contract_is_refused_and_told() {
    let (_, core) = sample().await;
    let url = core.url(Dialect::Wrapped);
    let http = reqwest::Client::new();
    let ask = |path: &str, accept: &'static str| {
        let request = http.get(format!("{url}{path}")).bearer_auth(TOKEN).header("accept", accept);
        async move { request.send().await.expect("an answer").status().as_u16() }
    };
    assert_eq!(ask("/trades?assessmentId=asm-0001&limit=100", "application/json").await, 200);
    assert_eq!(core.dial().broken_rules(), Vec::<String>::new());
    assert_eq!(ask("/trades?assessmentId=asm-0001&limit=101", "application/json").await, 400);
    assert_eq!(ask("/trades?assessmentId=asm-0001&page=2", "application/json").await, 400);
    assert_eq!(ask("/assessments/asm-0001", "text/html").await, 400);
    assert_eq!(core.dial().broken_rules().len(), 3, "{:?}", core.dial().broken_rules());
    let stranger = client_with(&url, None, PATIENCE);
    assert!(stranger.active_funded_accounts(&trace()).await.is_err(), "a bearer is asked for");
    client(&url).active_funded_accounts(&trace()).await.expect("and ours is known");
}

#[tokio::test]
async fn an_open_health_page_does_not_hide_that_the_token_is_refused() {
    let (book, core) = sample().await;
    let client = patient(&core, Dialect::Wrapped);
    core.dial().spoil(Route::Assessment, status(401));
    client.gather(&paged(&book), &trace()).await.expect_err("refused");
    core.dial().spoil(Route::Other, body("application/json", "{}"));
    client.check(PATIENCE).await.expect("it is there");
    let told = client.last_refusal().expect("still a fault of the configuration");
    assert!(told.contains("answered 401; check CORE_SERVICE_TOKEN"), "{told}");
    core.dial().recover();
    client.gather(&paged(&book), &trace()).await.expect("mended");
    assert_eq!(client.last_refusal(), None);
}
