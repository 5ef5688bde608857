//! Two regimes that take turns.

use monte_carlo_engine::{Plan, PlanError, Report};
use serde_json::{Value, json};

use crate::support::{
    account, assert_defined, assessment, book, config, json as as_json, plan, result, whole_result,
};

/// Quiet gains and wild losses that last 25 trades each, and end as `wild` says.
fn turns(trades: usize, wild: bool) -> Vec<f64> {
    let book = book(trades);
    let of = |(n, pnl): (usize, &f64)| {
        let is_wild = ((trades - 1 - n) / 25).is_multiple_of(2) == wild;
        if is_wild { pnl * 2.0 - 150.0 } else { pnl * 0.4 + 100.0 }
    };
    book.iter().enumerate().map(of).collect()
}

fn run(pnls: &[f64], asked: &Value) -> Report {
    let mut wished = json!({"model": "regimes", "sizing": "fixed", "rules": {}, "paths": 40_000});
    for (key, value) in asked.as_object().expect("an object") {
        wished[key] = value.clone();
    }
    result(&plan(&assessment(), &account(100_000.0, pnls, 4), &config(wished)))
}

#[test]
fn what_was_fitted_is_told() {
    let report = run(&turns(400, true), &json!({}));
    assert!(report.exact.is_none());
    let fitted = report.fitted.clone().expect("a fit");
    let regimes = fitted.regimes.expect("regimes");
    let [calm, wild] = regimes.states.as_slice() else { panic!("two states") };
    assert!(calm.deviation < wild.deviation && calm.mean > wild.mean, "{regimes:?}");
    // Sixteen stays of 25 rows; the ends of the first and the last are not seen.
    assert!((20.0..34.0).contains(&calm.mean_stay) && (20.0..34.0).contains(&wild.mean_stay), "{regimes:?}");
    assert!((calm.share + wild.share - 1.0).abs() < 1e-9 && (calm.now + wild.now - 1.0).abs() < 1e-9);
    assert!(wild.now > 0.95 && regimes.bic_gain > 50.0, "{regimes:?}");
    assert!(!report.warnings.iter().any(|said| said.contains("two regimes that last")));
    let told = as_json(&report);
    assert_eq!((&told["model"], &told["blockLength"]), (&json!("regimes"), &json!(1.0)));
    assert_eq!(told["fitted"]["regimes"]["states"].as_array().unwrap().len(), 2);
    assert_defined("regimes", "", &told);
}

#[test]
fn tomorrow_begins_where_the_history_ends() {
    let (calm, wild) =
        (run(&turns(400, false), &json!({"steps": 5})), run(&turns(400, true), &json!({"steps": 5})));
    assert!(wild.standard_deviation > 2.0 * calm.standard_deviation);
    assert!(wild.mean_return < 0.0 && calm.mean_return > 0.0);
}

#[test]
fn a_path_moves_as_the_chain_says() {
    // The mean of path and the variance of its sum, from the fitted chain by recursion: E over states of sums of rows.
    let report = run(&turns(400, true), &json!({"steps": 40, "paths": 200_000}));
    let states = report.fitted.expect("a fit").regimes.expect("regimes").states;
    let leaves: [f64; 2] = std::array::from_fn(|state| 1.0 / states[state].mean_stay);
    // Of a path so far, by its state now: probability, mean and mean square of the sum, each times the probability.
    let mut now = [[states[0].now, 0.0, 0.0], [states[1].now, 0.0, 0.0]];
    for _ in 0..40 {
        let stepped: [[f64; 3]; 2] = std::array::from_fn(|state| {
            let of = |part: usize| {
                now[state][part] * (1.0 - leaves[state]) + now[1 - state][part] * leaves[1 - state]
            };
            let (chance, sum, square) = (of(0), of(1), of(2));
            let (mean, deviation) = (states[state].mean, states[state].deviation);
            [
                chance,
                sum + chance * mean,
                square + 2.0 * sum * mean + chance * (mean * mean + deviation * deviation),
            ]
        });
        now = stepped;
    }
    let [mean, square] = [1, 2].map(|part| now[0][part] + now[1][part]);
    let deviation = (square - mean * mean).sqrt();
    let error = deviation / 200_000_f64.sqrt();
    let opening = report.current_balance;
    let seen = (report.mean_return * opening, report.standard_deviation * opening);
    // The rows of a regime have its mean and deviation where the fit has arrived.
    assert!((seen.0 - mean).abs() < 4.0 * error + 0.01 * mean.abs(), "{seen:?} {mean} {deviation}");
    assert!((seen.1 / deviation - 1.0).abs() < 0.02, "{seen:?} {mean} {deviation}");
    // And a path of independent rows would spread less.
    let spread = run(&turns(400, true), &json!({"steps": 40, "model": "iid"})).standard_deviation * opening;
    assert!(seen.1 > 1.2 * spread, "{seen:?} {spread}");
}

#[test]
fn chance_is_called_chance() {
    let report = run(&book(120), &json!({"paths": 100}));
    assert!(report.fitted.expect("a fit").regimes.expect("regimes").bic_gain_over_mixture < 0.0);
    assert_eq!(report.warnings.iter().filter(|said| said.contains("does not show two regimes")).count(), 1);
}

#[test]
fn days_have_regimes_too() {
    for asked in [json!({"level": "day"}), json!({"rules": {"dailyLoss": {"amount": 900, "of": "dayStart"}}})]
    {
        let report = run(&turns(400, true), &asked);
        let regimes = report.fitted.expect("a fit").regimes.expect("regimes");
        // Turns of six days.
        assert!(regimes.states.iter().all(|state| (3.0..12.0).contains(&state.mean_stay)), "{regimes:?}");
        assert!(regimes.states[1].deviation > 2.0 * regimes.states[0].deviation, "{regimes:?}");
    }
}

#[test]
fn the_error_of_the_history_is_told() {
    let half_width = |model: &str| {
        let asked = json!({"model": model, "sizing": "fixed", "rules": {}, "paths": 20_000, "blockLength": 1, "steps": 40});
        let report =
            whole_result(&plan(&assessment(), &account(100_000.0, &turns(200, true), 4), &config(asked)));
        let mean = report.monte_carlo_errors.mean_return.expect("an error");
        let (lower, upper) =
            (mean.history_lower.expect("an interval"), mean.history_upper.expect("an interval"));
        assert!(lower < mean.value && mean.value < upper, "{mean:?}");
        (upper - lower) / 2.0
    };
    // That stays may be longer or shorter than the few of them were is more than independent rows say.
    assert!(half_width("regimes") > 1.2 * half_width("iid"));
}

#[test]
fn histories_without_regimes_are_refused() {
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
    let asked = || json!({"model": "regimes", "sizing": "fixed"});
    for (pnls, said) in [
        (book(29), "needs at least 30 rows"),
        (vec![100.0; 60], "the history has 1"),
        (vec![0.0; 60], "the history has 1"),
        ([100.0, -100.0].repeat(30), "the history has 2"),
        (vec![100.0, -100.0], "the history has 2"),
    ] {
        let fault = refused(&pnls, asked());
        assert_eq!((fault.field.as_str(), fault.message.contains(said)), ("config.model", true), "{fault:?}");
    }
    let fault = refused(&book(60), json!({"model": "regimes", "blockLength": 3}));
    assert_eq!(fault.field, "config.blockLength");
    let ruined = json!({"model": "regimes", "stress": {"meanShift": -1}});
    assert_eq!(refused(&book(60), ruined).field, "config.model");
}

#[test]
fn wild_histories_give_defined_results() {
    let mut one_huge = vec![1.0; 60];
    one_huge[30] = 1e9;
    one_huge[31] = -2.0;
    let mut zeros = vec![0.0; 100];
    zeros[70] = 5.0;
    zeros[71] = -5.0;
    let ends: Vec<f64> =
        (0..60).map(|n| if n < 30 { 10.0 + f64::from(n % 3) } else { -300.0 - f64::from(n) }).collect();
    for pnls in [one_huge, zeros, ends] {
        let asked = json!({"model": "regimes", "sizing": "fixed", "paths": 500, "historyReplicates": 40, "steps": 20, "level": "trade"});
        let input = account(1e6, &pnls, 2);
        assert_defined("wild", "", &as_json(&whole_result(&plan(&assessment(), &input, &config(asked)))));
    }
}
