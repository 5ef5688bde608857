//! Filtered historical simulation.

use monte_carlo_engine::{
    Control, Instructions, Plan, PlanError, Report, Shard, VolatilityLaw, run_shard_by,
};
use serde_json::{Value, json};

use crate::support::{
    account, assert_defined, assessment, book, config, json as as_json, plan, result, whole_result,
};

/// Trades that end in a calm or in a storm: the last 30 are a third or three times as large as the others.
fn ending(trades: usize, factor: f64) -> Vec<f64> {
    let last = trades - 30;
    book(trades)
        .into_iter()
        .enumerate()
        .map(|(n, pnl)| if n < last { pnl } else { (pnl * factor).round() })
        .collect()
}

fn run(pnls: &[f64], asked: &Value) -> Report {
    let mut wished =
        json!({"model": "filtered", "sizing": "fixed", "rules": {}, "paths": 20_000, "steps": 10});
    for (key, value) in asked.as_object().expect("an object") {
        wished[key] = value.clone();
    }
    result(&plan(&assessment(), &account(100_000.0, pnls, 4), &config(wished)))
}

#[test]
fn tomorrow_is_as_wild_as_today() {
    for (trades, law) in [(80, VolatilityLaw::Ewma), (400, VolatilityLaw::Garch)] {
        let [calm, storm] = [0.3, 3.0].map(|factor| run(&ending(trades, factor), &json!({})));
        let of = |report: &Report| {
            let fitted = report.fitted.clone().expect("a fit");
            (fitted.deviation, fitted.volatility.expect("a law"))
        };
        let ((all, calm_now), (storm_all, storm_now)) = (of(&calm), of(&storm));
        assert_eq!((calm_now.law, storm_now.law), (law, law));
        assert!(
            calm_now.deviation_now < 0.8 * all && storm_now.deviation_now > 1.2 * storm_all,
            "{calm_now:?} {storm_now:?}"
        );
        // Ten trades of today's deviation, which moves back but slowly.
        let spread = calm.standard_deviation * 100_000.0 / 10.0_f64.sqrt();
        assert!(spread < 0.9 * all && spread > 0.9 * calm_now.deviation_now, "{spread} {all} {calm_now:?}");
        assert!(calm.exact.is_none() && storm.exact.is_none());
    }
}

#[test]
fn the_first_trade_has_todays_deviation_and_the_historys_shape() {
    let pnls = ending(300, 3.0);
    let report = run(&pnls, &json!({"steps": 1, "paths": 200_000}));
    let fitted = report.fitted.expect("a fit");
    let now = fitted.volatility.expect("a law").deviation_now;
    let seen = (report.mean_return * 1e5, report.standard_deviation * 1e5);
    assert!((seen.0 - fitted.mean).abs() < 4.0 * now / 200_000_f64.sqrt(), "{seen:?} {fitted:?}");
    assert!((seen.1 / now - 1.0).abs() < 0.01, "{seen:?} {fitted:?}");
    // Uniform trades stay so: no trade is farther than √3 deviations and some.
    let worst = -report.percentiles.horizon_return.expect("returns").p1 * 1e5;
    assert!(worst > 1.2 * now && worst < 2.6 * now, "{worst} {now}");
}

#[test]
fn what_was_fitted_is_told() {
    let report = run(&ending(400, 3.0), &json!({"sizing": "proportional"}));
    let told = as_json(&report);
    assert_defined("filtered", "", &told);
    let volatility = &told["fitted"]["volatility"];
    let number = |name: &str| volatility[name].as_f64().expect("a number");
    assert_eq!(volatility["law"], json!("garch"));
    assert!((number("alpha") + number("beta") - number("persistence")).abs() < 1e-12);
    assert!(number("persistence") < 1.0 && number("bicGain") > 0.0);
    let deviation = told["fitted"]["deviation"].as_f64().expect("a number");
    let long_run = number("omega") / (1.0 - number("persistence"));
    assert!((long_run / (deviation * deviation) - 1.0).abs() < 1e-9, "variance targeting");
    assert!(!report.warnings.iter().any(|said| said.contains("deviation moves")));
    let report = run(&ending(80, 3.0), &json!({}));
    assert_eq!(
        report
            .warnings
            .iter()
            .filter(|said| said.contains("too short to tell how its deviation moves"))
            .count(),
        1
    );
    assert!(as_json(&report)["fitted"]["volatility"].get("bicGain").is_none());
    let report = run(&book(400), &json!({}));
    assert_eq!(
        report.warnings.iter().filter(|said| said.contains("does not show that its deviation moves")).count(),
        1
    );
}

#[test]
fn the_same_bits_by_any_instructions() {
    for (sizing, rules) in [
        ("proportional", json!("funded")),
        (
            "proportional",
            json!({"drawdown": {"kind": "static", "fraction": 0.02}, "profitTarget": {"fraction": 0.02}}),
        ),
        ("fixed", json!({"drawdown": {"kind": "trailing", "amount": 2_000}})),
    ] {
        let asked = json!({
            "model": "filtered", "sizing": sizing, "rules": rules, "paths": 700, "steps": 60, "stress": {"worstWeek": true},
            "historyReplicates": 0, "level": "trade",
        });
        let plan = plan(&assessment(), &account(100_000.0, &ending(150, 2.0), 4), &config(asked));
        let shard = Shard { first_path: 0, paths: 700 };
        let by = |kind| run_shard_by(kind, &plan, shard, &Control::default()).expect("nobody cancels");
        let reference = by(Instructions::Scalar);
        assert!(
            Instructions::ALL.into_iter().filter(|kind| kind.are_there()).all(|kind| by(kind) == reference)
        );
    }
}

#[test]
fn weighted_histories_are_filtered_anew() {
    // One trade a path: its mean under Dirichlet weights has variance σ² / (n + 1), as that of the drawn rows.
    let half_width = |model: &str, figure: &str| {
        let asked = json!({
            "paths": 50_000, "steps": 1, "sizing": "fixed", "rules": {}, "model": model, "historyReplicates": 1_000,
        });
        let report = whole_result(&plan(&assessment(), &account(100_000.0, &book(150), 4), &config(asked)));
        let told = as_json(&report);
        let estimate = &told["monteCarloErrors"][figure];
        let end = |name: &str| estimate[name].as_f64().expect("an interval");
        (end("historyUpper") - end("historyLower")) / 2.0
    };
    let [drawn, filtered] = ["iid", "filtered"].map(|model| half_width(model, "meanReturn"));
    assert!((filtered / drawn - 1.0).abs() < 0.15, "{filtered} against {drawn}");
    // Today's deviation is told less surely than that of all.
    let [drawn, filtered] = ["iid", "filtered"].map(|model| half_width(model, "standardDeviation"));
    assert!(filtered > 1.1 * drawn, "{filtered} against {drawn}");
}

#[test]
fn histories_that_cannot_be_filtered() {
    let refused = |pnls: &[f64], asked: Value| match Plan::new(
        &assessment(),
        &account(100_000.0, pnls, 1),
        &config(asked),
        100,
    )
    .expect_err("refused")
    {
        PlanError::Field(fault) => fault,
        other => panic!("{other}"),
    };
    let asked = || json!({"model": "filtered", "sizing": "fixed"});
    for (pnls, said) in [
        (book(21), "needs at least 22 rows"),
        (vec![100.0; 60], "the history has 1"),
        (vec![100.0, -100.0], "the history has 2"),
    ] {
        let fault = refused(&pnls, asked());
        assert_eq!((fault.field.as_str(), fault.message.contains(said)), ("config.model", true), "{fault:?}");
    }
    for (asked, field) in [
        (json!({"model": "filtered", "level": "day"}), "config.model"),
        (
            json!({"model": "filtered", "rules": {"dailyLoss": {"amount": 900, "of": "dayStart"}}}),
            "config.model",
        ),
        (json!({"model": "filtered", "blockLength": 3}), "config.blockLength"),
        (json!({"model": "filtered", "stress": {"meanShift": -1}}), "config.model"),
    ] {
        assert_eq!(refused(&book(60), asked).field, field);
    }
    // Eight deviations of the largest residual, a hundred thousand times, are past the fixed point.
    let huge: Vec<f64> = (0..60).map(|n| if n == 30 { 1e9 } else { f64::from(n % 3) }).collect();
    let fault = refused(&huge, json!({"model": "filtered", "sizing": "fixed", "steps": 100_000}));
    assert_eq!(fault.field, "config.steps");
}

#[test]
fn wild_histories_give_defined_results() {
    let mut one_huge = vec![1.0; 150];
    one_huge[120] = 1e9;
    one_huge[121] = -2.0;
    let mut zeros = vec![0.0; 150];
    zeros[148] = 5.0;
    zeros[149] = -5.0;
    let gains: Vec<f64> = (0..60).map(|n| 10.0 + f64::from(n % 7)).collect();
    for pnls in [one_huge, zeros, gains] {
        let asked = json!({"model": "filtered", "sizing": "fixed", "paths": 500, "historyReplicates": 40, "steps": 20, "level": "trade"});
        let input = account(1e6, &pnls, 2);
        assert_defined("wild", "", &as_json(&whole_result(&plan(&assessment(), &input, &config(asked)))));
    }
}
