//! Laws fitted to a history.

use monte_carlo_engine::{Plan, PlanError, Report};
use serde_json::{Value, json};

use crate::closed_forms::assert_within_errors;
use crate::support::{account, assessment, book, config, json as as_json, plan, result, whole_result};

/// Log-returns as dollars of an account that started with 100,000.
fn compounding(log_returns: impl IntoIterator<Item = f64>) -> Vec<f64> {
    let mut balance = 100_000.0;
    let pnl = |log_return: f64| {
        let pnl = balance * libm::expm1(log_return);
        balance += pnl;
        pnl
    };
    log_returns.into_iter().map(pnl).collect()
}

fn run(pnls: &[f64], asked: Value) -> Report {
    result(&plan(&assessment(), &account(100_000.0, pnls, 4), &config(asked)))
}

#[test]
fn a_brownian_motion_watched_once_a_day_meets_one_barrier() {
    // Three values of mean μ = 0.0005 and deviation σ = 0.01 are all that the normal law takes from a history; 252 days, a
    // static floor 0.10 below in log-equity. 0.263266.
    let paths = 200_000;
    let wide = 0.01 * 1.5_f64.sqrt();
    let pnls = compounding((0..300).map(|n| 0.000_5 + [-wide, 0.0, wide][n % 3]));
    let rules = json!({"drawdown": {"kind": "static", "fraction": -libm::expm1(-0.1)}});
    let asked = json!({"paths": paths, "steps": 252, "model": "normal", "seed": 21, "rules": rules});
    let report = run(&pnls, asked);
    assert_within_errors(report.breach_probability.value, 0.263_266, paths);
    let exact = report.exact.expect("a lattice").breach_probability;
    assert!((exact.value - 0.263_266).abs() < exact.error, "{exact:?}");
    let fitted = report.fitted.expect("a law");
    assert!((fitted.mean - 0.000_5).abs() < 1e-7 && (fitted.deviation - 0.01).abs() < 1e-7, "{fitted:?}");
    assert_eq!((fitted.degrees_of_freedom, fitted.skewness), (None, None));
}

#[test]
fn every_law_keeps_the_mean_and_the_deviation_of_the_history() {
    let pnls = book(150);
    let mean = pnls.iter().sum::<f64>() / 150.0;
    let variance = pnls.iter().map(|pnl| (pnl - mean) * (pnl - mean)).sum::<f64>() / 150.0;
    let paths = 100_000_u32;
    for model in ["normal", "studentT", "skewed"] {
        let asked =
            json!({"paths": paths, "steps": 20, "sizing": "fixed", "model": model, "rules": {}, "seed": 4});
        let report = run(&pnls, asked);
        let seen = (report.mean_return * 100_000.0 / 20.0, report.variance * 1e10 / 20.0);
        let error = (variance / f64::from(20 * paths)).sqrt();
        assert!((seen.0 - mean).abs() < 3.0 * error, "{model}: {seen:?} {mean} ± 3 · {error}");
        // The sum of 20 is nearly normal: the variance of its sample variance is 2 σ⁴ / n.
        let error = variance * (2.0 / f64::from(paths)).sqrt();
        assert!((seen.1 - variance).abs() < 3.0 * error, "{model}: {seen:?} {variance} ± 3 · {error}");
        let fitted = report.fitted.expect("a law");
        assert!((fitted.mean - mean).abs() < 1e-9 && (fitted.deviation - variance.sqrt()).abs() < 1e-9);
    }
}

#[test]
fn the_parameters_that_a_law_has_are_told() {
    let told = |model: &str| as_json(&run(&book(150), json!({"paths": 100, "model": model})));
    let keys = |model: &str| {
        let told = told(model);
        assert_eq!(
            (&told["model"], &told["fitted"]["model"], &told["blockLength"]),
            (&json!(model), &json!(model), &json!(1.0))
        );
        let said = told["assumptions"]
            .as_array()
            .unwrap()
            .iter()
            .filter(|said| said.as_str().unwrap().starts_with("Trades are drawn one by one from"));
        assert_eq!(said.count(), 1);
        told["fitted"].as_object().unwrap().keys().cloned().collect::<Vec<_>>()
    };
    assert_eq!(keys("normal"), ["deviation", "mean", "model"]);
    assert_eq!(keys("studentT"), ["degreesOfFreedom", "deviation", "mean", "model"]);
    assert_eq!(keys("skewed"), ["degreesOfFreedom", "deviation", "mean", "model", "skewness"]);
    assert!(told("iid").get("fitted").is_none());
}

#[test]
fn losses_that_spread_farther_lean_the_law_to_them() {
    // Many small gains, few large losses, and the mirror image.
    let pnls: Vec<f64> =
        (0..200).map(|n| if n % 10 == 0 { -900.0 - f64::from(n) } else { f64::from(n % 17 * 10) }).collect();
    let mirrored: Vec<f64> = pnls.iter().map(|pnl| -pnl).collect();
    let fit = |pnls: &[f64]| {
        run(pnls, json!({"paths": 100, "model": "skewed", "sizing": "fixed"})).fitted.expect("a law")
    };
    let (fitted, mirror) = (fit(&pnls), fit(&mirrored));
    assert!(fitted.skewness.unwrap() < -0.1, "{fitted:?}");
    assert_eq!(fitted.skewness, mirror.skewness.map(|skewness| -skewness));
    assert_eq!(fitted.degrees_of_freedom, mirror.degrees_of_freedom);
}

#[test]
fn weighted_histories_are_fitted_anew() {
    // One trade a path: its mean under Dirichlet weights has variance σ² / (n + 1), fitted or drawn.
    let pnls: Vec<f64> = (0..60).map(|n| f64::from(n * 37 % 61) * 10.0 - 290.0).collect();
    let half_width = |model: &str| {
        let asked = json!({
            "paths": 50_000, "steps": 1, "sizing": "fixed", "rules": {}, "model": model, "historyReplicates": 1_000,
        });
        let report = whole_result(&plan(&assessment(), &account(100_000.0, &pnls, 1), &config(asked)));
        assert!(report.assumptions.iter().any(|said| said.contains("a history of 60 rows")), "{model}");
        let mean = report.monte_carlo_errors.mean_return.expect("an error");
        (mean.history_upper.expect("an interval") - mean.history_lower.expect("an interval")) / 2.0
    };
    let drawn = half_width("iid");
    for model in ["normal", "studentT", "skewed"] {
        // Two such half widths of 1,000 draws each: 3.1 % of standard error each, the same weights in both.
        let fitted = half_width(model);
        assert!((fitted / drawn - 1.0).abs() < 3.0 * 0.045, "{model}: {fitted} against {drawn}");
    }
}

#[test]
fn histories_that_no_law_fits() {
    let refused = |pnls: &[f64], asked: Value| match Plan::new(
        &assessment(),
        &account(100_000.0, pnls, 1),
        &config(asked),
        100,
    )
    .expect_err("no law")
    {
        PlanError::Field(fault) => fault,
        other => panic!("{other}"),
    };
    let two = [100.0, -100.0, 100.0, -100.0];
    let fault = refused(&two, json!({"model": "normal", "sizing": "fixed"}));
    assert_eq!((fault.field.as_str(), fault.message.contains("the history has 2")), ("config.model", true));
    let ruined = json!({"model": "studentT", "stress": {"volatility": 10}});
    assert_eq!(refused(&[20_000.0, -30_000.0, 5_000.0], ruined).field, "config.model");
    // Half a million trades a month would make rows days.
    let busy = account(1e9, &vec![1.0; 20_100], 20_100);
    let fault = Plan::new(&assessment(), &busy, &config(json!({"model": "normal"})), 100).expect_err("days");
    assert!(
        matches!(fault, PlanError::Field(fault) if fault.field == "config.model" && fault.message.contains("days"))
    );
}
