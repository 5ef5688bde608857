//! The platform's own rules, end to end.

use crate::support::{account, assessment, book, config, funded, plan, result};
use monte_carlo_engine::{Level, Plan, TierTerms};
use serde_json::json;

fn professional() -> TierTerms {
    TierTerms {
        id: Some("tier-2".to_owned()),
        name: Some("Professional".to_owned()),
        starting_balance: Some(100_000.0),
        max_drawdown: Some(0.075),
        min_trades: Some(25),
        max_risk_per_trade: Some(0.03),
        profit_split: Some(0.85),
    }
}

#[test]
fn an_assessment_is_simulated_as_a_fresh_funded_account() {
    let mut input = account(100_000.0, &book(120), 3);
    input.tier = Some(professional());
    let plan = plan(&assessment(), &input, &config(json!({"paths": 2_000})));
    let report = result(&plan);
    assert_eq!(plan.level(), Level::Trade);
    assert_eq!(plan.steps(), 90, "three trades a day for 30 days");
    assert_eq!((report.current_balance, report.peak_balance), (100_000.0, 100_000.0));
    assert_eq!(report.rules["rulebook"], "funded");
    assert_eq!(report.rules["drawdown"]["fraction"], 0.15);
    assert_eq!(report.rules["drawdown"]["floorAtStart"], 85_000.0);
    assert_eq!(report.rules["profitSplit"], 0.85);
    assert!(report.pass_probability.is_none(), "a funded account has nothing to pass");
    assert!(report.expected_payout.value > 0.0);
}

#[test]
fn a_funded_account_goes_on_from_its_own_balance_peak_and_withdrawals() {
    let mut input = account(100_000.0, &book(120), 3);
    input.total_withdrawals = Some(1_000.0);
    input.pnl_data.balance -= 1_000.0;
    let report = result(&plan(&funded(), &input, &config(json!({"paths": 2_000}))));
    assert_eq!(report.current_balance, input.pnl_data.balance);
    assert_eq!(report.peak_balance, input.pnl_data.peak);
    let floor = report.rules["drawdown"]["floorAtStart"].as_f64().unwrap();
    assert!((floor - 0.85 * input.pnl_data.peak).abs() < 0.01, "{floor}");
    assert_eq!(report.rules["totalWithdrawals"], 1_000.0);
    assert!(!report.warnings.iter().any(|warning| warning.contains("rebuilt")), "{:?}", report.warnings);
}

#[test]
fn only_a_funded_account_has_limits_of_its_own() {
    let mut input = account(100_000.0, &book(120), 3);
    input.tier = Some(professional());
    input.max_drawdown = Some(0.08);
    input.max_risk_per_trade = Some(0.04);
    let asked = config(json!({"paths": 100}));
    let own = result(&plan(&funded(), &input, &asked));
    assert_eq!(own.rules["drawdown"]["fraction"], 0.08);
    assert!(own.assumptions.iter().any(|said| said.contains("above 0.04 of")), "{:?}", own.assumptions);
    let fresh = result(&plan(&assessment(), &input, &asked));
    assert_eq!(fresh.rules["drawdown"]["fraction"], 0.15, "the tier's binds the assessment alone");
    assert!(fresh.assumptions.iter().any(|said| said.contains("above 0.03 of")), "{:?}", fresh.assumptions);

    input.max_drawdown = Some(1.5);
    let refused = Plan::new(&funded(), &input, &asked, 1).expect_err("no drawdown of 150 %");
    assert!(refused.to_string().contains("inputData.maxDrawdown"), "{refused}");
}

#[test]
fn the_tiers_own_rules_are_passed_or_broken() {
    let mut input = account(100_000.0, &book(120), 3);
    input.tier = Some(professional());
    let asked = config(json!({"paths": 4_000, "rules": "assessment"}));
    let report = result(&plan(&assessment(), &input, &asked));
    let pass = report.pass_probability.unwrap();
    assert!(pass.value > 0.5 && pass.value < 1.0, "{pass:?}");
    assert!(report.time_to_pass.unwrap().median_steps >= 25, "not before the minimum of trades");
    assert!(report.breach_probability.value + pass.value <= 1.0);
    assert_eq!(report.expected_payout.value, 0.0);
}

#[test]
fn what_is_always_assumed_is_always_said() {
    let mut input = account(100_000.0, &book(120), 3);
    input.trade_history[5].quantity = 1.0;
    input.assumptions.push("Core sent no tier.".to_owned());
    let report = result(&plan(&funded(), &input, &config(json!({"paths": 10}))));
    for said in [
        "flatters the future",
        "Open positions are left out",
        "1 of 120 past closing trades were above 0.05",
        "0.8 × (balance − 100000 − 0)",
        "broken ones included",
        "what a history of 120 rows cannot tell",
        "profit split is not known; 0.8",
        "Core sent no tier.",
    ] {
        assert!(
            report.assumptions.iter().any(|sentence| sentence.contains(said)),
            "{said}: {:?}",
            report.assumptions
        );
    }
}

#[test]
fn both_dialects_say_the_same() {
    let report =
        crate::support::json(&result(&plan(&funded(), &account(50_000.0, &book(60), 2), &config(json!({})))));
    for (one, other) in [
        ("/riskMetrics/valueAtRisk95", "/riskMetrics/var95"),
        ("/riskMetrics/valueAtRisk99", "/riskMetrics/var99"),
        ("/riskMetrics/expectedShortfall", "/riskMetrics/cvar95"),
        ("/confidenceIntervals/return95Lower", "/confidenceIntervals/ci95Lower"),
        ("/confidenceIntervals/return95Upper", "/confidenceIntervals/ci95Upper"),
        ("/confidenceIntervals/return99Lower", "/confidenceIntervals/ci99Lower"),
        ("/confidenceIntervals/return99Upper", "/confidenceIntervals/ci99Upper"),
    ] {
        assert!(report.pointer(one).unwrap().is_f64(), "{one}");
        assert_eq!(report.pointer(one), report.pointer(other));
    }
    assert!(report["pathsSimulated"].is_u64() && report["tradesAnalyzed"].is_u64());
    assert!(report["steps"].is_u64() && report["seed"].is_u64());
}
