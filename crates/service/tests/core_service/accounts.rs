//! The list of active accounts: over pages where a server has pages, through a cut in the middle.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use monte_carlo_service::core_service::error::CoreError;
use serde_json::{Value, json};

use crate::support::{client, serve, trace};

/// Lists accounts by number, every third closed, a page at a time; keeps what it was asked.
#[derive(Default)]
struct Fake {
    accounts: Mutex<Vec<u64>>,
    page_max: usize,
    /// Answers in the middle that are 503 before one is none.
    cuts: Mutex<usize>,
    /// After the first page the first account goes.
    shrinks: bool,
    /// The first page, whatever the offset.
    stuck: bool,
    asked: Mutex<Vec<BTreeMap<String, String>>>,
}

async fn listed(State(fake): State<Arc<Fake>>, Query(query): Query<BTreeMap<String, String>>) -> Response {
    fake.asked.lock().expect("no panic under it").push(query.clone());
    let number = |name: &str| query.get(name).map_or(0, |text| text.parse::<usize>().expect("a number"));
    let offset = if fake.stuck { 0 } else { number("offset") };
    let mut cuts = fake.cuts.lock().expect("no panic under it");
    if number("offset") > 0 && *cuts > 0 {
        *cuts -= 1;
        return StatusCode::SERVICE_UNAVAILABLE.into_response();
    }
    let mut accounts = fake.accounts.lock().expect("no panic under it");
    let account = |number: &u64| {
        let status = if number.is_multiple_of(3) { "closed" } else { "active" };
        json!({ "id": format!("fnd-{number:04}"), "status": status, "tier": "as it pleases", "balance": [] })
    };
    let page: Vec<Value> = accounts.iter().skip(offset).take(fake.page_max).map(account).collect();
    let answer = Json(json!({ "fundedAccounts": page, "total": accounts.len() }));
    if fake.shrinks && offset == 0 {
        accounts.remove(0);
    }
    answer.into_response()
}

async fn list(fake: Fake, count: u64) -> (Arc<Fake>, Result<Vec<String>, CoreError>) {
    let fake = Arc::new(Fake { accounts: Mutex::new((1..=count).rev().collect()), ..fake });
    let app = Router::new().route("/funded-accounts", get(listed)).with_state(fake.clone());
    let listed = client(&serve(app).await).active_funded_accounts(&trace()).await;
    (fake, listed)
}

fn active(count: u64) -> Vec<String> {
    (1..=count).filter(|number| number % 3 > 0).map(|number| format!("fnd-{number:04}")).collect()
}

#[tokio::test]
async fn every_page_is_read_where_there_are_pages() {
    for page_max in [1_000, 100, 33] {
        let (fake, listed) = list(Fake { page_max, ..Fake::default() }, 250).await;
        assert_eq!(listed.expect("listed"), active(250), "pages of {page_max}");
        let asked = fake.asked.lock().expect("no panic under it");
        assert_eq!(asked.len(), 250_usize.div_ceil(page_max));
        let first = BTreeMap::from([("status".to_owned(), "active".to_owned())]);
        assert_eq!(asked[0], first, "a strict server refuses to be asked for pages that it has not");
    }
}

#[tokio::test]
async fn an_account_that_goes_meanwhile_hides_no_other() {
    let (_, listed) = list(Fake { page_max: 100, shrinks: true, ..Fake::default() }, 251).await;
    let listed = listed.expect("listed");
    assert_eq!(listed, active(251), "the account at the border moved up past it");
}

#[tokio::test]
async fn a_cut_in_the_middle_costs_a_page_and_a_longer_one_is_told() {
    let (fake, listed) = list(Fake { page_max: 100, cuts: Mutex::new(2), ..Fake::default() }, 250).await;
    assert_eq!(listed.expect("listed"), active(250));
    let asked = std::mem::take(&mut *fake.asked.lock().expect("no panic under it"));
    let offsets: Vec<_> = asked.iter().map(|query| query.get("offset").map_or("0", String::as_str)).collect();
    assert_eq!(offsets, ["0", "100", "100", "100", "200"], "what had come is not asked for again");

    let (_, listed) = list(Fake { page_max: 100, cuts: Mutex::new(3), ..Fake::default() }, 250).await;
    let error = listed.expect_err("three tries");
    assert!(
        matches!(&error, CoreError::Server { call, status: 503, effort }
            if call == "GET /funded-accounts?status=active&limit=100&offset=100" && effort.tries == 3),
        "{error}"
    );
}

#[tokio::test]
async fn pages_that_never_end_are_garbage() {
    let (_, listed) = list(Fake { page_max: 10, stuck: true, ..Fake::default() }, 250).await;
    let error = listed.expect_err("the same page for ever");
    assert!(matches!(&error, CoreError::Garbage { cause, .. } if cause.contains("10 accounts")), "{error}");
}
