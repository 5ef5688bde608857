//! Payouts over time, worked by hand.

use monte_carlo_engine::{EpochMs, Report};
use proptest::prelude::{ProptestConfig, Strategy, prop, prop_assert, proptest};
use serde_json::{Value, json};

use crate::support::{account, assessment, book, config, plan, result};

/// `pnls` from 10,000 dollars, dollars adding up.
fn run(pnls: &[f64], per_day: usize, steps: u32, rules: &Value) -> Report {
    let asked = json!({"paths": 40, "steps": steps, "sizing": "fixed", "rules": rules});
    result(&plan(&assessment(), &account(10_000.0, pnls, per_day), &config(asked)))
}

#[test]
fn a_request_every_few_days_and_one_at_the_end() {
    // A sure 1,000 a day for six days, of which half is the trader's.
    for (payout, expected) in [
        // 0.5 · 2,000 = 1,000; 0.5 · (4,000 − 1,000) = 1,500; 0.5 · (6,000 − 2,500) = 1,750.
        (json!({"everyDays": 2, "minimum": 0}), 4_250.0),
        // 1,000; 1,200 of 1,500; 1,200 of 0.5 · (6,000 − 2,200).
        (json!({"everyDays": 2, "minimum": 0, "cap": 1_200}), 3_400.0),
        // 0.5 · (2,000 − 1,000); 0.5 · (4,000 − 1,000 − 500); 0.5 · (6,000 − 1,000 − 1,750).
        (json!({"everyDays": 2, "minimum": 0, "buffer": 1_000}), 3_375.0),
        // 1,000 is too little; 0.5 · 4,000; 0.5 · (6,000 − 2,000).
        (json!({"everyDays": 2, "minimum": 1_200}), 4_000.0),
        // 1,000 is enough.
        (json!({"everyDays": 2, "minimum": 1_000}), 4_250.0),
        // The fourth day and the end: 2,000; 0.5 · (6,000 − 2,000).
        (json!({"everyDays": 4, "minimum": 0}), 4_000.0),
        (json!({"everyDays": 60, "minimum": 0}), 3_000.0),
        (Value::Null, 3_000.0),
    ] {
        let rules = json!({"profitSplit": 0.5, "payout": payout});
        let report = run(&[1_000.0; 4], 1, 6, &rules);
        assert_eq!(report.expected_payout.value, expected, "{payout}");
        assert_eq!(report.percentiles.final_balance.p50, 16_000.0, "a payout does not lower the balance");
        assert_eq!(report.rules["notSimulated"], json!(["maxRiskPerTrade"]));
        assert_eq!(report.rules["payout"]["everyDays"], payout["everyDays"]);
        let said = if payout.is_null() { "One payout at the horizon's end" } else { "− payouts so far" };
        assert!(
            report.assumptions.iter().any(|sentence| sentence.contains(said)),
            "{:?}",
            report.assumptions
        );
    }
}

#[test]
fn what_was_withdrawn_before_counts() {
    let mut input = account(10_000.0, &[1_000.0; 4], 1);
    input.total_withdrawals = Some(600.0);
    let rules = json!({"profitSplit": 0.5, "payout": {"everyDays": 1, "minimum": 0}});
    let asked = config(json!({"paths": 40, "steps": 2, "sizing": "fixed", "rules": rules}));
    // The account stands at 14,000: 0.5 · (5,000 − 600) = 2,200; 0.5 · (6,000 − 600 − 2,200) = 1,600.
    assert_eq!(result(&plan(&crate::support::funded(), &input, &asked)).expected_payout.value, 3_800.0);
}

#[test]
fn an_account_that_breaks_later_keeps_what_it_was_paid() {
    // +1,000 or −5,000, twice, with all profit paid out each day. Two gains: 1,000 and 2,000 − 1,000; a gain and a loss:
    // 1,000, kept; else nothing: (2,000 + 1,000) / 4. At the end alone: 2,000 / 4.
    let expected = |payout: Value| {
        let rules = json!({
            "drawdown": {"kind": "static", "amount": 3_000}, "profitSplit": 1.0, "payout": payout,
        });
        let asked = json!({
            "paths": 200_000, "steps": 2, "model": "iid", "sizing": "fixed", "seed": 12, "rules": rules,
        });
        result(&plan(&assessment(), &account(10_000.0, &[1_000.0, -5_000.0], 1), &config(asked)))
            .expected_payout
            .value
    };
    // Deviations √(687,500) = 829 and √(750,000) = 866 dollars, over √200,000 = 447.
    let daily = expected(json!({"everyDays": 1, "minimum": 0}));
    assert!((daily - 750.0).abs() < 3.0 * 1.86, "{daily}");
    let at_the_end = expected(Value::Null);
    assert!((at_the_end - 500.0).abs() < 3.0 * 1.94, "{at_the_end}");
}

#[test]
fn a_passed_account_goes_on_asking_with_the_balance_that_it_passed_with() {
    // Passed on the first of three days: 0.5 · 1,000; 0.5 · (1,000 − 500); 0.5 · (1,000 − 750).
    let rules = json!({
        "profitTarget": {"amount": 1_000}, "profitSplit": 0.5, "payout": {"everyDays": 1, "minimum": 0},
    });
    assert_eq!(run(&[1_000.0; 4], 1, 3, &rules).expected_payout.value, 875.0);
}

#[test]
fn a_request_falls_on_the_nearest_row() {
    // Two trades in three days. Every two days: 1.33, 2.67 and 4 rows, so rows 1, 3 and 4: 500; 0.5 · (3,000 − 500); 0.5 ·
    // (4,000 − 1,750). Every day, two thirds of a row: every row, for requests on one row are one.
    let mut input = account(10_000.0, &[1_000.0, 1_000.0], 1);
    input.trade_history[1].timestamp = EpochMs(input.trade_history[0].timestamp.0 + 2 * 86_400_000);
    for (days, expected) in [(2, 2_875.0), (1, 500.0 + 750.0 + 875.0 + 937.5)] {
        for level in ["trade", "day"] {
            let rules = json!({"profitSplit": 0.5, "payout": {"everyDays": days, "minimum": 0}});
            let asked = json!({"paths": 40, "steps": 4, "level": level, "sizing": "fixed", "rules": rules});
            let report = result(&plan(&assessment(), &input, &config(asked)));
            assert_eq!(report.expected_payout.value, expected, "every {days} days, {level}");
        }
    }
}

#[test]
fn every_week_beside_the_horizons_end() {
    // A sure 1,000 a day: 0.8 · 7,000 = 5,600; 0.8 · (10,000 − 5,600) = 3,520 at the end of ten days.
    let report = run(&[1_000.0; 4], 1, 10, &json!({}));
    assert_eq!(report.expected_payout.value, 8_000.0);
    assert_eq!(report.expected_payout_weekly.unwrap().value, 9_120.0);
    // Three trades a day: the week ends with the 21st of 30.
    let report = run(&[100.0; 6], 3, 30, &json!({}));
    assert_eq!(report.expected_payout_weekly.unwrap().value, 1_680.0 + 0.8 * (3_000.0 - 1_680.0));
    // 0.8 · 70 and 0.8 · 100 are below the least request, whatever the schedule asked for allows.
    let rules = json!({"payout": {"everyDays": 30, "minimum": 0}});
    let report = run(&[10.0; 4], 1, 10, &rules);
    assert_eq!(report.expected_payout.value, 80.0);
    assert_eq!(report.expected_payout_weekly.unwrap().value, 0.0);
    let nothing = run(&[1_000.0; 4], 1, 10, &json!({"profitSplit": 0}));
    assert!(nothing.expected_payout_weekly.is_none());
    assert_eq!(nothing.expected_payout.value, 0.0);
}

#[test]
fn the_schedule_of_a_week_is_the_week() {
    let rules = json!({"drawdown": {"kind": "trailing", "fraction": 0.1},
        "payout": {"everyDays": 7, "minimum": 100}});
    let asked = json!({"paths": 2_000, "rules": rules});
    let report = result(&plan(&assessment(), &account(50_000.0, &book(60), 3), &config(asked)));
    assert!(report.expected_payout.value > 100.0);
    assert_eq!(report.expected_payout_weekly, Some(report.expected_payout));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn more_is_allowed_and_no_less_is_paid(
        pnls in prop::collection::vec((-60_000_i32..=80_000).prop_map(|cents| f64::from(cents) / 100.0), 2..60),
        every in 1..20_u32, cap in 10.0_f64..3_000.0, buffer in 1.0_f64..2_000.0, fixed in prop::bool::ANY,
    ) {
        let sizing = if fixed { "fixed" } else { "proportional" };
        let report = |payout: Value| {
            let rules = json!({"drawdown": {"kind": "trailing", "fraction": 0.06}, "payout": payout});
            let asked = json!({"paths": 300, "steps": 60, "sizing": sizing, "rules": rules});
            result(&plan(&assessment(), &account(50_000.0, &pnls, 3), &config(asked)))
        };
        let paid = |payout: Value| report(payout).expected_payout.value;
        let at_the_end = paid(json!({"everyDays": 365, "minimum": 0}));
        let often = paid(json!({"everyDays": every, "minimum": 0}));
        let capped = |cap: f64| paid(json!({"everyDays": every, "minimum": 0, "cap": cap}));
        let kept = |buffer: f64| paid(json!({"everyDays": every, "minimum": 0, "buffer": buffer}));
        prop_assert!(often >= at_the_end);
        prop_assert!(often >= capped(2.0 * cap) && capped(2.0 * cap) >= capped(cap));
        prop_assert!(often >= kept(buffer) && kept(buffer) >= kept(2.0 * buffer));
        // A last request below the least one is all that the week can lose.
        let platform = report(Value::Null);
        prop_assert!(platform.expected_payout_weekly.unwrap().value >= platform.expected_payout.value - 100.0);
    }
}
