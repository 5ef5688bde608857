//! The errors of percentiles and of times to events.

use monte_carlo_engine::{Distribution, Percentiles};
use serde_json::json;

use crate::support::{account, assessment, book, config, funded, json, plan, result, whole_result};

#[test]
fn each_error_is_told_beside_the_figure_that_it_is_of() {
    let rules = json!({"drawdown": {"kind": "trailing", "amount": 2_000}, "profitTarget": {"amount": 2_000}});
    let asked = json!({"paths": 20_000, "steps": 60, "rules": rules});
    let result = json(&whole_result(&plan(&assessment(), &account(50_000.0, &book(45), 3), &config(asked))));
    for group in ["percentiles", "timeToBreach", "timeToPass"] {
        let (figures, errors) = (flat(&result[group]), flat(&result["monteCarloErrors"][group]));
        assert!(!figures.is_empty(), "{group} is empty");
        for (name, value) in figures {
            let told = |field: &str| {
                let path = format!("{name}/{field}");
                errors
                    .iter()
                    .find(|(at, _)| *at == path)
                    .unwrap_or_else(|| panic!("{group}{path} is missing"))
                    .1
            };
            assert_eq!(told("value"), value, "{group}{name}");
            assert!(told("lower") <= value && value <= told("upper"), "{group}{name}");
            assert!(told("historyLower") <= value && value <= told("historyUpper"), "{group}{name}");
        }
    }
}

/// Every number with the path to it.
fn flat(value: &serde_json::Value) -> Vec<(String, f64)> {
    match value {
        serde_json::Value::Object(fields) => fields
            .iter()
            .flat_map(|(key, field)| {
                flat(field).into_iter().map(move |(at, number)| (format!("/{key}{at}"), number))
            })
            .collect(),
        number => number.as_f64().map(|number| (String::new(), number)).into_iter().collect(),
    }
}

#[test]
fn so_many_seeds_hold_the_truth_as_is_stated() {
    // Two coins of 40 steps have many balances; the truth is 2,000,000 paths', whose own error is a tenth of 20,000's.
    let of_seed = |seed: u64, paths: u64| {
        let asked = json!({
            "paths": paths, "steps": 40, "seed": seed, "historyReplicates": 0, "model": "iid", "sizing": "fixed",
            "rules": {"drawdown": {"kind": "static", "amount": 2_500}},
        });
        json(&result(&plan(&funded(), &account(50_000.0, &book(45), 3), &config(asked))))
    };
    let truth = flat(&of_seed(1_000_000, 2_000_000));
    let (seeds, mut told, mut held) = (40, 0, 0);
    for seed in 0..seeds {
        let errors = flat(&of_seed(seed, 20_000)["monteCarloErrors"]);
        for (name, value) in &truth {
            let end = |end: &str| errors.iter().find(|(at, _)| *at == format!("{name}/{end}"));
            let is_ours = name.starts_with("/percentiles") || name.starts_with("/timeTo");
            if let (true, Some((_, lower)), Some((_, upper))) = (is_ours, end("lower"), end("upper")) {
                told += 1;
                held += u32::from(lower <= value && value <= upper);
            }
        }
    }
    let share = f64::from(held) / f64::from(told);
    assert_eq!(told, seeds as u32 * 23, "21 percentiles and two times to a breach");
    // Figures of one seed hang together; discrete ones cover more often than they say.
    assert!(share > 0.93, "{share}");
}

#[test]
fn more_paths_narrow_the_percentiles_and_a_longer_history_does_the_rest() {
    let widths = |trades: usize, paths: u64| -> (f64, f64) {
        let asked = json!({"paths": paths, "steps": 60, "seed": 4, "rules": {}});
        let report = whole_result(&plan(&funded(), &account(50_000.0, &book(trades), 3), &config(asked)));
        let Distribution { final_balance: Percentiles { p50, .. }, .. } =
            report.monte_carlo_errors.percentiles;
        (p50.upper - p50.lower, p50.history_upper.unwrap() - p50.history_lower.unwrap())
    };
    let (few, many, long) = (widths(40, 10_000), widths(40, 160_000), widths(640, 10_000));
    // √16 = 4, less what the bins add.
    assert!(many.0 < few.0 / 3.0, "{few:?} {many:?}");
    assert!((many.1 / few.1 - 1.0).abs() < 0.2, "{few:?} {many:?}");
    assert!(long.1 < 0.5 * few.1, "{few:?} {long:?}");
}

#[test]
fn a_value_at_risk_is_as_sure_as_the_percentile_that_it_is_of() {
    let asked = json!({
        "paths": 20_000, "steps": 60, "sizing": "fixed", "rules": {}, "historyReplicates": 0, "level": "trade",
    });
    let report = result(&plan(&assessment(), &account(50_000.0, &book(45), 3), &config(asked)));
    let errors = report.monte_carlo_errors;
    let percentiles = errors.percentiles.final_balance;
    for (var, percentile) in [(errors.signed_var95, percentiles.p5), (errors.signed_var99, percentiles.p1)] {
        assert!(var.lower < var.value && var.value < var.upper, "{var:?}");
        // From the other side a quantile is one rank on: some dollars, where 20,000 balances are some thousands apart.
        let near = 0.05 * (var.upper - var.lower);
        for (loss, balance) in [(var.lower, percentile.upper), (var.upper, percentile.lower)] {
            assert!((loss - (50_000.0 - balance)).abs() < near, "{var:?} {percentile:?}");
        }
    }
}
