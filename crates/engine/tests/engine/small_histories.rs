//! Histories that say little still give defined, finite answers.

use monte_carlo_engine::{Plan, PlanError, Report};
use serde_json::{Value, json};

use crate::support::{account, assert_defined, assessment, config, funded, json as as_json, plan, result};

fn of(pnls: &[f64], asked: Value) -> Report {
    let report = result(&plan(&funded(), &account(10_000.0, pnls, 1), &config(asked)));
    assert_defined("", "", &as_json(&report));
    report
}

#[test]
fn two_winners() {
    let report = of(&[100.0, 250.0], json!({"paths": 5_000}));
    assert_eq!(report.breach_probability.value, 0.0);
    assert!(report.breach_probability.upper > 0.0, "no path broke, which is not proof that none can");
    assert!(report.risk_metrics.sharpe_ratio.is_some());
    assert!(report.risk_metrics.sortino_ratio.is_none(), "no path loses");
    assert!(report.warnings.iter().any(|warning| warning.contains("fewer than 30")));
    assert!(report.warnings.iter().any(|warning| warning.contains("no losing row")));
    assert!(report.warnings.iter().any(|warning| warning.contains("sortinoRatio")));
}

#[test]
fn only_losers() {
    let report = of(&[-400.0, -300.0, -500.0], json!({"paths": 5_000}));
    assert_eq!(report.breach_probability.value, 1.0);
    assert_eq!(report.expected_payout.value, 0.0);
    assert!(report.risk_metrics.var95 > 0.0);
    // The drawdown that stands at the start (1,200 of 10,000) counts, and all break at 15 %.
    assert!(report.percentiles.drawdown.p1 >= 0.15);
}

#[test]
fn one_trade() {
    let report = of(&[125.0], json!({"paths": 1_000}));
    assert_eq!(report.steps, 30);
    assert_eq!(report.percentiles.final_balance.p1, report.percentiles.final_balance.p99);
    assert_eq!((report.variance, report.standard_deviation), (0.0, 0.0));
    assert!(report.risk_metrics.sharpe_ratio.is_none());
    assert!(report.warnings.iter().any(|warning| warning.contains("sharpeRatio")));
}

#[test]
fn equal_rows_make_one_path() {
    let report = of(&[10.0; 40], json!({"paths": 3_000, "sizing": "fixed"}));
    assert_eq!(report.variance, 0.0);
    assert_eq!(report.block_length, 1.0, "no variance, no blocks");
    assert_eq!(report.percentiles.final_balance.p1, 10_400.0 + 300.0);
    assert_eq!(report.percentiles.final_balance.p99, 10_400.0 + 300.0);
    let last = report.fan.steps.len() - 1;
    assert_eq!((report.fan.balance.p1[last], report.fan.balance.p99[last]), (10_700.0, 10_700.0));
    assert!((report.fan.balance.p50[10] - 10_500.0).abs() < 1.0, "within a bin");
}

#[test]
fn rows_that_do_nothing() {
    let mut input = account(10_000.0, &[0.0, 0.0], 1);
    input.trade_history.iter_mut().for_each(|trade| trade.kind = Some("close".to_owned()));
    let report = result(&plan(&funded(), &input, &config(json!({"paths": 100}))));
    assert_defined("", "", &as_json(&report));
    assert_eq!(report.mean_return, 0.0);
}

#[test]
fn one_path_of_one_step() {
    let report = of(&[10.0, -20.0, 30.0], json!({"paths": 1, "steps": 1}));
    assert_eq!(report.paths_simulated, 1);
}

#[test]
fn no_closing_trade_is_said() {
    let mut input = account(10_000.0, &[10.0], 1);
    input.trade_history[0].cancelled = true;
    let refused = Plan::new(&assessment(), &input, &config(json!({})), 100).unwrap_err();
    assert_eq!(refused, PlanError::NoClosingTrades);
}

#[test]
fn an_account_below_its_floor_is_broken_at_the_start() {
    let report = of(&[2_000.0, -3_000.0, 100.0], json!({"paths": 500}));
    assert_eq!(report.breach_probability.value, 1.0);
    assert_eq!(report.time_to_breach.unwrap().mean_steps, 0.0);
    assert_eq!(report.fan.breached[0], 1.0);
    assert_eq!(report.percentiles.final_balance.p50, report.current_balance);
    assert!(report.warnings.iter().any(|warning| warning.contains("broken at step 0")));
}

#[test]
fn a_drawdown_that_already_stands_counts() {
    let mut input = account(10_000.0, &[100.0, 200.0], 1);
    input.pnl_data.peak = 11_000.0;
    let report =
        result(&plan(&funded(), &input, &config(json!({"paths": 100, "steps": 1, "sizing": "fixed"}))));
    assert_eq!(report.percentiles.drawdown.p1, 0.063_636_364, "700 of 11,000, to nine decimals");
}
