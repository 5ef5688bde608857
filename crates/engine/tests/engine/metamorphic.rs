//! What must hold between one request and a changed one, for any history.

use monte_carlo_engine::{Plan, Report, Shard, report};
use proptest::prelude::{ProptestConfig, Strategy, prop, prop_assert, prop_assert_eq, proptest};
use serde_json::{Value, json};

use crate::support::{account, assessment, config, execution, funded, json as as_json, plan, result};

/// 2 to 60 trades of up to ± 800 dollars on 50,000.
fn history() -> impl Strategy<Value = Vec<f64>> {
    prop::collection::vec((-80_000_i32..=80_000).prop_map(|cents| f64::from(cents) / 100.0), 2..60)
}

fn run(pnls: &[f64], per_day: usize, asked: Value) -> Report {
    result(&plan(&assessment(), &account(50_000.0, pnls, per_day), &config(asked)))
}

/// The same paths under one drawdown rule; `steps`, `level` and `sizing` alike.
fn under(pnls: &[f64], level: &str, sizing: &str, drawdown: &Value) -> Report {
    let rules = json!({"drawdown": drawdown});
    run(pnls, 3, json!({"paths": 300, "steps": 60, "level": level, "sizing": sizing, "rules": rules}))
}

fn breaches(report: &Report) -> f64 {
    report.breach_probability.value
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_trailing_floor_breaks_no_less_often_than_a_locked_or_a_static_one(
        pnls in history(), fraction in 0.01_f64..0.2, day in prop::bool::ANY, fixed in prop::bool::ANY,
    ) {
        let (level, sizing) = (if day { "day" } else { "trade" }, if fixed { "fixed" } else { "proportional" });
        let at = |kind: &str, lock: Option<f64>| {
            let mut rule = json!({"kind": kind, "fraction": fraction});
            if let Some(offset) = lock { rule["lock"] = json!({"offset": offset}); }
            breaches(&under(&pnls, level, sizing, &rule))
        };
        let (trailing, locked, fixed_floor) = (at("trailing", None), at("trailing", Some(0.0)), at("static", None));
        prop_assert!(trailing >= locked);
        prop_assert!(locked >= fixed_floor);
        let day_close = at("trailingEndOfDay", None);
        prop_assert!(trailing >= day_close && day_close >= fixed_floor);
    }

    #[test]
    fn a_tighter_limit_never_breaks_less(
        pnls in history(), amount in 100.0_f64..5_000.0, more in 1.0_f64..5_000.0, day in prop::bool::ANY,
    ) {
        let level = if day { "day" } else { "trade" };
        for kind in ["static", "trailing", "trailingEndOfDay"] {
            for sizing in ["fixed", "proportional"] {
                let at = |amount: f64| under(&pnls, level, sizing, &json!({"kind": kind, "amount": amount}));
                let (tight, wide) = (at(amount), at(amount + more));
                prop_assert!(breaches(&tight) >= breaches(&wide));
                // Step by step, not only by the horizon.
                for (sooner, later) in tight.fan.breached.iter().zip(&wide.fan.breached) {
                    prop_assert!(sooner >= later);
                }
            }
        }
    }

    #[test]
    fn a_daily_loss_rule_never_breaks_less_and_a_tighter_one_no_less(
        pnls in history(), share in 0.002_f64..0.04, wider in 1.0_f64..3.0, fixed in prop::bool::ANY,
        with_pass in prop::bool::ANY,
    ) {
        let sizing = if fixed { "fixed" } else { "proportional" };
        let at = |daily: Option<Value>| {
            let mut rules = json!({"drawdown": {"kind": "trailing", "fraction": 0.04}});
            if let Some(daily) = daily { rules["dailyLoss"] = daily; }
            if with_pass { rules["profitTarget"] = json!({"fraction": 0.03}); }
            run(&pnls, 3, json!({"paths": 300, "steps": 30, "level": "day", "sizing": sizing, "rules": rules}))
        };
        let without = at(None);
        for rule in [
            |share: f64| json!({"amount": 50_000.0 * share, "of": "initial"}),
            |share: f64| json!({"fraction": share, "of": "initial"}),
            |share: f64| json!({"fraction": share, "of": "dayStart"}),
        ] {
            let (tight, wide) = (at(Some(rule(share))), at(Some(rule(share * wider))));
            for (tight, (wide, without)) in tight.fan.breached.iter()
                .zip(wide.fan.breached.iter().zip(&without.fan.breached))
            {
                prop_assert!(tight >= wide && wide >= without);
            }
        }
    }

    #[test]
    fn a_consistency_rule_never_passes_more_and_a_stricter_one_no_more(
        pnls in history(), fraction in 0.05_f64..0.9, fixed in prop::bool::ANY,
    ) {
        let sizing = if fixed { "fixed" } else { "proportional" };
        let at = |consistency: Value| run(&pnls, 3, json!({
            "paths": 300, "steps": 30, "sizing": sizing, "level": "day", "rules": {
                "drawdown": {"kind": "trailing", "fraction": 0.04}, "profitTarget": {"fraction": 0.02},
                "consistency": consistency,
            },
        })).fan.passed.expect("a target");
        let (strict, mild) = (at(json!({"fraction": fraction})), at(json!({"fraction": fraction * 1.1})));
        for (strict, (mild, without)) in strict.iter().zip(mild.iter().zip(&at(Value::Null))) {
            prop_assert!(strict <= mild && mild <= without);
        }
    }

    #[test]
    fn days_of_one_trade_are_trades(pnls in history(), fixed in prop::bool::ANY) {
        let sizing = if fixed { "fixed" } else { "proportional" };
        let at = |level: &str| run(&pnls, 1, json!({
            "paths": 200, "steps": 40, "level": level, "sizing": sizing, "blockLength": 2,
            "rules": {"drawdown": {"kind": "trailing", "fraction": 0.03}, "profitTarget": {"fraction": 0.05}},
        }));
        let (trades, days) = (at("trade"), at("day"));
        prop_assert_eq!(trades.breach_probability, days.breach_probability);
        prop_assert_eq!(trades.pass_probability, days.pass_probability);
        prop_assert_eq!(trades.percentiles, days.percentiles);
        prop_assert_eq!(trades.fan, days.fan);
    }

    #[test]
    fn intervals_hold_their_values_and_quantiles_are_in_order(pnls in history(), day in prop::bool::ANY) {
        let level = if day { "day" } else { "trade" };
        let report = run(&pnls, 3, json!({"paths": 500, "level": level, "rules": {
            "drawdown": {"kind": "trailing", "fraction": 0.02}, "profitTarget": {"amount": 500}, "minTrades": 3,
        }}));
        let json = as_json(&report);
        let mut seen = 0;
        estimates(&json, &mut |lower, value, upper| {
            seen += 1;
            assert!(lower <= value && value <= upper, "{lower} {value} {upper}");
        });
        prop_assert!(seen >= 10);
        for of in ["finalBalance", "return", "drawdown"] {
            let at = |p: &str| json["percentiles"][of][p].as_f64().unwrap();
            let values = ["p1", "p5", "p25", "p50", "p75", "p95", "p99"].map(at);
            prop_assert!(values.is_sorted(), "{} {:?}", of, values);
        }
        prop_assert!(report.risk_metrics.signed_cvar95 >= report.risk_metrics.signed_var95 - 1e-9);
        let ended = report.pass_probability.unwrap().value + breaches(&report);
        prop_assert!(ended <= 1.0 + 1e-12);
    }

    #[test]
    fn the_order_of_the_list_means_nothing(pnls in history(), turn in 0_usize..60) {
        let mut input = account(50_000.0, &pnls, 3);
        let asked = config(json!({"paths": 100}));
        let before = result(&plan(&funded(), &input, &asked)).result_digest;
        let at = turn % input.trade_history.len();
        input.trade_history.rotate_left(at);
        prop_assert_eq!(result(&plan(&funded(), &input, &asked)).result_digest, before);
    }
}

fn estimates(value: &Value, each: &mut impl FnMut(f64, f64, f64)) {
    let Value::Object(fields) = value else { return };
    let number = |key: &str| fields.get(key).and_then(Value::as_f64);
    for (lower, upper) in [("lower", "upper"), ("historyLower", "historyUpper")] {
        if let (Some(value), Some(lower), Some(upper)) = (number("value"), number(lower), number(upper)) {
            each(lower, value, upper);
        }
    }
    fields.values().for_each(|field| estimates(field, each));
}

#[test]
fn permuted_rows_keep_the_iid_law() {
    let pnls = crate::support::book(90);
    let mut permuted = pnls.clone();
    permuted.reverse();
    permuted.rotate_left(17);
    let at = |pnls: &[f64]| {
        run(
            pnls,
            3,
            json!({
                "paths": 100_000, "model": "iid", "sizing": "fixed", "seed": 5,
                "rules": {"drawdown": {"kind": "trailing", "amount": 2500}},
            }),
        )
    };
    let (one, other) = (at(&pnls), at(&permuted));
    let (p, q) = (breaches(&one), breaches(&other));
    assert!(p > 0.05 && p < 0.95, "{p} says something");
    // Independent samples of one law: 4 deviations of the difference.
    let deviation = (2.0 * p * (1.0 - p) / 100_000.0).sqrt();
    assert!((p - q).abs() < 4.0 * deviation, "{p} {q}");
    assert_ne!(one.result_digest, other.result_digest);
}

#[test]
fn equal_times_are_ordered_by_id() {
    let mut input = account(50_000.0, &[100.0, -200.0, 300.0, -50.0, 20.0], 5);
    let time = input.trade_history[0].timestamp;
    input.trade_history.iter_mut().for_each(|trade| trade.timestamp = time);
    let asked = config(json!({"paths": 50, "blockLength": 2}));
    let before = result(&plan(&funded(), &input, &asked)).result_digest;
    input.trade_history.reverse();
    assert_eq!(result(&plan(&funded(), &input, &asked)).result_digest, before);
    input.trade_history[0].id = "a-first".to_owned();
    assert_ne!(result(&plan(&funded(), &input, &asked)).result_digest, before);
}

#[test]
fn a_tighter_limit_never_breaks_less_path_by_path() {
    let input = account(50_000.0, &crate::support::book(80), 3);
    let planned = |amount: f64| {
        let rules = json!({"drawdown": {"kind": "trailing", "amount": amount}});
        plan(&assessment(), &input, &config(json!({"paths": 200, "steps": 60, "seed": 9, "rules": rules})))
    };
    let (tight, wide) = (planned(1_500.0), planned(2_500.0));
    let broken = |plan: &Plan, first_path| {
        let one = crate::support::run(plan, Shard { first_path, paths: 1 });
        let report = report(plan, &one, &execution());
        (
            report.breach_probability.value == 1.0,
            report.time_to_breach.map_or(f64::MAX, |time| time.mean_steps),
        )
    };
    let (mut only_tight, mut both) = (0, 0);
    for path in 0..200 {
        let ((tight_breaks, tight_step), (wide_breaks, wide_step)) =
            (broken(&tight, path), broken(&wide, path));
        assert!(tight_breaks || !wide_breaks, "path {path}");
        assert!(tight_step <= wide_step, "path {path}");
        only_tight += u32::from(tight_breaks && !wide_breaks);
        both += u32::from(wide_breaks);
    }
    assert!(only_tight > 0 && both > 0, "{only_tight} {both}");
}
