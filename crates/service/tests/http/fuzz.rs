//! Whatever is sent, the service never blames itself: no body and no path ends in a 5xx.

use monte_carlo_service::http::CORRELATION_ID;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde_json::{Value, json};
use tokio::runtime::Runtime;

use crate::service::Service;

fn valid() -> Value {
    json!({
        "assessmentId": "a-1",
        "config": {
            "paths": 10, "steps": 3, "blockLength": 2.5, "seed": 1, "level": "day", "model": "iid", "sizing": "fixed",
            "rules": {"drawdown": {"kind": "trailing", "fraction": 0.1, "lock": {"offset": 0}},
                "dailyLoss": {"amount": 5, "of": "dayStart"}, "payout": {"everyDays": 14, "minimum": 100}},
        },
        "inputData": {
            "tradeHistory": [{"id": "t", "pnl": 1.5, "timestamp": "2026-01-01T00:00:00Z"}, {"pnl": -1, "timestamp": 5}],
            "pnlData": {"balance": 1, "peak": 2}, "tier": {"name": "Elite"},
        },
    })
}

fn odd() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        prop_oneof![Just(0.0), Just(-0.0), Just(f64::MIN_POSITIVE), Just(f64::MAX)].prop_map(Value::from),
        ".{0,20}".prop_map(Value::from),
        Just(json!([])),
        Just(json!({})),
        Just(json!([[], {}, null, 1e300])),
    ]
}

/// Puts `odd` in the place of the `at`-th value, counted depth first.
fn mutate(value: &mut Value, at: &mut usize, odd: &Value) {
    if *at == 0 {
        *value = odd.clone();
    }
    *at = at.wrapping_sub(1);
    match value {
        Value::Array(items) => items.iter_mut().for_each(|item| mutate(item, at, odd)),
        Value::Object(fields) => fields.values_mut().for_each(|field| mutate(field, at, odd)),
        _ => {}
    }
}

fn hold<S: Strategy>(cases: u32, strategy: &S, test: impl Fn(&Runtime, &Service, S::Value)) {
    let runtime = Runtime::new().unwrap();
    let service = runtime.block_on(Service::start());
    TestRunner::new(Config { cases, failure_persistence: None, ..Config::default() })
        .run(strategy, |value| {
            test(&runtime, &service, value);
            Ok(())
        })
        .unwrap();
}

#[test]
fn random_bytes_are_a_bad_request() {
    hold(400, &proptest::collection::vec(any::<u8>(), 0..200), |runtime, service, bytes| {
        let answer = runtime.block_on(service.post(bytes));
        assert_eq!(answer.refusal().0, 400);
    });
}

#[test]
fn mutated_orders_are_taken_or_refused() {
    let texts = (
        proptest::collection::vec((0..60_usize, odd()), 1..4),
        any::<proptest::sample::Index>(),
        any::<u8>(),
        0..4,
    )
        .prop_map(|(mutations, index, byte, how)| {
            let mut value = valid();
            for (mut at, odd) in mutations {
                mutate(&mut value, &mut at, &odd);
            }
            let mut text = value.to_string().into_bytes();
            let at = index.index(text.len());
            match how {
                0 => text[at] = byte,
                1 => text.truncate(at),
                _ => {}
            }
            text
        });
    hold(1_500, &texts, |runtime, service, text| {
        let shown = String::from_utf8_lossy(&text).into_owned();
        let answer = runtime.block_on(service.post(text));
        assert!(matches!(answer.status, 202 | 400 | 422), "{shown}: {} {}", answer.status, answer.text);
        assert!(answer.headers.contains_key(CORRELATION_ID));
        if answer.status != 202 {
            answer.refusal();
        }
    });
}

#[test]
fn random_paths_and_queries_are_taken_or_refused() {
    let paths = ("(/|/simulations|/simulations/|/ready)", "[!-~]{0,30}", any::<bool>())
        .prop_map(|(start, rest, is_query)| format!("{start}{}{rest}", if is_query { "?" } else { "" }))
        .prop_filter("a fragment is never sent", |path| !path.contains('#'));
    hold(400, &paths, |runtime, service, path| {
        let answer = runtime.block_on(service.get(&path));
        assert!(matches!(answer.status, 200 | 400 | 404), "{path}: {}", answer.status);
    });
}
