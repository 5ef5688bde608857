//! Stressed histories.

use monte_carlo_engine::{Plan, PlanError};
use proptest::prelude::{ProptestConfig, prop, prop_assert, proptest};
use serde_json::{Value, json};

use crate::support::{
    account, assessment, book, config, funded, json as as_json, plan, result, whole_result,
};

const PATHS: u64 = 200_000;

/// IID steps, dollars that add up, from 1,000 dollars with a floor 40 below.
fn fixed(pnls: &[f64], steps: u32, stress: &Value) -> f64 {
    let asked = json!({
        "paths": PATHS, "steps": steps, "model": "iid", "sizing": "fixed", "seed": 5, "stress": stress,
        "rules": {"drawdown": {"kind": "static", "amount": 40}},
    });
    result(&plan(&assessment(), &account(1_000.0, pnls, 1), &config(asked))).breach_probability.value
}

fn assert_within_three_errors(seen: f64, expected: f64) {
    let error = (expected * (1.0 - expected) / PATHS as f64).sqrt();
    assert!((seen - expected).abs() <= 3.0 * error, "{seen} is not {expected} ± 3 · {error}");
}

#[test]
fn two_trades_by_hand() {
    // +30 and −10, mean 10: no two of them lose 40.
    let pnls = [30.0, -10.0];
    assert_eq!(fixed(&pnls, 2, &json!({})), 0.0);
    // 10 ± 40: one loses 30, two lose 60.
    assert_eq!(fixed(&pnls, 1, &json!({"volatility": 2})), 0.0);
    assert_within_three_errors(fixed(&pnls, 2, &json!({"volatility": 2})), 0.25);
    // 10 ± 50: one loses 40.
    assert_within_three_errors(fixed(&pnls, 1, &json!({"volatility": 2.5})), 0.5);
    // +20 and −20: two lose 40.
    assert_within_three_errors(fixed(&pnls, 2, &json!({"meanShift": -10})), 0.25);
    assert_within_three_errors(fixed(&pnls, 2, &json!({"slippage": 10})), 0.25);
    assert_eq!(fixed(&pnls, 2, &json!({"slippage": 9.99})), 0.0);
    // −10 and −50, then the first loses within four trades at the latest.
    assert_within_three_errors(fixed(&pnls, 2, &json!({"slippage": 40})), 0.75);
    assert_eq!(fixed(&pnls, 4, &json!({"slippage": 40})), 1.0);
}

#[test]
fn a_return_of_minus_one_is_ruin_at_both_levels() {
    // The first trade of each day loses 50,000 dollars on a balance of 50,000 or more and gains nothing.
    for level in ["trade", "day"] {
        let asked = json!({
            "paths": 1_000, "steps": 1, "model": "iid", "level": level, "rules": {}, "stress": {"meanShift": -1},
        });
        let report = result(&plan(&assessment(), &account(50_000.0, &[-100.0, -50.0], 2), &config(asked)));
        assert_eq!((report.ruin_probability.value, report.breach_causes.ruin), (1.0, 1_000), "{level}");
    }
}

#[test]
fn nothing_made_worse_leaves_every_bit() {
    for level in ["trade", "day"] {
        for sizing in ["proportional", "fixed"] {
            let mut asked = json!({"paths": 400, "level": level, "sizing": sizing, "historyReplicates": 40});
            let run = |asked: &Value| {
                as_json(&whole_result(&plan(
                    &funded(),
                    &account(100_000.0, &book(150), 3),
                    &config(asked.clone()),
                )))
            };
            let own = run(&asked);
            assert!(own.get("stress").is_none());
            asked["stress"] = json!({"volatility": 1.0, "meanShift": 0.0, "slippage": 0.0});
            let mut stressed = run(&asked);
            assert_eq!(stressed["stress"], asked["stress"]);
            let said = stressed["assumptions"].as_array_mut().unwrap();
            let before = said.len();
            said.retain(|sentence| !sentence.as_str().unwrap().contains("The history is stressed"));
            assert_eq!(said.len(), before - 1);
            stressed.as_object_mut().unwrap().remove("stress");
            stressed["resultDigest"] = own["resultDigest"].clone();
            assert_eq!(stressed, own);
        }
    }
}

#[test]
fn weighted_histories_and_the_lattice_see_the_stressed_trades() {
    // The other history is the stressed one, written down.
    let pnls: Vec<f64> = (0..60).map(|n| f64::from(n * 37 % 61 * 20 - 560)).collect();
    let mean = pnls.iter().sum::<f64>() / 60.0;
    assert_eq!(mean, 42.0);
    let worse: Vec<f64> = pnls.iter().map(|pnl| mean + 2.5 * (pnl - mean) - 12.0 - 8.0).collect();
    let run = |pnls: &[f64], stress: Value| {
        let asked = json!({
            "paths": 5_000, "steps": 60, "model": "iid", "sizing": "fixed", "historyReplicates": 80, "stress": stress,
            "rules": {"drawdown": {"kind": "static", "amount": 6_000}},
        });
        whole_result(&plan(&assessment(), &account(100_000.0, pnls, 3), &config(asked)))
    };
    let stressed = run(&pnls, json!({"volatility": 2.5, "meanShift": -12, "slippage": 8}));
    let written = run(&worse, Value::Null);
    assert!(written.breach_probability.value > 0.05 && written.breach_probability.history_upper.is_some());
    assert_eq!(stressed.breach_probability, written.breach_probability);
    assert!(written.exact.is_some());
    assert_eq!(stressed.exact, written.exact);
    assert_eq!(stressed.fan, written.fan);
}

#[test]
fn a_stress_past_the_fixed_point_is_refused() {
    let asked = json!({"sizing": "fixed", "steps": 100_000, "stress": {"meanShift": 1e10}});
    let fault =
        Plan::new(&assessment(), &account(1e5, &book(20), 1), &config(asked), 100).expect_err("too far");
    assert!(matches!(fault, PlanError::Field(fault) if fault.field == "config.steps"));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn more_slippage_never_breaks_less(
        cents in prop::collection::vec(-80_000_i32..=80_000, 2..60), slippage in 0.0_f64..300.0, more in 0.0_f64..300.0,
        day in prop::bool::ANY, fixed in prop::bool::ANY,
    ) {
        let pnls: Vec<f64> = cents.into_iter().map(|cents| f64::from(cents) / 100.0).collect();
        let (level, sizing) = (if day { "day" } else { "trade" }, if fixed { "fixed" } else { "proportional" });
        for kind in ["static", "trailing"] {
            // Without a block length: the history's own is kept under stress.
            let run = |slippage: f64| {
                let asked = json!({
                    "paths": 300, "steps": 60, "level": level, "sizing": sizing, "stress": {"slippage": slippage},
                    "rules": {"drawdown": {"kind": kind, "amount": 3_000, "lock": if kind == "static" { json!(null) } else { json!({}) }}},
                });
                result(&plan(&assessment(), &account(50_000.0, &pnls, 3), &config(asked)))
            };
            let (less, most) = (run(slippage), run(slippage + more));
            for (fewer, many) in less.fan.breached.iter().zip(&most.fan.breached) {
                prop_assert!(many >= fewer);
            }
        }
    }
}
