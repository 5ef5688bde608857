//! Value at risk, expected shortfall and moments of distributions worked by hand.

use serde_json::json;

use crate::support::{account, assessment, config, plan, result};

#[test]
fn one_step_of_a_known_distribution() {
    // 25 rows: −100 once (4 %), −50 twice (8 %), +10 else (88 %).
    let mut pnls = vec![10.0; 25];
    pnls[3] = -100.0;
    pnls[8] = -50.0;
    pnls[17] = -50.0;
    let asked =
        json!({"paths": 1_000_000, "steps": 1, "model": "iid", "sizing": "fixed", "seed": 1, "rules": {}});
    let report = result(&plan(&assessment(), &account(1_000.0, &pnls, 1), &config(asked)));
    let risk = &report.risk_metrics;
    // P(loss ≤ −10) = 0.88 and P(loss ≤ 50) = 0.96, so the 95 % quantile is 50 and the 99 % quantile 100.
    assert_eq!((risk.var95, risk.var99), (50.0, 100.0));
    // Acerbi & Tasche: (0.04 · 100 + 0.01 · 50) / 0.05 = 90. Its error: 50 / 0.05 · √(0.04 · 0.96 / 10⁶) = 0.196.
    assert!((risk.expected_shortfall - 90.0).abs() < 0.6, "{}", risk.expected_shortfall);
    assert_eq!(risk.cvar99, 100.0);
    // Drawdown: 0.04 · 0.1 + 0.08 · 0.05 = 0.008; its error: √(0.0006 − 0.008²) / 1000 = 0.000023.
    assert!((risk.max_drawdown - 0.008).abs() < 0.000_07, "{}", risk.max_drawdown);
    assert_eq!(report.confidence_intervals.return95_lower, -0.1);
    assert_eq!(report.confidence_intervals.return99_upper, 0.01);
    assert_eq!(report.percentiles.final_balance.p5, 950.0);
    assert_eq!(report.percentiles.drawdown.p95, 0.05);
}

#[test]
fn two_steps_of_two_rows() {
    // +100 or −50, twice: 1,200, 1,050 (two ways), 900, a quarter each.
    let asked =
        json!({"paths": 1_000_000, "steps": 2, "model": "iid", "sizing": "fixed", "seed": 2, "rules": {}});
    let report = result(&plan(&assessment(), &account(1_000.0, &[100.0, -50.0], 1), &config(asked)));
    let risk = &report.risk_metrics;
    assert_eq!((risk.var95, risk.var99, risk.cvar95, risk.cvar99), (100.0, 100.0, 100.0, 100.0));
    assert_eq!(report.percentiles.final_balance.p5, 900.0);
    assert_eq!(report.percentiles.final_balance.p50, 1_050.0);
    assert_eq!(report.percentiles.final_balance.p95, 1_200.0);
    // Mean 50, variance (150² + 150²) / 4 = 11,250 dollars²; errors 0.106 dollars and √((2 − 1) · 11,250² / 10⁶) = 11.25.
    assert!((report.mean_return - 0.05).abs() < 0.000_32, "{}", report.mean_return);
    assert!((report.variance - 0.011_25).abs() < 0.000_034, "{}", report.variance);
    // Two rows on two consecutive days: steps are days; Sharpe over two days.
    let sharpe = 0.05 / 0.011_25_f64.sqrt() * (365.0_f64 / 2.0).sqrt();
    assert!((risk.sharpe_ratio.unwrap() - sharpe).abs() < 0.05, "{:?} {sharpe}", risk.sharpe_ratio);
    // Downside: a quarter of the paths lose 0.1: √(0.01 / 4) = 0.05.
    let sortino = (365.0_f64 / 2.0).sqrt();
    assert!((risk.sortino_ratio.unwrap() - sortino).abs() < 0.2, "{:?} {sortino}", risk.sortino_ratio);
}

#[test]
fn a_sure_gain_has_no_loss_but_a_signed_one() {
    let asked = json!({"paths": 1_000, "steps": 3, "sizing": "fixed"});
    let risk =
        result(&plan(&assessment(), &account(1_000.0, &[100.0, 100.0], 1), &config(asked))).risk_metrics;
    assert_eq!((risk.var95, risk.expected_shortfall), (0.0, 0.0));
    assert_eq!((risk.signed_var95, risk.signed_cvar99), (-300.0, -300.0));
}

#[test]
fn the_payout_is_the_platforms_formula() {
    // A sure gain of 300 dollars: 0.8 · 300 = 240; of 60 dollars: 48, below the least request; of 125: exactly 100.
    for (gain, expected) in [(300.0, 240.0), (60.0, 0.0), (125.0, 100.0), (124.99, 0.0), (-500.0, 0.0)] {
        let asked = json!({"paths": 100, "steps": 1, "sizing": "fixed", "rules": {}});
        let report = result(&plan(&assessment(), &account(1_000.0, &[gain], 1), &config(asked)));
        assert_eq!(report.expected_payout.value, expected, "a gain of {gain}");
    }
}
