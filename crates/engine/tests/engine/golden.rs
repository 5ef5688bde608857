//! Results of twelve histories, to the bit: someone may have stored them. They change only with `ENGINE_VERSION`, and then
//! `golden.json` becomes what this test prints.

use monte_carlo_engine::{ENGINE_VERSION, InputData, Subject};
use serde_json::{Value, json};

use crate::support::{account, assessment, book, config, funded, json as as_json, plan, whole_result};

const GOLDEN: &str = include_str!("golden.json");

/// What is kept of a result beside its digest, so that a reader sees what moved.
const KEPT: [&str; 7] = [
    "/breachProbability",
    "/expectedPayout",
    "/expectedPayoutWeekly/value",
    "/passProbability/value",
    "/riskMetrics/signedVar95",
    "/riskMetrics/maxDrawdown",
    "/exact/breachProbability/value",
];

fn prediction_market(trades: usize) -> Vec<f64> {
    (0..trades).map(|n| if n * n % 9 < 5 { 450.0 } else { -500.0 }).collect()
}

fn streaks(trades: usize) -> Vec<f64> {
    book(trades)
        .into_iter()
        .enumerate()
        .map(|(n, pnl)| pnl.abs() * if n / 6 % 3 == 2 { -1.5 } else { 1.0 })
        .collect()
}

pub(crate) fn requests() -> Vec<(&'static str, Subject, InputData, Value)> {
    let trailing = json!({"drawdown": {"kind": "trailing", "amount": 3000, "lock": {}}, "profitTarget": {"fraction": 0.04}});
    let trailing_regimes = json!({"drawdown": {"kind": "trailing", "fraction": 0.08}});
    let evaluation = json!({
        "drawdown": {"kind": "static", "fraction": 0.04}, "dailyLoss": {"amount": 1000, "of": "dayStart"},
        "profitTarget": {"fraction": 0.06}, "minDays": 4,
    });
    let paying = json!({
        "drawdown": {"kind": "trailingEndOfDay", "fraction": 0.03}, "consistency": {"fraction": 0.5},
        "payout": {"everyDays": 5, "minimum": 50, "cap": 1500},
    });
    let stress = json!({"volatility": 1.25, "meanShift": -0.0001, "slippage": 2});
    vec![
        ("a funded account", funded(), account(100_000.0, &book(150), 3), json!({})),
        ("two winning trades", assessment(), account(50_000.0, &[120.0, 80.0], 1), json!({})),
        ("five trades", assessment(), account(50_000.0, &book(5), 2), json!({"rules": "assessment"})),
        (
            "nothing won and nothing lost",
            funded(),
            account(50_000.0, &[0.0; 12], 2),
            json!({"level": "trade"}),
        ),
        (
            "a prediction market",
            assessment(),
            account(20_000.0, &prediction_market(40), 1),
            json!({"model": "iid", "rules": trailing}),
        ),
        ("streaks", funded(), account(150_000.0, &streaks(120), 4), json!({"horizonDays": 60})),
        (
            "dollars by the day",
            assessment(),
            account(100_000.0, &book(90), 3),
            json!({"sizing": "fixed", "level": "day", "blockLength": 3.5}),
        ),
        ("an evaluation", assessment(), account(100_000.0, &book(200), 5), json!({"rules": evaluation})),
        (
            "payouts by schedule",
            funded(),
            account(100_000.0, &book(300), 2),
            json!({"rules": paying, "model": "circular", "blockLength": 2}),
        ),
        (
            "a stressed law",
            funded(),
            account(200_000.0, &book(80), 1),
            json!({"model": "skewed", "stress": stress}),
        ),
        (
            "regimes, and their worst week again",
            funded(),
            account(100_000.0, &streaks(160), 4),
            json!({"model": "regimes", "stress": {"worstWeek": true}, "rules": trailing_regimes}),
        ),
        (
            "a deviation that moves",
            funded(),
            account(100_000.0, &streaks(240), 3),
            json!({"model": "filtered", "rules": {"drawdown": {"kind": "trailing", "fraction": 0.03}}}),
        ),
    ]
}

fn seen() -> Value {
    let results = requests().into_iter().map(|(name, subject, input, mut asked)| {
        asked["paths"] = json!(701);
        asked["historyReplicates"] = json!(40);
        let result = as_json(&whole_result(&plan(&subject, &input, &config(asked))));
        let kept = KEPT.iter().filter_map(|path| Some(((*path).to_owned(), result.pointer(path)?.clone())));
        let digest = ("/resultDigest".to_owned(), result["resultDigest"].clone());
        (name.to_owned(), Value::Object(kept.chain([digest]).collect()))
    });
    json!({"engineVersion": ENGINE_VERSION, "results": Value::Object(results.collect())})
}

#[test]
fn twelve_histories_give_their_stored_results() {
    let (seen, stored) = (seen(), serde_json::from_str::<Value>(GOLDEN).expect("JSON"));
    assert!(
        seen == stored,
        "golden.json would be now:\n{}",
        serde_json::to_string_pretty(&seen).expect("JSON")
    );
}
