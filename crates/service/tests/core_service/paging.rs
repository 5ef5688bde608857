//! Histories that move while they are read.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use axum::extract::{Query, State};
use axum::http::HeaderMap;
use axum::routing::get;
use axum::{Json, Router};
use serde_json::{Value, json};

use crate::support::{TOKEN, assessment, gather, serve};

type Parameters = BTreeMap<String, String>;

/// Trades by number, newest first; a new one arrives after the first page.
#[derive(Default)]
struct Fake {
    newest: Mutex<u64>,
    page_max: usize,
    asked: Mutex<Vec<(Parameters, HeaderMap)>>,
}

fn fake(trades: u64, page_max: usize) -> (Arc<Fake>, Router) {
    let fake = Arc::new(Fake { newest: Mutex::new(trades), page_max, ..Fake::default() });
    let account = json!({ "assessment": { "id": 7, "tier": { "startingBalance": "50000.00" },
        "virtualAccount": { "currentBalance": 50_000, "startingBalance": 50_000, "extra": [1] } } });
    let app = Router::new()
        .route("/core/assessments/a%201", get(async move || Json(account)))
        .route("/core/trades", get(trades_page))
        .with_state(Arc::clone(&fake));
    (fake, app)
}

async fn trades_page(
    State(fake): State<Arc<Fake>>,
    Query(query): Query<Parameters>,
    headers: HeaderMap,
) -> Json<Value> {
    let number = |name: &str| query[name].parse::<usize>().expect("a number");
    let mut newest = fake.newest.lock().expect("no panic under it");
    let trade = |id: u64| json!({ "id": id, "pnl": null, "timestamp": 1_700_000_000_000 + id as i64 });
    let ids = (1..=*newest).rev().skip(number("offset")).take(number("limit").min(fake.page_max));
    let page = json!({ "trades": ids.map(trade).collect::<Vec<_>>(), "total": *newest });
    *newest += 1;
    fake.asked.lock().expect("no panic under it").push((query, headers));
    Json(page)
}

#[tokio::test]
async fn two_hundred_and_fifty_trades_arrive_while_more_are_made() {
    for page_max in [100, 50, 33] {
        let (fake, app) = fake(250, page_max);
        let url = format!("{}/core/", serve(app).await);
        let input = gather(&url, &assessment("a 1")).await.expect("gathered");
        let ids: Vec<u64> =
            input.trade_history.iter().map(|trade| trade.id.parse().expect("digits")).collect();
        assert_eq!(ids, (1..=250).collect::<Vec<_>>(), "pages of {page_max}");
        assert!(input.trade_history.iter().all(|trade| trade.pnl == 0.0), "an absent pnl is none");

        let asked = fake.asked.lock().expect("no panic under it");
        assert!(asked.len() <= 250 / page_max + 4, "{} pages of {page_max}", asked.len());
        for (query, headers) in asked.iter() {
            assert_eq!(query["assessmentId"], "a 1");
            assert_eq!(query["assessment_id"], "a 1", "both spellings");
            assert_eq!(headers["authorization"], format!("Bearer {TOKEN}").as_str());
            assert_eq!(headers["x-correlation-id"], "corr-1");
            assert_eq!(headers["traceparent"].len(), 55);
        }
    }
}

#[tokio::test]
async fn what_is_withdrawn_meanwhile_hides_no_other_trade() {
    let list: Arc<Mutex<Vec<u64>>> = Arc::new(Mutex::new((1..=301).rev().collect()));
    let account = json!({ "id": 7, "virtualAccount": { "balance": 50_000, "pnl": 0 } });
    let shared = list.clone();
    let page = async move |Query(query): Query<Parameters>| {
        let number = |name: &str| query[name].parse::<usize>().expect("a number");
        let mut list = shared.lock().expect("no panic under it");
        let trade = |id: &u64| json!({ "id": id, "pnl": 1, "timestamp": 1_700_000_000_000 + *id as i64 });
        let items: Vec<_> = list.iter().skip(number("offset")).take(number("limit")).map(trade).collect();
        let page = json!({ "trades": items, "total": list.len() });
        // Two that were read already.
        if list.len() > 290 {
            list.drain(3..5);
        }
        Json(page)
    };
    let app =
        Router::new().route("/assessments/a", get(async move || Json(account))).route("/trades", get(page));
    let input = gather(&serve(app).await, &assessment("a")).await.expect("gathered");
    let ids: Vec<u64> = input.trade_history.iter().map(|trade| trade.id.parse().expect("digits")).collect();
    assert!(ids.is_sorted_by(|a, b| a < b), "none twice: {ids:?}");
    let left = list.lock().expect("no panic under it");
    assert!(left.len() < 301 && left.iter().all(|id| ids.contains(id)), "none lost: {ids:?}");
}

#[tokio::test]
async fn what_is_missing_is_assumed_and_said() {
    let (_, app) = fake(3, 100);
    let input = gather(&format!("{}/core", serve(app).await), &assessment("a 1")).await.expect("gathered");
    assert_eq!(input.pnl_data.peak, 50_000.0);
    assert_eq!(input.tier.expect("terms").starting_balance, Some(50_000.0), "numbers in quotes");
    assert!(input.assumptions[0].contains("no peak balance"), "{:?}", input.assumptions);
}
