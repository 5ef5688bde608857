//! What each number means (engine.md, §7), by small histories worked by hand: each test fails where its definition is read
//! in another way that one might well have read.

use monte_carlo_engine::{EpochMs, Level, Model, Plan, Report, TierTerms};
use serde_json::{Value, json};

use crate::support::{account, assessment, book, config, funded, plan, result, trade};

const DAY_MS: i64 = 86_400_000;

/// Dollars that add up from 10,000, one trade a day, no rules unless some are asked for.
fn fixed(pnls: &[f64], asked: &Value) -> Report {
    let mut whole = json!({"paths": 40, "sizing": "fixed", "model": "iid", "rules": {}});
    for (key, value) in asked.as_object().expect("an object") {
        whole[key] = value.clone();
    }
    result(&plan(&assessment(), &account(10_000.0, pnls, 1), &config(whole)))
}

/// 128 rows of 1 to 128 dollars, all equally likely: the q-quantile is ⌈128 q⌉ dollars.
fn ladder() -> Report {
    let rows: Vec<f64> = (1..=128).map(f64::from).collect();
    fixed(&rows, &json!({"paths": 1_000_000, "steps": 1, "seed": 5}))
}

#[test]
fn each_interval_of_returns_has_its_own_quantiles() {
    let intervals = ladder().confidence_intervals;
    let dollars = |fraction: f64| (fraction * 10_000.0).round();
    // 128 · 0.025 = 3.2, · 0.975 = 124.8, · 0.005 = 0.64, · 0.995 = 127.36; at 5, 95, 1 and 99 % they would be 7, 122, 2, 127.
    assert_eq!(dollars(intervals.return95_lower), 4.0);
    assert_eq!(dollars(intervals.return95_upper), 125.0);
    assert_eq!(dollars(intervals.return99_lower), 1.0);
    assert_eq!(dollars(intervals.return99_upper), 128.0);
}

#[test]
fn each_percentile_is_its_own_quantile() {
    let balance = ladder().percentiles.final_balance;
    let seen = [balance.p1, balance.p5, balance.p25, balance.p50, balance.p75, balance.p95, balance.p99];
    // 1.28, 6.4, 32, 64, 96, 121.6, 126.72. Of 1,000,000 paths as many as 3 · 433 may be missing at 32, so it may be 33.
    let expected = [2.0, 7.0, 32.0, 64.0, 96.0, 122.0, 127.0];
    for (rank, (seen, expected)) in seen.into_iter().zip(expected).enumerate() {
        let above = seen - 10_000.0 - expected;
        assert!(above == 0.0 || ((2..5).contains(&rank) && above == 1.0), "{seen} {expected}");
    }
}

#[test]
fn losses_and_returns_are_against_todays_balance() {
    // The account started with 10,000 dollars, stands at 20,000 and loses 1,000 for sure.
    let mut input = account(10_000.0, &[-1_000.0, -1_000.0], 1);
    input.pnl_data.balance = 20_000.0;
    input.pnl_data.peak = 25_000.0;
    let asked = json!({"paths": 40, "steps": 1, "sizing": "fixed", "rules": {}});
    let report = result(&plan(&funded(), &input, &config(asked)));
    assert_eq!((report.current_balance, report.peak_balance), (20_000.0, 25_000.0));
    let risk = &report.risk_metrics;
    assert_eq!((risk.var95, risk.var99, risk.cvar95, risk.cvar99), (1_000.0, 1_000.0, 1_000.0, 1_000.0));
    assert_eq!((report.mean_return, report.confidence_intervals.return95_lower), (-0.05, -0.05));
    assert_eq!(risk.max_drawdown, 0.24, "6,000 of the peak of 25,000");
}

#[test]
fn shortfalls_are_of_their_own_mass() {
    // The worst 5 % of 128 rows are 6.4 of them, rows 1 to 6 and 0.4 of row 7: (21 + 2.8) / 6.4 = 3.71875; the worst 1 % are
    // 1.28: (1 + 0.28 · 2) / 1.28 = 1.21875. Their variances, by Manistre and Hancock (2005): the tail's, 3.45 and 0.171, and
    // (1 − mass) · (shortfall − VaR)², 10.23 and 0.604, over 1,000,000 · mass.
    let report = ladder();
    let risk = &report.risk_metrics;
    assert!(
        (risk.signed_cvar95 + 3.718_75).abs() < 3.0 * (13.68_f64 / 50_000.0).sqrt(),
        "{}",
        risk.signed_cvar95
    );
    assert!(
        (risk.signed_cvar99 + 1.218_75).abs() < 3.0 * (0.775_f64 / 10_000.0).sqrt(),
        "{}",
        risk.signed_cvar99
    );
    assert_eq!((risk.signed_var95, risk.signed_var99), (-7.0, -2.0));
    // Gains are no losses, in either dialect.
    assert_eq!([risk.var95, risk.var99, risk.value_at_risk95, risk.value_at_risk99], [0.0; 4]);
    assert_eq!([risk.cvar95, risk.cvar99, risk.expected_shortfall], [0.0; 3]);
    // The error that is told is that one; the tail's variance is itself known to 1 %.
    for (told, variance) in [
        (&report.monte_carlo_errors.signed_cvar95, 13.68 / 50_000.0),
        (&report.monte_carlo_errors.signed_cvar99, 0.775 / 10_000.0),
    ] {
        let (half, wanted) = ((told.upper - told.lower) / 2.0, 1.96 * f64::sqrt(variance));
        assert!((half / wanted - 1.0).abs() < 0.02, "{half}, and not {wanted}");
    }
}

#[test]
fn the_drawdown_is_the_deepest_of_the_path_against_the_peak_of_its_time() {
    // Each day +5,000, −3,000 and +1,000 from 10,000: at its deepest 3,000 of 15,000, though 2,000 of 15,000 at the end;
    // from the second day on 3,000 of 18,000, which is no record.
    let mut input = account(10_000.0, &[5_000.0, -3_000.0, 1_000.0], 3);
    input.pnl_data.peak = 10_000.0;
    let asked = json!({"paths": 40, "steps": 2, "level": "day", "sizing": "fixed", "rules": {}});
    let report = result(&plan(&assessment(), &input, &config(asked)));
    assert_eq!(report.risk_metrics.max_drawdown, 0.2);
}

#[test]
fn the_drawdown_is_a_mean_over_paths() {
    // One of four rows loses 1,000 of 10,000: a mean of 0.025, a median of 0.
    let report = fixed(&[-1_000.0, 10.0, 10.0, 10.0], &json!({"paths": 200_000, "steps": 1}));
    let error = (0.25_f64 * 0.75 / 200_000.0).sqrt() * 0.1;
    assert!((report.risk_metrics.max_drawdown - 0.025).abs() < 3.0 * error);
    assert_eq!(report.percentiles.drawdown.p50, 0.0);
}

#[test]
fn a_ratio_is_annual_by_calendar_days_and_not_by_rows() {
    // Three trades a day, +20 or −10 dollars: 36 rows in 12 days. The horizon return has the mean 36 · 5 and the deviation
    // 6 · 15 dollars.
    let pnls: Vec<f64> = (0..60).map(|n| if n % 2 == 0 { 20.0 } else { -10.0 }).collect();
    let asked = json!({
        "paths": 400_000, "horizonDays": 12, "sizing": "fixed", "model": "iid", "level": "trade", "rules": {},
    });
    let report = result(&plan(&assessment(), &account(10_000.0, &pnls, 3), &config(asked)));
    assert_eq!((report.steps, report.horizon_days), (36, 12.0));
    let expected = 2.0 * (365.0_f64 / 12.0).sqrt();
    // A ratio of 2 is off by about √((1 + 2² / 2) / n).
    let error = (3.0_f64 / 400_000.0).sqrt() * (365.0_f64 / 12.0).sqrt();
    let seen = report.risk_metrics.sharpe_ratio.expect("paths differ");
    assert!((seen - expected).abs() < 3.0 * error, "{seen} is not {expected}");
    // Steps given: 36 rows at three a day are 12 days.
    let asked =
        json!({"paths": 40, "steps": 36, "sizing": "fixed", "model": "iid", "level": "trade", "rules": {}});
    assert_eq!(result(&plan(&assessment(), &account(10_000.0, &pnls, 3), &config(asked))).horizon_days, 12.0);
}

#[test]
fn steps_are_rounded_to_the_nearest_and_never_to_none() {
    let of = |trades: usize, span_days: i64, days: u32| {
        let mut input = account(100_000.0, &book(trades), trades);
        input.trade_history[trades - 1].timestamp.0 += (span_days - 1) * DAY_MS;
        plan(&funded(), &input, &config(json!({"horizonDays": days, "level": "trade"}))).steps()
    };
    // 10 · 5 / 20 = 2.5 goes up; 10 · 5 / 21 = 2.38 and 10 · 5 / 34 = 1.47 down; 1 · 2 / 300 would be none.
    assert_eq!([of(5, 20, 10), of(5, 21, 10), of(5, 34, 10), of(2, 300, 1)], [3, 2, 1, 1]);
}

#[test]
fn days_spanned_are_dates_of_utc() {
    // A minute apart, on both sides of midnight: two dates. Nearly two days apart on neighbouring dates: two as well.
    let spanned = |first_ms: i64, last_ms: i64| {
        let mut input = account(10_000.0, &[10.0, 20.0, 30.0], 3);
        let midnight = 1_767_225_600_000;
        for (trade, at) in input.trade_history.iter_mut().zip([first_ms, first_ms, last_ms]) {
            trade.timestamp = EpochMs(midnight + at);
        }
        3.0 / result(&plan(&funded(), &input, &config(json!({"paths": 5})))).trades_per_day
    };
    assert_eq!(spanned(-30_000, 30_000), 2.0);
    assert_eq!(spanned(-DAY_MS + 1, DAY_MS - 1), 2.0);
    assert_eq!(spanned(0, DAY_MS - 1), 1.0);
}

#[test]
fn rows_become_days_just_beyond_the_limit_of_work() {
    // 30 days of 2,000 trades in three days are 20,000 rows, times 1,000,000 the limit of 2 · 10¹⁰.
    let level = |trades: usize| {
        let input = account(1e6, &book(trades), trades.div_ceil(3));
        plan(&funded(), &input, &config(json!({"paths": 1}))).level()
    };
    assert_eq!((level(2_000), level(2_001)), (Level::Trade, Level::Day));
}

#[test]
fn the_limit_of_a_job_is_reached_before_it_is_passed() {
    let input = account(100_000.0, &book(50), 1);
    let refused = |paths: u64, steps: u32| {
        Plan::new(&funded(), &input, &config(json!({"paths": paths, "steps": steps})), 1).is_err()
    };
    assert_eq!((refused(100_000_000, 5_000), refused(100_000_000, 5_001)), (false, true));
}

#[test]
fn the_model_is_the_stationary_bootstrap_unless_another_is_asked_for() {
    let of = |pnls: &[f64], asked: Value| {
        let report = result(&plan(&funded(), &account(1e6, pnls, 1), &config(asked)));
        (report.model, report.block_length)
    };
    // A gain after each loss and a loss after each gain: the rule asks for the longest blocks that it may, a third of the
    // rows. Nine rows are too few to ask.
    let turns: Vec<f64> = (0..24).map(|n| if n % 2 == 0 { 100.0 } else { -100.0 }).collect();
    let asked = json!({"paths": 5, "sizing": "fixed"});
    assert_eq!(of(&turns, asked.clone()), (Model::Stationary, 8.0));
    assert!((of(&turns[..10], asked.clone()).1 - 10.0 / 3.0).abs() < 1e-6);
    assert_eq!(of(&turns[..9], asked), (Model::Stationary, 1.0));
    assert_eq!(of(&turns, json!({"paths": 5, "model": "iid"})), (Model::Iid, 1.0));
}

#[test]
fn what_a_trade_cost_is_in_its_pnl() {
    let mut input = account(10_000.0, &book(20), 1);
    let asked = config(json!({"paths": 50}));
    let before = result(&plan(&funded(), &input, &asked)).result_digest;
    for trade in &mut input.trade_history {
        (trade.fee, trade.slippage) = (Some(12.5), Some(3.0));
    }
    assert_eq!(result(&plan(&funded(), &input, &asked)).result_digest, before);
}

#[test]
fn a_history_starts_with_its_oldest_trade() {
    // 10,000 doubles and doubles again; in the other order it would grow by 200 % and then by a third.
    let mut input = account(10_000.0, &[10_000.0, 20_000.0], 1);
    input.trade_history.reverse();
    // Of one time, the lesser id is the older one.
    for same_time in [false, true] {
        if same_time {
            let at = input.trade_history[0].timestamp;
            input.trade_history.iter_mut().for_each(|trade| trade.timestamp = at);
        }
        let report =
            result(&plan(&assessment(), &input, &config(json!({"paths": 40, "steps": 1, "rules": {}}))));
        assert!((report.mean_return - 1.0).abs() < 1e-6 && report.variance < 1e-12, "{}", report.mean_return);
    }
}

#[test]
fn a_return_is_of_the_balance_before_the_trade() {
    // Rebuilt from the starting balance, whatever the account's balance is today or a fresh one's will be.
    let mut input = account(10_000.0, &[1_000.0, 1_100.0, 1_210.0], 1);
    input.pnl_data.balance = 50_000.0;
    input.pnl_data.peak = 50_000.0;
    input.tier = Some(TierTerms { starting_balance: Some(200_000.0), ..TierTerms::default() });
    let asked = config(json!({"paths": 40, "steps": 2, "rules": {}}));
    for (subject, balance) in [(assessment(), 200_000.0), (funded(), 50_000.0)] {
        let report = result(&plan(&subject, &input, &asked));
        assert!((report.percentiles.final_balance.p50 / balance - 1.21).abs() < 1e-6);
        assert_eq!(report.current_balance, balance);
    }
    let fixed = config(json!({"paths": 40, "steps": 2, "sizing": "fixed", "rules": {}}));
    let dollars = result(&plan(&funded(), &account(10_000.0, &[500.0, 500.0], 1), &fixed));
    assert_eq!(dollars.percentiles.final_balance.p50, 12_000.0, "11,000 and twice 500");
}

#[test]
fn an_account_at_its_floor_at_the_start_is_broken_and_one_above_it_is_not() {
    let broken = |balance: f64| {
        let mut input = account(10_000.0, &[1.0, 2.0], 1);
        input.pnl_data.balance = balance;
        input.pnl_data.peak = 10_000.0;
        let asked = json!({"paths": 10, "steps": 1, "sizing": "fixed",
            "rules": {"drawdown": {"kind": "trailing", "amount": 500}}});
        let report = result(&plan(&funded(), &input, &config(asked)));
        let said = report.warnings.iter().any(|warning| warning.contains("broken at step 0"));
        assert_eq!(report.expected_payout.value, 0.0);
        (report.breach_probability.value, report.time_to_breach.map(|time| time.median_steps), said)
    };
    assert_eq!(broken(9_500.0), (1.0, Some(0), true));
    assert_eq!(broken(9_500.01), (0.0, None, false));
}

#[test]
fn no_profit_is_not_a_pass() {
    // Without a target a pass needs a profit: of nothing it is none, of a hundredth of a cent it is one.
    for (pnl, passed) in [(0.0, 0.0), (0.0001, 1.0), (-0.0001, 0.0)] {
        let mut input = account(10_000.0, &[pnl], 1);
        input.trade_history = vec![trade(0, pnl, 1)];
        let asked = json!({"paths": 10, "steps": 3, "sizing": "fixed", "rules": {"minTrades": 2}});
        let report = result(&plan(&assessment(), &input, &config(asked)));
        assert_eq!(report.pass_probability.expect("something to pass").value, passed, "{pnl}");
        if passed == 1.0 {
            assert_eq!(report.time_to_pass.expect("a pass").median_steps, 2, "the second trade is enough");
        }
    }
}

#[test]
fn ruin_is_a_balance_of_nothing() {
    // A fresh account of 10,000 dollars, after a history with more.
    for (pnl, ruined) in [(-9_999.999_9, 0.0), (-10_000.0, 1.0), (-12_000.0, 1.0)] {
        let mut input = account(50_000.0, &[pnl], 1);
        input.tier = Some(TierTerms { starting_balance: Some(10_000.0), ..TierTerms::default() });
        let asked = json!({"paths": 40, "steps": 1, "sizing": "fixed", "rules": {}});
        let report = result(&plan(&assessment(), &input, &config(asked)));
        assert_eq!(
            (report.ruin_probability.value, report.breach_probability.value),
            (ruined, ruined),
            "{pnl}"
        );
        assert_eq!(report.breach_causes.ruin, 40 * ruined as u64);
    }
}

#[test]
fn a_broken_account_stays_where_it_broke_among_all_paths() {
    // −600 or +100 a day, a floor of 500. A loss on the first day breaks at 9,400 (1/2), on the second at 9,500 (1/4); one
    // on the third leaves 9,600 (1/8), and none 10,300 (1/8).
    let report = fixed(
        &[-600.0, 100.0],
        &json!({"paths": 400_000, "steps": 3, "rules": {"drawdown": {"kind": "static", "amount": 500}}}),
    );
    let percentiles = &report.percentiles.final_balance;
    assert_eq!((percentiles.p25, percentiles.p75, percentiles.p99), (9_400.0, 9_500.0, 10_300.0));
    // (9,400 · 4 + 9,500 · 2 + 9,600 + 10,300) / 8.
    let mean = 10_000.0 * (1.0 + report.mean_return);
    // Its deviation: √(162.5² / 2 + 62.5² / 4 + 37.5² / 8 + 737.5² / 8) = 287 dollars.
    assert!((mean - 9_562.5).abs() < 3.0 * 287.0 / 400_000.0_f64.sqrt(), "{mean}");
    assert!((report.breach_probability.value - 0.75).abs() < 3.0 * (0.1875_f64 / 400_000.0).sqrt());
}

#[test]
fn what_falls_beyond_the_bins_is_counted_and_said() {
    // A day that falls 500 on the way to a gain of 100: its sums of rows rise, so no bin is laid out for 9,500, where all
    // paths break. The value is told all the same, for the end bin has its sum, and the reader is warned.
    let day = [-300.0, -200.0, 600.0];
    let of = |amount: u32| {
        let rules = json!({"drawdown": {"kind": "static", "amount": amount}});
        let asked = json!({"paths": 30, "steps": 1, "level": "day", "sizing": "fixed", "rules": rules});
        let report = result(&plan(&assessment(), &account(10_000.0, &day, 3), &config(asked)));
        let said = report.warnings.iter().any(|warning| warning.contains("outside the histogram's range"));
        assert_eq!(report.histograms.final_balance.counts.iter().sum::<u64>(), 30);
        (report.percentiles.final_balance.p50, report.risk_metrics.signed_var95, said)
    };
    assert_eq!(of(500), (9_500.0, 500.0, true));
    assert_eq!(of(501), (10_100.0, -100.0, false));
}

#[test]
fn the_firm_pays_what_the_trader_may_ask_for() {
    // A split of 90 %, 700 withdrawn before: 0.9 · (13,000 − 10,000 − 700) = 2,070; the profit is over the starting balance,
    // not over today's.
    let mut input = account(10_000.0, &[1_000.0, 1_000.0], 1);
    input.total_withdrawals = Some(700.0);
    input.tier = Some(TierTerms { profit_split: Some(0.9), ..TierTerms::default() });
    let asked = config(json!({"paths": 40, "steps": 1, "sizing": "fixed"}));
    assert_eq!(result(&plan(&funded(), &input, &asked)).expected_payout.value, 2_070.0);
    // A fresh account has nothing withdrawn and starts anew.
    assert_eq!(result(&plan(&assessment(), &input, &asked)).expected_payout.value, 900.0);
}

#[test]
fn a_target_is_reached_at_a_days_close() {
    // 900 above the day's open, then 300: the target of 600 is reached at the second day's close.
    let asked = json!({"paths": 10, "steps": 4, "level": "day", "sizing": "fixed",
        "rules": {"profitTarget": {"amount": 600}}});
    let report = result(&plan(&assessment(), &account(10_000.0, &[900.0, -600.0], 2), &config(asked)));
    assert_eq!(report.time_to_pass.expect("a pass").median_steps, 2);
    assert_eq!(report.percentiles.final_balance.p50, 10_600.0);
}

#[test]
fn a_position_is_risky_above_its_part_of_the_balance_before_it() {
    // 600 dollars each: 5 % of 12,000, and more than 5 % of the 11,999 that the first loss leaves.
    let report = result(&plan(&funded(), &account(12_000.0, &[-1.0, 5.0], 1), &config(json!({"paths": 5}))));
    let said = |count: &str| report.assumptions.iter().any(|sentence| sentence.contains(count));
    assert!(said("1 of 2 past closing trades were above 0.05"), "{:?}", report.assumptions);
}

#[test]
fn warnings_begin_just_beyond_their_limits() {
    // 30 trades that end at 20,000 dollars, 5,000 of which are withdrawn; 1 % of all of it is 200.
    let warned = |trades: usize, unrealized: f64, off: f64, about: &str| {
        let mut input = account(20_000.0, &vec![0.0; trades], 1);
        input.total_withdrawals = Some(5_000.0);
        input.pnl_data.balance = 15_000.0 + off;
        input.pnl_data.unrealized = unrealized;
        let report = result(&plan(&funded(), &input, &config(json!({"paths": 5}))));
        report.warnings.iter().any(|warning| warning.contains(about))
    };
    assert_eq!([29, 30].map(|trades| warned(trades, 0.0, 0.0, "fewer than 30")), [true, false]);
    // Open positions, against today's balance of 15,000.
    for (unrealized, said) in [(150.0, false), (150.01, true), (-150.0, false), (-150.01, true)] {
        assert_eq!(warned(30, unrealized, 0.0, "unrealized"), said, "{unrealized}");
    }
    // 20,000 rebuilt against what was reported and withdrawn: 198 of 19,802 is less than 1 %, 199 of 19,801 more.
    for (off, said) in [(-198.0, false), (-199.0, true), (202.0, false), (203.0, true)] {
        assert_eq!(warned(30, 0.0, off, "rebuilt"), said, "{off}");
    }
}
