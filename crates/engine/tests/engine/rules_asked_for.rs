//! Rules spelled out by the caller.

use monte_carlo_engine::{Level, Report, TierTerms};
use serde_json::{Value, json};

use crate::support::{account, assessment, book, config, funded, plan, result};

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
        for name in ["daily-loss", "consistency", "every 14 calendar days", "risk per trade"] {
            assert!(report.assumptions.iter().any(|sentence| sentence.contains(name)), "{name}");
        }
        (names, report.rules["drawdown"]["kind"].clone())
    };
    let (left_out, kind) = names("trade");
    let all = ["maxRiskPerTrade", "trailingEndOfDay", "minDays", "dailyLoss", "consistency"];
    assert_eq!(left_out, all);
    assert_eq!(kind, "trailing");
    let (left_out, kind) = names("day");
    assert_eq!(left_out, ["maxRiskPerTrade"]);
    assert_eq!(kind, "trailingEndOfDay");
}

#[test]
fn rules_of_days_make_rows_days_unless_trades_are_asked_for() {
    let at = |rules: Value, level: Option<&str>| {
        let report = run(&book(60), 3, json!({"paths": 50, "level": level, "rules": rules}));
        let said = report.assumptions.iter().any(|sentence| sentence.contains("Rows were made days"));
        (report.level, said)
    };
    for rules in [
        json!({"dailyLoss": {"amount": 100, "of": "dayStart"}}),
        json!({"profitTarget": {"amount": 100}, "minDays": 2}),
        json!({"profitTarget": {"amount": 100}, "consistency": {"fraction": 0.3}}),
        json!({"drawdown": {"kind": "trailingEndOfDay", "amount": 500}}),
    ] {
        assert_eq!(at(rules.clone(), None), (Level::Day, true), "{rules}");
        assert_eq!(at(rules.clone(), Some("day")), (Level::Day, false), "{rules}");
        assert_eq!(at(rules.clone(), Some("trade")), (Level::Trade, false), "{rules}");
    }
    for others in [
        json!({"drawdown": {"kind": "trailing", "amount": 500}, "minTrades": 3, "minDays": 0}),
        json!({"drawdown": {"kind": "trailing", "amount": 500}, "consistency": {"fraction": 0.3}}),
    ] {
        assert_eq!(at(others.clone(), None), (Level::Trade, false), "{others}");
    }
}

/// One path each, of one day that is the history.
fn one_day(pnls: &[f64], sizing: &str, rules: &Value) -> Report {
    let asked = json!({"paths": 20, "steps": 1, "sizing": sizing, "rules": rules});
    run(pnls, pnls.len(), asked)
}

#[test]
fn a_day_that_loses_too_much_is_broken_where_it_did() {
    // Down 300, then 500, then 100 above the day's start.
    let day = [-300.0, -200.0, 600.0];
    for sizing in ["fixed", "proportional"] {
        for (rule, broken) in [
            (json!({"amount": 500, "of": "dayStart"}), true),
            (json!({"amount": 501, "of": "dayStart"}), false),
            (json!({"fraction": 0.05, "of": "initial"}), true),
            (json!({"fraction": 0.0501, "of": "initial"}), false),
            (json!({"fraction": 0.05, "of": "dayStart"}), true),
            (json!({"fraction": 0.0501, "of": "dayStart"}), false),
        ] {
            let report = one_day(&day, sizing, &json!({"dailyLoss": rule, "profitSplit": 1.0}));
            let causes = report.breach_causes;
            assert_eq!(causes.daily_loss, if broken { 20 } else { 0 }, "{rule} {sizing}");
            assert_eq!((causes.drawdown, causes.ruin), (0, 0));
            assert_eq!(report.breach_probability.value, if broken { 1.0 } else { 0.0 });
            let balance = report.percentiles.final_balance.p50;
            let stands = if broken { 9_500.0 } else { 10_100.0 };
            assert!((balance - stands).abs() < 0.002, "{balance}, {rule} {sizing}");
            assert_eq!(report.expected_payout.value > 0.0, !broken);
            assert_eq!(report.rules["dailyLoss"]["of"], rule["of"]);
        }
    }
}

#[test]
fn a_daily_loss_is_measured_from_the_days_start_and_not_from_its_highest_or_the_starts_balance() {
    // Up 400 and down 600: 200 below the day's start, 600 below its highest.
    let rules = json!({"dailyLoss": {"amount": 300, "of": "dayStart"}});
    assert_eq!(one_day(&[400.0, -600.0], "fixed", &rules).breach_causes.daily_loss, 0);
    // Days of −200 each: 600 below the start after three, but never more than 200 in one day.
    let asked = json!({"paths": 20, "steps": 3, "sizing": "fixed", "rules": rules});
    assert_eq!(run(&[-200.0; 4], 1, asked).breach_causes.daily_loss, 0);
}

#[test]
fn a_fraction_of_the_days_start_moves_with_the_balance_and_one_of_the_start_does_not() {
    // +5,000 or −600 a day, from 10,000. A loss of 600 is 6 % of 10,000, and 4 % of 15,000.
    // Of the day's start, 5 %: a loss breaks the account until a gain has come. Two days: broken where the first
    // day loses, 1/2. Of the start, 5 % = 500: broken at any loss, 3/4.
    let broken = |of: &str| {
        let rules = json!({"dailyLoss": {"fraction": 0.05, "of": of}});
        let asked = json!({
            "paths": 200_000, "steps": 2, "model": "iid", "sizing": "fixed", "seed": 4, "rules": rules,
        });
        let report = run(&[5_000.0, -600.0], 1, asked);
        assert_eq!(report.breach_causes.drawdown, 0);
        report.breach_probability.value
    };
    // The standard error is √(p(1 − p) / 200,000): 0.00112 and 0.00097.
    assert!((broken("dayStart") - 0.5).abs() < 3.0 * 0.001_12, "{}", broken("dayStart"));
    assert!((broken("initial") - 0.75).abs() < 3.0 * 0.000_97, "{}", broken("initial"));
}

#[test]
fn dollars_of_a_daily_loss_count_the_more_the_higher_a_compounding_balance_stands() {
    // Days of +50 % and −4 %, compounding from 10,000. A limit of 500: 4 % of 10,000 is 400, of 15,000 is 600, and of
    // 9,600 less. In three days broken where a loss follows a gain, whose balance is at least 9,600² / 10,000 · 1.5:
    // GL?, LGL; and GGL: of 8 orders GLG, GLL, LGL, GGL, so 1/2.
    let asked = json!({
        "paths": 200_000, "steps": 3, "model": "iid", "seed": 8,
        "rules": {"dailyLoss": {"amount": 500, "of": "dayStart"}},
    });
    let seen = run(&[5_000.0, -600.0], 1, asked).breach_probability.value;
    assert!((seen - 0.5).abs() < 3.0 * 0.001_12, "{seen}");
}

#[test]
fn the_higher_of_the_days_floor_and_the_total_one_is_the_cause() {
    // One loss of 1,000 crosses both: the daily floor at 9,400 or 9,600, the total one at 9,500; where they stand at
    // the same height, the total one is said.
    for (daily, by_daily) in [(600, 0), (500, 0), (400, 20)] {
        for sizing in ["fixed", "proportional"] {
            let rules = json!({
                "drawdown": {"kind": "static", "amount": 500}, "dailyLoss": {"amount": daily, "of": "dayStart"},
            });
            let causes = one_day(&[-1_000.0], sizing, &rules).breach_causes;
            assert_eq!((causes.daily_loss, causes.drawdown), (by_daily, 20 - by_daily), "{daily} {sizing}");
        }
    }
    // The loss of everything, with a limit for the day alone.
    let rules = json!({"dailyLoss": {"fraction": 0.9, "of": "dayStart"}});
    let mut input = account(50_000.0, &[-11_000.0], 1);
    input.tier = Some(TierTerms { starting_balance: Some(10_000.0), ..TierTerms::default() });
    let asked = json!({"paths": 5, "steps": 1, "sizing": "fixed", "rules": rules});
    let report = result(&plan(&assessment(), &input, &config(asked)));
    assert_eq!((report.breach_causes.daily_loss, report.breach_causes.ruin), (5, 0));
    assert_eq!(report.ruin_probability.value, 1.0);
}

#[test]
fn an_account_that_lost_too_much_in_a_day_is_not_paid_whatever_its_profit() {
    // It stands at 12,000 of 10,000, loses 600 in a day and is left with a profit of 1,400.
    let at = |amount: u32| {
        let rules = json!({"dailyLoss": {"amount": amount, "of": "dayStart"}, "profitSplit": 1});
        let asked = json!({"paths": 20, "steps": 1, "sizing": "fixed", "rules": rules});
        let mut input = account(10_000.0, &[-600.0], 1);
        input.pnl_data.balance = 12_000.0;
        input.pnl_data.peak = 12_000.0;
        result(&plan(&funded(), &input, &config(asked))).expected_payout.value
    };
    assert_eq!([at(500), at(700)], [0.0, 1_400.0]);
}

#[test]
fn a_daily_loss_beats_a_target_within_a_day() {
    let rules = json!({"dailyLoss": {"amount": 600, "of": "dayStart"}, "profitTarget": {"amount": 1000}});
    let report = one_day(&[-600.0, 2_000.0], "fixed", &rules);
    assert_eq!(report.breach_causes.daily_loss, 20);
    assert_eq!(report.pass_probability.unwrap().value, 0.0);
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

#[test]
fn a_consistency_rule_without_anything_to_pass_is_left_out() {
    let rules = json!({"consistency": {"fraction": 0.3}});
    let report = run(&book(60), 3, json!({"paths": 50, "level": "day", "rules": rules}));
    assert_eq!(report.rules["notSimulated"], json!(["maxRiskPerTrade", "consistency"]));
    assert!(report.assumptions.iter().any(|said| said.contains("consistency rule was left out")));
}

#[test]
fn a_target_reached_with_one_great_day_needs_more_profit_first() {
    // Days of +800 and +300, a target of 1,000, the best day at most 60 % of the profit. Of 8 orders of three days:
    // after two days 800 + 800 passes (800 of 1,600), 800 + 300 and 300 + 800 reach the target but not the rule (800 of
    // 1,100); after three all but 300 + 300 + 300 pass, 800 + 300 + 300 among them (800 of 1,400: 57 %).
    let passed = |consistency: Value| {
        let asked = json!({
            "paths": 200_000, "steps": 3, "model": "iid", "sizing": "fixed", "seed": 6, "level": "day",
            "rules": {"profitTarget": {"amount": 1_000}, "consistency": consistency},
        });
        run(&[800.0, 300.0], 1, asked).fan.passed.unwrap()
    };
    // The standard errors of 1/4, 3/4 and 7/8 are 0.00097, 0.00097 and 0.00074.
    for (seen, expected) in passed(json!({"fraction": 0.6})).iter().zip([0.0, 0.0, 0.25, 0.875]) {
        assert!((seen - expected).abs() < 3.0 * 0.000_97, "{seen} is not {expected}");
    }
    for (seen, expected) in passed(Value::Null).iter().zip([0.0, 0.0, 0.75, 0.875]) {
        assert!((seen - expected).abs() < 3.0 * 0.000_97, "{seen} is not {expected}");
    }
}

#[test]
fn a_best_day_of_exactly_its_part_passes() {
    // 500 a day: after two days the best is half of the profit.
    for (fraction, steps) in [(1.0, 1), (0.5, 2), (0.499_999_999, 3), (0.25, 4)] {
        let rules = json!({"profitTarget": {"amount": 500}, "consistency": {"fraction": fraction}});
        let asked = json!({"paths": 5, "steps": 6, "sizing": "fixed", "rules": rules});
        assert_eq!(run(&[500.0; 3], 1, asked).time_to_pass.unwrap().median_steps, steps, "{fraction}");
    }
}

#[test]
fn a_days_profit_is_from_close_to_close_in_dollars() {
    // Each day up 900, then down 600: 300, whatever its highest. Half of the profit after two days.
    let rules = json!({"profitTarget": {"amount": 300}, "consistency": {"fraction": 0.5}});
    let asked = json!({"paths": 5, "steps": 6, "sizing": "fixed", "rules": rules});
    assert_eq!(run(&[900.0, -600.0], 2, asked).time_to_pass.unwrap().median_steps, 2);
    // 10 % a day: 1,210 of 3,310 dollars on the third day is 36.6 %, 1,331 of 4,641 on the fourth 28.7 %; by returns the
    // third day would be a third.
    let rules = json!({"profitTarget": {"amount": 100}, "consistency": {"fraction": 0.36}});
    let asked = json!({"paths": 5, "steps": 6, "rules": rules});
    assert_eq!(run(&[1_000.0, 1_100.0], 1, asked).time_to_pass.unwrap().median_steps, 4);
}

#[test]
fn the_whole_profit_is_above_the_starting_balance() {
    // An account that stands at 11,000 of 10,000 and makes 200 a day: 200 of 1,200 is a sixth.
    let rules = json!({"profitTarget": {"amount": 1_100}, "consistency": {"fraction": 0.2}});
    let asked = json!({"paths": 5, "steps": 6, "sizing": "fixed", "rules": rules});
    let report = result(&plan(&funded(), &account(10_000.0, &[200.0; 5], 1), &config(asked)));
    assert_eq!(report.time_to_pass.unwrap().median_steps, 1);
}
