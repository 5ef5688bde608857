//! Payouts that leave the account, worked by hand.

use monte_carlo_engine::{Plan, Report};
use proptest::prelude::{ProptestConfig, prop, prop_assert_eq, proptest};
use serde_json::{Value, json};

use crate::support::{account, assessment, book, config, funded, plan, result};

/// From 10,000 dollars; the profit split is a half unless given.
fn run(pnls: &[f64], asked: Value, payout: &Value, drawdown: &Value) -> Report {
    let mut asked = asked;
    let split = asked["profitSplit"].take();
    let split = if split.is_null() { json!(0.5) } else { split };
    asked.as_object_mut().expect("an object").remove("profitSplit");
    asked["rules"] = json!({"profitSplit": split, "payout": payout, "drawdown": drawdown});
    result(&plan(&assessment(), &account(10_000.0, pnls, 1), &config(asked)))
}

#[test]
fn what_is_withdrawn_earns_no_second_payout() {
    // A sure 1,000 a day for six days, a request every second day; half of the profit taken is the trader's.
    for (mut payout, expected) in [
        // 2,000 of profit are taken three times.
        (json!({"minimum": 0}), 3_000.0),
        // 600 each time, for which 1,200 leave: there is always enough.
        (json!({"minimum": 0, "cap": 600}), 1_800.0),
        // 1,000 of 2,000 above the buffer, then all 2,000 that came since.
        (json!({"minimum": 0, "buffer": 1_000}), 2_500.0),
        // 1,000 is too little, 2,000 of 4,000 is enough, 1,000 again is not.
        (json!({"minimum": 1_001}), 2_000.0),
    ] {
        payout["everyDays"] = json!(2);
        payout["after"] = json!("balanceFalls");
        let asked = json!({"paths": 40, "steps": 6, "sizing": "fixed"});
        let report = run(&[1_000.0; 4], asked, &payout, &Value::Null);
        assert_eq!(report.expected_payout.value, expected, "{payout}");
        assert_eq!(report.percentiles.final_balance.p50, 16_000.0, "what left counts as still there");
        assert_eq!(report.risk_metrics.max_drawdown, 0.0, "to be paid is no drawdown");
        for (seen, sure) in report.fan.balance.p50.iter().zip([10.0, 11.0, 12.0, 13.0, 14.0, 15.0, 16.0]) {
            assert!((seen / 1_000.0 - sure).abs() < 0.01, "the fan's bins are some dollars wide: {seen}");
        }
        assert_eq!(report.rules["payout"]["after"], "balanceFalls");
        assert!(report.expected_payout_weekly.is_none() && report.exact.is_none());
        assert!(
            report.assumptions.iter().any(|said| said.contains("leaves the account, and its floor stays"))
        );
        assert!(!report.assumptions.iter().any(|said| said.contains("payouts so far")));
    }
}

#[test]
fn a_smaller_account_earns_less() {
    // A tenth a day: 1,000 on 10,000, taken, and again; where it stays, 2,100 on two days.
    let pnls = [1_000.0, 1_100.0, 1_210.0];
    for (after, paid, balance) in [("balanceFalls", 2_000.0, 12_000.0), ("balanceStays", 2_100.0, 12_100.0)] {
        let asked = json!({"paths": 40, "steps": 2, "profitSplit": 1.0});
        let report = run(&pnls, asked, &json!({"everyDays": 1, "minimum": 0, "after": after}), &Value::Null);
        // A unit of log-equity is 6·10⁻⁸ of the balance.
        assert!((report.expected_payout.value - paid).abs() < 0.01, "{after} {:?}", report.expected_payout);
        assert!((report.percentiles.final_balance.p50 - balance).abs() < 0.01, "{after}");
        assert!(report.risk_metrics.max_drawdown < 1e-6, "{after}");
    }
}

/// The chance of a breach on two days of +1,000 or a loss, with a daily payout of all profit above the buffer.
fn breach(loss: f64, floor: &Value, buffer: f64, after: &str, level: &str) -> f64 {
    let asked = json!({
        "paths": 200_000, "steps": 2, "model": "iid", "sizing": "fixed", "seed": 12, "profitSplit": 1.0, "level": level,
    });
    let payout = json!({"everyDays": 1, "minimum": 0, "buffer": buffer, "after": after});
    run(&[1_000.0, -loss], asked, &payout, floor).breach_probability.value
}

#[test]
fn a_payout_brings_the_account_nearer_to_its_floor() {
    let floor = |kind: &str, amount: f64| json!({"kind": kind, "amount": amount});
    for (loss, rule, buffer, after, expected) in [
        // −1,500 breaks at once; +1,000 and −1,500 end at 9,500, or at 8,500 once the 1,000 are paid.
        (1_500.0, floor("static", 1_200.0), 0.0, "balanceStays", 0.5),
        (1_500.0, floor("static", 1_200.0), 0.0, "balanceFalls", 0.75),
        // Two losses of 700 break; +1,000 and −700 end at 9,800 where 500 are paid.
        (700.0, floor("static", 1_200.0), 500.0, "balanceFalls", 0.25),
        // … which is below the locked floor, 10,000.
        (700.0, floor("static", 1_200.0), 500.0, "floorLocks", 0.5),
        // A trailing floor of 1,600 stands at 9,400 after the gain; 9,800 is above it, and 9,300 without a buffer is not.
        (700.0, floor("trailing", 1_600.0), 500.0, "balanceFalls", 0.0),
        (700.0, floor("trailing", 1_600.0), 0.0, "balanceFalls", 0.25),
        (700.0, floor("trailing", 1_600.0), 0.0, "balanceStays", 0.0),
        (700.0, floor("trailing", 1_600.0), 0.0, "floorLocks", 0.25),
        (700.0, floor("trailingEndOfDay", 1_600.0), 500.0, "balanceFalls", 0.0),
        (700.0, floor("trailingEndOfDay", 1_600.0), 0.0, "balanceFalls", 0.25),
        (700.0, floor("trailingEndOfDay", 1_600.0), 500.0, "floorLocks", 0.25),
    ] {
        let levels: &[&str] = if rule["kind"] == "trailingEndOfDay" { &["day"] } else { &["trade", "day"] };
        for level in levels {
            let seen = breach(loss, &rule, buffer, after, level);
            assert!((seen - expected).abs() < 0.003, "{loss} {rule} {buffer} {after} {level}: {seen}");
        }
    }
}

/// A trailing floor of dollars, and payouts by a schedule and at the end with all of the profit the trader's.
#[derive(Clone, Copy, Debug)]
struct Firm {
    trails: f64,
    every: u32,
    cap: f64,
    buffer: f64,
    locks: bool,
}

impl Firm {
    /// What becomes of 10,000 dollars on the days `pnls`: whether they break, and what is paid.
    fn outcome(&self, pnls: &[f64]) -> (bool, f64) {
        let (mut balance, mut mark, mut floor, mut locked, mut paid) =
            (10_000.0_f64, 10_000.0_f64, 10_000.0 - self.trails, false, 0.0);
        for (day, pnl) in (1..).zip(pnls) {
            balance += pnl;
            mark = mark.max(balance);
            if !locked {
                floor = floor.max(mark - self.trails);
            }
            if balance <= floor {
                return (true, paid);
            }
            let floor_then = if self.locks { floor.max(10_000.0) } else { floor };
            let profit = (balance - 10_000.0 - self.buffer).min(balance - floor_then - 0.0001).min(self.cap);
            if (day % self.every == 0 || day as usize == pnls.len()) && profit > 0.0 {
                (balance, floor, locked, paid) = (balance - profit, floor_then, self.locks, paid + profit);
            }
        }
        (false, paid)
    }

    /// The mean of all orders of `steps` days, each a gain or a loss by the toss of a coin.
    fn mean(&self, gain: f64, loss: f64, steps: u32) -> (f64, f64) {
        let orders = 1_u32 << steps;
        let outcomes = (0..orders).map(|order| {
            let pnls: Vec<f64> =
                (0..steps).map(|day| if order >> day & 1 == 1 { gain } else { -loss }).collect();
            self.outcome(&pnls)
        });
        let (broken, paid) = outcomes.fold((0.0, 0.0), |(broken, paid), (breaks, payout)| {
            (broken + f64::from(u8::from(breaks)), paid + payout)
        });
        (broken / f64::from(orders), paid / f64::from(orders))
    }
}

#[test]
fn all_orders_of_ten_days_agree() {
    let (gain, loss, steps) = (1_000.0, 800.0, 10);
    for firm in [
        Firm { trails: 2_500.0, every: 2, cap: 100.0, buffer: 0.0, locks: true },
        Firm { trails: 2_500.0, every: 2, cap: 100.0, buffer: 0.0, locks: false },
        Firm { trails: 2_500.0, every: 3, cap: 1e9, buffer: 700.0, locks: true },
        Firm { trails: 2_500.0, every: 3, cap: 1e9, buffer: 700.0, locks: false },
        Firm { trails: 1_500.0, every: 1, cap: 400.0, buffer: 300.0, locks: true },
    ] {
        let (breach, paid) = firm.mean(gain, loss, steps);
        let after = if firm.locks { "floorLocks" } else { "balanceFalls" };
        let payout = json!({
            "everyDays": firm.every, "minimum": 0, "cap": firm.cap, "buffer": firm.buffer, "after": after,
        });
        let asked = json!({
            "paths": 200_000, "steps": steps, "model": "iid", "sizing": "fixed", "seed": 5, "profitSplit": 1.0,
            "historyReplicates": 0,
        });
        let floor = json!({"kind": "trailing", "amount": firm.trails});
        let report = run(&[gain, -loss], asked, &payout, &floor);
        let (seen, of) = (report.breach_probability, report.expected_payout);
        // Three standard errors: intervals are of about two.
        let near = |value: f64, lower: f64, upper: f64| {
            (value - f64::midpoint(lower, upper)).abs() <= 0.77 * (upper - lower)
        };
        assert!(near(breach, seen.lower, seen.upper), "{firm:?}: {breach} {seen:?}");
        assert!(near(paid, of.lower, of.upper), "{firm:?}: {paid} {of:?}");
    }
}

#[test]
fn a_request_never_takes_the_account_to_its_floor() {
    // After six sure gains the floor trails at 13,000: of the profit of 6,000 only 3,000 less a unit can go.
    let asked = json!({"paths": 40, "steps": 6, "sizing": "fixed", "profitSplit": 1.0});
    let payout = json!({"everyDays": 6, "minimum": 0, "after": "balanceFalls"});
    let report = run(&[1_000.0; 4], asked, &payout, &json!({"kind": "trailing", "amount": 3_000}));
    assert_eq!((report.expected_payout.value, report.breach_probability.value), (2_999.999_9, 0.0));
}

#[test]
fn nothing_leaves_an_account_that_has_still_to_pass() {
    for after in ["balanceFalls", "floorLocks"] {
        let rules = json!({"profitTarget": {"amount": 100}, "payout": {"everyDays": 1, "minimum": 0, "after": after}});
        let asked = config(json!({"rules": rules}));
        let refused =
            Plan::new(&funded(), &account(10_000.0, &book(40), 1), &asked, 1_000).expect_err("a refusal");
        assert!(refused.to_string().contains("config.rules.payout.after"), "{refused}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn days_of_one_trade_are_trades(
        seed in 0_u64..1_000,
        sizing in prop::sample::select(vec!["fixed", "proportional"]),
        after in prop::sample::select(vec!["balanceFalls", "floorLocks"]),
        buffer in 0_u32..800,
    ) {
        let seen = |level: &str, kind: &str| {
            let asked = json!({
                "paths": 300, "steps": 40, "seed": seed, "sizing": sizing, "level": level, "model": "iid",
            });
            let payout = json!({"everyDays": 5, "minimum": 50, "buffer": buffer, "after": after});
            let report = run(&book(40), asked, &payout, &json!({"kind": kind, "fraction": 0.12}));
            (report.breach_probability, report.expected_payout, report.percentiles, report.risk_metrics.max_drawdown)
        };
        prop_assert_eq!(seen("trade", "trailing"), seen("day", "trailingEndOfDay"));
    }
}
