//! Rules spelled out by the caller.

use monte_carlo_engine::{Report, TierTerms};
use serde_json::{Value, json};

use crate::support::{account, assessment, book, config, plan, result};

fn run(pnls: &[f64], per_day: usize, asked: Value) -> Report {
    result(&plan(&assessment(), &account(10_000.0, pnls, per_day), &config(asked)))
}

#[test]
fn rules_that_are_not_simulated_are_named() {
    let rules = json!({
        "drawdown": {"kind": "trailingEndOfDay", "amount": 500},
        "dailyLoss": {"fraction": 0.02, "of": "dayStart"},
        "consistency": {"fraction": 0.3},
        "payout": {"everyDays": 14, "minimum": 50},
        "minDays": 5,
    });
    let names = |level: &str| {
        let report = run(&book(60), 3, json!({"paths": 50, "level": level, "rules": rules}));
        let names = report.rules["notSimulated"].as_array().unwrap().clone();
        for name in ["daily-loss", "consistency", "payout schedule", "risk per trade"] {
            assert!(report.assumptions.iter().any(|sentence| sentence.contains(name)), "{name}");
        }
        (names, report.rules["drawdown"]["kind"].clone())
    };
    let (left_out, kind) = names("trade");
    let all = ["maxRiskPerTrade", "trailingEndOfDay", "minDays", "dailyLoss", "consistency", "payout"];
    assert_eq!(left_out, all);
    assert_eq!(kind, "trailing");
    let (left_out, kind) = names("day");
    assert_eq!(left_out, ["maxRiskPerTrade", "dailyLoss", "consistency", "payout"]);
    assert_eq!(kind, "trailingEndOfDay");
}

#[test]
fn a_breach_beats_a_target_within_a_day() {
    // One day: −600, then +2,000. At its close the target is reached, but the floor was touched on the way.
    let asked = json!({"paths": 20, "steps": 1, "level": "day", "sizing": "fixed", "rules": {
        "drawdown": {"kind": "static", "amount": 600}, "profitTarget": {"amount": 1000},
    }});
    let report = run(&[-600.0, 2_000.0], 2, asked);
    assert_eq!(report.breach_probability.value, 1.0);
    assert_eq!(report.pass_probability.unwrap().value, 0.0);
    assert_eq!(report.percentiles.final_balance.p50, 9_400.0, "the balance stays where it broke");
}

#[test]
fn a_fall_within_a_day_breaks_a_trailing_floor_but_not_an_end_of_day_one() {
    // +900, then −600: 300 above the open at the close, never below it.
    let at = |kind: &str| {
        let rules = json!({"drawdown": {"kind": kind, "amount": 500}});
        run(
            &[900.0, -600.0],
            2,
            json!({"paths": 20, "steps": 1, "level": "day", "sizing": "fixed", "rules": rules}),
        )
    };
    assert_eq!(at("trailing").breach_probability.value, 1.0);
    assert_eq!(at("trailing").percentiles.final_balance.p50, 10_300.0);
    assert_eq!(at("trailingEndOfDay").breach_probability.value, 0.0);
    assert_eq!(
        at("trailing").expected_payout.value,
        0.0,
        "a broken account is not paid, whatever its profit"
    );
    assert_eq!(at("trailingEndOfDay").expected_payout.value, 240.0);
    // Two such days: the floor follows the first close, 10,300 − 500, and the second day stays above it.
    let rules = json!({"drawdown": {"kind": "trailingEndOfDay", "amount": 500}});
    let two = json!({"paths": 20, "steps": 2, "level": "day", "sizing": "fixed", "rules": rules});
    assert_eq!(run(&[900.0, -600.0], 2, two).breach_probability.value, 0.0);
}

#[test]
fn a_touched_floor_is_broken_and_one_unit_above_is_not() {
    for (loss, broken) in [(-500.0, 1.0), (-499.9999, 0.0)] {
        for rule in [json!({"kind": "static", "amount": 500}), json!({"kind": "trailing", "fraction": 0.05})]
        {
            for sizing in ["fixed", "proportional"] {
                let asked = json!({"paths": 5, "steps": 1, "sizing": sizing, "rules": {"drawdown": rule}});
                // 0.0001 dollars of 10,000 are 10⁻⁸ in the logarithm: below its resolution of 6 · 10⁻⁸.
                if sizing == "fixed" || broken == 1.0 {
                    assert_eq!(
                        run(&[loss], 1, asked).breach_probability.value,
                        broken,
                        "{loss} {rule} {sizing}"
                    );
                }
            }
        }
    }
}

#[test]
fn minimum_trades_and_days_hold_a_pass_back() {
    let pass = |level: &str, rules: Value| {
        let asked = json!({"paths": 50, "steps": 12, "level": level, "sizing": "fixed", "rules": rules});
        let report = run(&[100.0; 12], 3, asked);
        report.time_to_pass.map(|time| time.median_steps)
    };
    assert_eq!(pass("trade", json!({"profitTarget": {"amount": 300}})), Some(3));
    assert_eq!(pass("trade", json!({"profitTarget": {"amount": 300}, "minTrades": 7})), Some(7));
    assert_eq!(pass("trade", json!({"minTrades": 1})), Some(1), "any profit will do");
    assert_eq!(pass("day", json!({"minTrades": 7})), Some(3), "three trades a day");
    assert_eq!(pass("day", json!({"profitTarget": {"amount": 300}, "minDays": 5})), Some(5));
    assert_eq!(pass("trade", json!({"profitTarget": {"amount": 1300}})), None);
}

#[test]
fn a_pass_and_a_time_limit_stop_the_path() {
    // Sure gains of 100 a trade, three trades a day.
    let asked = |rules: Value| json!({"paths": 50, "steps": 12, "sizing": "fixed", "rules": rules});
    let passed = run(&[100.0; 12], 3, asked(json!({"profitTarget": {"amount": 300}})));
    assert_eq!(passed.percentiles.final_balance.p50, 10_300.0);
    assert_eq!(passed.expected_payout.value, 240.0);
    let limited = json!({"profitTarget": {"amount": 900}, "timeLimitDays": 2});
    let closed = run(&[100.0; 12], 3, asked(limited));
    assert_eq!(closed.pass_probability.unwrap().value, 0.0);
    assert_eq!(closed.percentiles.final_balance.p50, 10_600.0, "six trades in two days");
    let expected = [10_400.0, 10_500.0, 10_600.0, 10_600.0, 10_600.0, 10_600.0, 10_600.0, 10_600.0, 10_600.0];
    for (median, expected) in closed.fan.balance.p50[4..].iter().zip(expected) {
        assert!((median - expected).abs() < 3.0, "within a bin: {:?}", closed.fan.balance.p50);
    }
    assert_eq!(closed.rules["timeLimitSteps"], 6);
}

#[test]
fn the_higher_of_two_floors_is_the_cause() {
    // One loss of everything crosses the rule's floor and ruin in one move.
    let rules = json!({"drawdown": {"kind": "static", "amount": 500}});
    let mut input = account(50_000.0, &[-11_000.0], 1);
    input.tier = Some(TierTerms { starting_balance: Some(10_000.0), ..TierTerms::default() });
    let asked = json!({"paths": 5, "steps": 1, "sizing": "fixed", "rules": rules});
    let report = result(&plan(&assessment(), &input, &config(asked)));
    assert_eq!((report.breach_probability.value, report.ruin_probability.value), (1.0, 1.0));
    assert_eq!(report.breach_causes.drawdown, 5);
    assert_eq!(report.breach_causes.ruin, 0);
}
