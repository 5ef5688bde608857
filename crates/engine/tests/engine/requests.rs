//! What may be asked, and how a fault is named.

use monte_carlo_engine::{EpochMs, InputData, Level, Plan, PlanError, SimulationConfig, TierTerms};
use serde_json::{Value, json};

use crate::support::{account, assessment, book, config, funded, plan, result};

fn field_of(asked: Value) -> String {
    config(asked).validate().expect_err("out of range").field
}

#[test]
fn a_cap_leaves_room_for_the_minimum() {
    let planned = |cap: f64| {
        let asked = json!({"paths": 5, "rules": {"payout": {"everyDays": 1, "minimum": 100, "cap": cap}}});
        Plan::new(&funded(), &account(50_000.0, &book(9), 3), &config(asked), 5)
    };
    assert!(planned(100.0).is_ok());
    let refused = planned(99.0).expect_err("nothing could ever be paid");
    assert!(matches!(refused, PlanError::Field(fault) if fault.field == "config.rules.payout.cap"));
}

#[test]
fn a_whole_number_may_be_spelled_with_a_point() {
    let asked = json!({"paths": 5.0, "horizonDays": 30.0, "steps": null, "seed": 9_007_199_254_740_991.0,
        "rules": {"minTrades": 3.0, "payout": {"everyDays": 14.0, "minimum": 0}}});
    let whole = json!({"paths": 5, "horizonDays": 30, "seed": 9_007_199_254_740_991_u64,
        "rules": {"minTrades": 3, "payout": {"everyDays": 14, "minimum": 0}}});
    assert_eq!(config(asked), config(whole));
    for wrong in [
        json!({"paths": 5.5}),
        json!({"paths": -5.0}),
        json!({"paths": 1e300}),
        json!({"paths": "5"}),
        json!({"steps": 4_294_967_296_u64}),
        json!({"rules": {"payout": {"everyDays": null, "minimum": 0}}}),
        json!({"rules": {"payout": {"minimum": 0}}}),
    ] {
        assert!(serde_json::from_value::<SimulationConfig>(wrong.clone()).is_err(), "{wrong} is taken");
    }
}

#[test]
fn ranges_of_the_configuration() {
    for (asked, field) in [
        (json!({"paths": 0}), "config.paths"),
        (json!({"paths": 100_000_001}), "config.paths"),
        (json!({"horizonDays": 0}), "config.horizonDays"),
        (json!({"horizonDays": 366}), "config.horizonDays"),
        (json!({"steps": 0}), "config.steps"),
        (json!({"steps": 100_001}), "config.steps"),
        (json!({"blockLength": 0.5}), "config.blockLength"),
        (json!({"model": "iid", "blockLength": 2}), "config.blockLength"),
        (json!({"seed": 9_007_199_254_740_992_u64}), "config.seed"),
        (json!({"rules": {"drawdown": {"kind": "static"}}}), "config.rules.drawdown"),
        (
            json!({"rules": {"drawdown": {"kind": "static", "fraction": 0.1, "amount": 5}}}),
            "config.rules.drawdown",
        ),
        (
            json!({"rules": {"drawdown": {"kind": "static", "fraction": 1.0}}}),
            "config.rules.drawdown.fraction",
        ),
        (
            json!({"rules": {"drawdown": {"kind": "trailing", "fraction": 0}}}),
            "config.rules.drawdown.fraction",
        ),
        (json!({"rules": {"drawdown": {"kind": "trailing", "amount": -1}}}), "config.rules.drawdown.amount"),
        (
            json!({"rules": {"drawdown": {"kind": "trailing", "amount": 1e300}}}),
            "config.rules.drawdown.amount",
        ),
        (
            json!({"rules": {"drawdown": {"kind": "static", "amount": 1, "lock": {}}}}),
            "config.rules.drawdown.lock",
        ),
        (
            json!({"rules": {"drawdown": {"kind": "trailing", "amount": 1, "lock": {"offset": 1e300}}}}),
            "config.rules.drawdown.lock.offset",
        ),
        (json!({"rules": {"dailyLoss": {"of": "initial"}}}), "config.rules.dailyLoss"),
        (
            json!({"rules": {"dailyLoss": {"of": "dayStart", "fraction": 2}}}),
            "config.rules.dailyLoss.fraction",
        ),
        (json!({"rules": {"profitTarget": {}}}), "config.rules.profitTarget"),
        (json!({"rules": {"profitTarget": {"fraction": -0.1}}}), "config.rules.profitTarget.fraction"),
        (json!({"rules": {"timeLimitDays": 0}}), "config.rules.timeLimitDays"),
        (json!({"rules": {"consistency": {"fraction": 1.5}}}), "config.rules.consistency.fraction"),
        (json!({"rules": {"profitSplit": 1.01}}), "config.rules.profitSplit"),
        (json!({"rules": {"payout": {"everyDays": 0, "minimum": 1}}}), "config.rules.payout.everyDays"),
        (json!({"rules": {"payout": {"everyDays": 1, "minimum": -1}}}), "config.rules.payout.minimum"),
        (json!({"rules": {"payout": {"everyDays": 1, "minimum": 1, "cap": 0}}}), "config.rules.payout.cap"),
        (
            json!({"rules": {"payout": {"everyDays": 1, "minimum": 1, "buffer": -1}}}),
            "config.rules.payout.buffer",
        ),
        (
            json!({"rules": {"payout": {"everyDays": 1, "minimum": 1, "buffer": 1e300}}}),
            "config.rules.payout.buffer",
        ),
        (json!({"model": "circular", "blockLength": 2.5}), "config.blockLength"),
        (json!({"model": "circular", "blockLength": 0}), "config.blockLength"),
        (json!({"model": "normal", "blockLength": 2}), "config.blockLength"),
        (json!({"model": "studentT", "level": "day"}), "config.model"),
        (json!({"model": "skewed", "rules": {"dailyLoss": {"of": "initial", "amount": 5}}}), "config.model"),
        (json!({"stress": {"volatility": 0}}), "config.stress.volatility"),
        (json!({"stress": {"volatility": 10.5}}), "config.stress.volatility"),
        (json!({"stress": {"meanShift": -1.01}}), "config.stress.meanShift"),
        (json!({"sizing": "fixed", "stress": {"meanShift": 1e11}}), "config.stress.meanShift"),
        (json!({"stress": {"slippage": -0.01}}), "config.stress.slippage"),
        (json!({"stress": {"slippage": 1e11}}), "config.stress.slippage"),
    ] {
        assert_eq!(field_of(asked.clone()), field, "{asked}");
    }
    let widest = json!({
        "paths": 100_000_000, "horizonDays": 365, "steps": 100_000, "seed": 9_007_199_254_740_991_u64,
        "blockLength": 1, "rules": {"drawdown": {"kind": "trailing", "fraction": 0.999}, "profitSplit": 0},
    });
    assert_eq!(config(widest).validate(), Ok(()));
}

#[test]
fn unknown_fields_are_refused() {
    for asked in [
        json!({"path": 10}),
        json!({"rules": {"draw_down": {}}}),
        json!({"rules": {"drawdown": {"kind": "static", "amount": 1, "loc": {}}}}),
        json!({"rules": "finded"}),
        json!({"stress": {"worstMonth": true}}),
        json!({"model": "garch"}),
    ] {
        assert!(serde_json::from_value::<SimulationConfig>(asked.clone()).is_err(), "{asked}");
    }
}

#[test]
fn a_configuration_is_written_as_it_is_read() {
    let asked = json!({
        "paths": 10, "horizonDays": 20, "level": "day", "model": "stationary", "blockLength": 2.5, "sizing": "fixed",
        "seed": 1, "rules": {"drawdown": {"kind": "trailing", "amount": 5.0, "lock": {"offset": 1.0}}, "minTrades": 2},
    });
    assert_eq!(serde_json::to_value(config(asked.clone())).unwrap(), asked);
    assert_eq!(serde_json::to_value(config(json!({"rules": "funded"}))).unwrap(), json!({"rules": "funded"}));
}

fn refused(input: &InputData) -> String {
    match Plan::new(&assessment(), input, &config(json!({})), 100).expect_err("a bad input") {
        PlanError::Field(fault) => fault.field,
        other => panic!("{other}"),
    }
}

#[test]
fn numbers_that_no_account_has() {
    let good = || account(10_000.0, &[10.0, -20.0, 30.0, 5.0], 1);
    for extreme in [f64::NAN, f64::INFINITY, 1e300, -1e300] {
        let mut input = good();
        input.trade_history[3].pnl = extreme;
        assert_eq!(refused(&input), "inputData.tradeHistory[3].pnl");
        let mut input = good();
        input.pnl_data.balance = extreme;
        assert_eq!(refused(&input), "inputData.pnlData.balance");
        let mut input = good();
        input.pnl_data.unrealized = extreme;
        assert_eq!(refused(&input), "inputData.pnlData.unrealized");
        let mut input = good();
        input.starting_balance = Some(extreme);
        assert_eq!(refused(&input), "inputData.startingBalance");
        let mut input = good();
        input.tier = Some(TierTerms { profit_split: Some(extreme), ..TierTerms::default() });
        assert_eq!(refused(&input), "inputData.tier.profitSplit");
    }
    let mut input = good();
    input.trade_history[1].fee = Some(f64::NAN);
    assert_eq!(refused(&input), "inputData.tradeHistory[1].fee");
    let mut input = good();
    input.total_withdrawals = Some(-1.0);
    assert_eq!(refused(&input), "inputData.totalWithdrawals");
    let mut input = good();
    input.starting_balance = None;
    input.pnl_data.realized = 20_000.0;
    assert_eq!(refused(&input), "inputData.startingBalance");
}

#[test]
fn the_largest_numbers_do_not_overflow() {
    for sizing in ["fixed", "proportional"] {
        for level in ["trade", "day"] {
            let pnls = [9e9, -9e9, 9e9, 1e9, -9.9e9, 5e9];
            let mut input = account(1e7, &pnls, 2);
            input.pnl_data.peak = 1e10;
            input.pnl_data.balance = 1e7;
            let asked = json!({"paths": 50, "steps": 500, "level": level, "sizing": sizing, "rules": {
                "drawdown": {"kind": "trailing", "amount": 1e10}, "profitTarget": {"fraction": 1000},
            }});
            let report = result(&plan(&funded(), &input, &config(asked)));
            assert!(report.variance.is_finite());
        }
    }
    let asked = config(json!({"sizing": "fixed", "steps": 100_000, "paths": 1}));
    let fault = Plan::new(&funded(), &account(1e9, &[9e9, -1.0], 1), &asked, 1).unwrap_err();
    assert!(fault.to_string().starts_with("config.steps: "), "{fault}");
}

#[test]
fn a_balance_rebuilt_to_nothing_names_its_trade() {
    let mut input = account(100.0, &[50.0, -150.0, 500.0], 1);
    input.trade_history.rotate_left(1);
    assert_eq!(refused(&input), "inputData.tradeHistory[0].pnl");
    let fixed = Plan::new(&assessment(), &input, &config(json!({"sizing": "fixed"})), 100);
    assert!(fixed.is_ok(), "dollars need no balance before a trade");
}

#[test]
fn too_much_work_is_refused() {
    let input = account(100_000.0, &book(50), 1);
    let asked = config(json!({"paths": 100_000_000, "steps": 5_001}));
    let refused = Plan::new(&funded(), &input, &asked, 1).unwrap_err();
    assert_eq!(refused, PlanError::TooMuchWork { paths: 100_000_000, steps: 5_001, limit: 500_000_000_000 });
}

#[test]
fn the_horizon_follows_the_traders_rate() {
    // 20 trades, two a day on ten days in a row, then one 30 days after the first: 21 trades in 31 days.
    let mut input = account(100_000.0, &book(21), 2);
    input.trade_history[20].timestamp = EpochMs(input.trade_history[0].timestamp.0 + 30 * 86_400_000 + 5);
    let steps = |asked| plan(&funded(), &input, &config(asked)).steps();
    assert_eq!(steps(json!({})), 20, "30 · 21 / 31 = 20.3");
    assert_eq!(steps(json!({"level": "day"})), 11, "30 · 11 / 31 = 10.6");
    assert_eq!(steps(json!({"horizonDays": 365})), 247);
    assert_eq!(steps(json!({"steps": 5})), 5);
    let report = result(&plan(&funded(), &input, &config(json!({"paths": 10}))));
    assert_eq!(report.trades_per_day, 21.0 / 31.0);
}

#[test]
fn many_trades_become_days_whatever_the_paths() {
    let input = account(1_000_000.0, &book(1_400), 700);
    for paths in [1, 1_000] {
        let plan = plan(&funded(), &input, &config(json!({"paths": paths})));
        assert_eq!((plan.level(), plan.steps()), (Level::Day, 30), "30 · 1,400 / 2 = 21,000 trades");
    }
    let by_trade = plan(&funded(), &input, &config(json!({"level": "trade", "paths": 1})));
    assert_eq!((by_trade.level(), by_trade.steps()), (Level::Trade, 21_000));
}

#[test]
fn both_forms_of_a_time() {
    let read = |value: Value| serde_json::from_value::<EpochMs>(value);
    assert_eq!(read(json!("2026-01-01T00:00:00.250Z")).unwrap(), EpochMs(1_767_225_600_250));
    assert_eq!(read(json!("2026-01-01T01:00:00+01:00")).unwrap(), EpochMs(1_767_225_600_000));
    assert_eq!(read(json!(1_767_225_600_250_i64)).unwrap(), EpochMs(1_767_225_600_250));
    assert_eq!(read(json!(1_767_225_600_250.0)).unwrap(), EpochMs(1_767_225_600_250));
    assert!(read(json!("yesterday")).is_err() && read(json!(1e300)).is_err() && read(json!(null)).is_err());
    assert_eq!(serde_json::to_value(EpochMs(1_767_225_600_250)).unwrap(), "2026-01-01T00:00:00.250Z");
    // Four digits make a year: what is read can be written as every reader takes it.
    for at in [json!(-62_135_596_800_000_i64), json!(253_402_207_200_000_i64), json!("9999-12-30T22:00:00Z")]
    {
        let written = serde_json::to_value(read(at.clone()).unwrap()).unwrap();
        assert_eq!(written.as_str().map(str::len), Some(24), "{at}: {written}");
    }
    for at in
        [json!(-62_135_596_800_001_i64), json!(253_402_207_200_001_i64), json!("-002798-06-13T14:36:20Z")]
    {
        assert!(read(at.clone()).is_err(), "{at} is taken");
    }
}

#[test]
fn what_closes_a_position() {
    let mut input = account(10_000.0, &[10.0, -20.0, 30.0, 5.0, 7.0, 0.0], 1);
    let kinds = [Some("close"), None, Some("open"), Some("CLOSED"), None, None];
    for (trade, kind) in input.trade_history.iter_mut().zip(kinds) {
        trade.kind = kind.map(str::to_owned);
    }
    input.trade_history[4].cancelled = true;
    let report = result(&plan(&funded(), &input, &config(json!({"paths": 10}))));
    assert_eq!(
        report.trades_analyzed, 3,
        "the open one, the cancelled one and the one without a pnl do not count"
    );
    assert!(report.warnings.iter().all(|warning| !warning.contains("rebuilt")));
}

#[test]
fn balances_that_do_not_add_up_are_said() {
    let mut input = account(10_000.0, &book(40), 1);
    input.pnl_data.balance += 500.0;
    input.pnl_data.unrealized = -200.0;
    let report = result(&plan(&funded(), &input, &config(json!({"paths": 10}))));
    assert!(report.warnings.iter().any(|warning| warning.contains("rebuilt")), "{:?}", report.warnings);
    assert!(report.warnings.iter().any(|warning| warning.contains("unrealized")), "{:?}", report.warnings);
}
