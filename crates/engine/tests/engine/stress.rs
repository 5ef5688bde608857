//! Stressed histories.

use monte_carlo_engine::{InputData, Plan, PlanError};
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

/// An account with a trade a day but on the days off; the week from the 9th to the 15th day is its worst.
fn weekly(pnls: &[f64]) -> InputData {
    account(1_000.0, pnls, 1)
}

#[test]
fn the_worst_week_comes_once_on_every_path() {
    // Seven losses of 10 dollars in a row among gains of 1: without them no path loses.
    let mut pnls = vec![1.0; 40];
    pnls[12..19].fill(-10.0);
    for level in ["trade", "day"] {
        // The week alone: 930 dollars on every path.
        let asked = |steps: u32, stress: Value| {
            json!({
                "paths": PATHS, "steps": steps, "model": "iid", "sizing": "fixed", "level": level, "seed": 5, "rules": {},
                "stress": stress, "historyReplicates": 0,
            })
        };
        let run = |steps, stress| result(&plan(&assessment(), &weekly(&pnls), &config(asked(steps, stress))));
        let opening = 1_000.0;
        let week = json!({"worstWeek": true});
        let report = run(7, week.clone());
        assert_eq!(
            (report.percentiles.final_balance.p1, report.percentiles.final_balance.p99),
            (opening - 70.0, opening - 70.0)
        );
        let said = report.worst_week.clone().expect("a week");
        // The 13th trade is of 13 January.
        assert_eq!((said.first_day.as_str(), said.last_day.as_str()), ("2026-01-13", "2026-01-19"));
        assert_eq!((said.rows, said.trades, said.change), (7, 7, -70.0));
        // Two rows beside the week's: each +1 but for 7 of 40.
        let report = run(9, week);
        let mean = -70.0 + 2.0 * (33.0 - 70.0) / 40.0;
        let error = 2.0_f64.sqrt() * 11.0 * (7.0_f64 * 33.0).sqrt() / 40.0 / (PATHS as f64).sqrt();
        assert!((report.mean_return * opening - mean).abs() < 3.0 * error);
        assert!(report.exact.is_none());
        // Not asked for, it is not there.
        let report = run(7, json!({"worstWeek": false}));
        assert!(report.worst_week.is_none());
        assert_eq!(report.percentiles.final_balance.p99, opening + 7.0);
    }
}

#[test]
fn the_worst_week_is_that_of_the_stressed_history() {
    // A week of large trades that gains a little, and one of many small ones that loses less than slippage takes.
    let pnls: Vec<f64> =
        (0..28).map(|n| if n < 14 { [90.0, -91.0][n % 2] } else { [-5.0, 5.1][n % 2] }).collect();
    let week = |stress: Value| {
        let asked = json!({"paths": 100, "sizing": "fixed", "stress": stress, "level": "trade"});
        result(&plan(&assessment(), &weekly(&pnls), &config(asked))).worst_week.expect("a week")
    };
    let own = week(json!({"worstWeek": true}));
    let shifted = week(json!({"worstWeek": true, "slippage": 3}));
    assert_eq!((own.rows, shifted.rows), (7, 7));
    assert!((shifted.change - (own.change - 21.0)).abs() < 1e-9);
    // Half as far from their mean of −0.225: the other week of losses stays the worst.
    let calm = week(json!({"worstWeek": true, "volatility": 0.5}));
    assert!((calm.change - (0.5 * own.change + 0.5 * 7.0 * -0.225)).abs() < 1e-3, "{calm:?} {own:?}");
}

#[test]
fn a_week_longer_than_a_path_is_refused_and_one_without_a_loss_warned_of() {
    let asked = json!({"steps": 6, "stress": {"worstWeek": true}});
    let fault =
        Plan::new(&assessment(), &account(1e5, &book(80), 1), &config(asked), 100).expect_err("7 rows");
    assert!(matches!(fault, PlanError::Field(fault) if fault.field == "config.stress.worstWeek"));
    let asked = json!({"paths": 100, "steps": 9, "stress": {"worstWeek": true}});
    let report = result(&plan(&assessment(), &account(1e5, &[10.0; 20], 1), &config(asked)));
    assert!(report.warnings.iter().any(|said| said.contains("worst week of the history lost nothing")));
    assert_eq!(report.assumptions.iter().filter(|said| said.contains("worst week once")).count(), 1);
    assert!(!report.assumptions.iter().any(|said| said.contains("The history is stressed")));
}

#[test]
fn weighted_histories_keep_the_worst_week() {
    // Nothing but the week loses, and no weight takes it away: every path of every history ends at least 70 lower.
    let mut pnls = vec![1.0; 40];
    pnls[12..19].fill(-10.0);
    for model in ["iid", "stationary", "circular"] {
        let asked = json!({
            "paths": 2_000, "steps": 9, "model": model, "sizing": "fixed", "stress": {"worstWeek": true},
            "blockLength": if model == "iid" { 1 } else { 3 }, "historyReplicates": 60, "rules": {},
        });
        let report = whole_result(&plan(&assessment(), &weekly(&pnls), &config(asked)));
        let mean = report.monte_carlo_errors.mean_return.expect("an error");
        let opening = 1_000.0;
        let (lower, upper) =
            (mean.history_lower.expect("an interval"), mean.history_upper.expect("an interval"));
        assert!(
            lower * opening > -90.0 - 1e-9 && upper * opening < -68.0 + 1e-9 && lower < upper,
            "{mean:?}"
        );
    }
}
