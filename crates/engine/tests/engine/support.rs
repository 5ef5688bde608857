//! Accounts and runs that the tests share.

use monte_carlo_engine::{
    Control, EpochMs, Execution, InputData, Plan, PnlData, Report, Shard, SimulationConfig, Subject, Tally,
    Trade, report, run_shard,
};

const DAY_MS: i64 = 86_400_000;

/// One closing trade, `n`-th of the history, with `per_day` trades a UTC day from 2026-01-01.
pub(crate) fn trade(n: usize, pnl: f64, per_day: usize) -> Trade {
    let (day, within) = ((n / per_day) as i64, (n % per_day) as i64);
    Trade {
        id: format!("t{n:06}"),
        kind: Some("close".to_owned()),
        market: "BTC/USD".to_owned(),
        side: "long".to_owned(),
        quantity: 0.01,
        price: 60_000.0,
        slippage: None,
        fee: None,
        pnl,
        cancelled: false,
        timestamp: EpochMs(1_767_225_600_000 + day * DAY_MS + within * 1_000),
    }
}

/// An account that started with `start` dollars and made `pnls`, `per_day` trades a day.
pub(crate) fn account(start: f64, pnls: &[f64], per_day: usize) -> InputData {
    let realized: f64 = pnls.iter().sum();
    let mut highest = start;
    let mut balance = start;
    for pnl in pnls {
        balance += pnl;
        highest = highest.max(balance);
    }
    InputData {
        trade_history: pnls.iter().enumerate().map(|(n, &pnl)| trade(n, pnl, per_day)).collect(),
        pnl_data: PnlData { balance: start + realized, peak: highest, realized, unrealized: 0.0 },
        starting_balance: Some(start),
        total_withdrawals: Some(0.0),
        max_drawdown: None,
        max_risk_per_trade: None,
        tier: None,
        assumptions: Vec::new(),
    }
}

/// A fresh account after an assessment.
pub(crate) fn assessment() -> Subject {
    Subject::Assessment("assessment-1".to_owned())
}

/// An account that is trading.
pub(crate) fn funded() -> Subject {
    Subject::FundedAccount("funded-1".to_owned())
}

/// `config` from JSON, as callers write it.
pub(crate) fn config(json: serde_json::Value) -> SimulationConfig {
    serde_json::from_value(json).expect("a configuration")
}

/// A book of `n` trades with a mild edge, deterministic and without a pattern.
pub(crate) fn book(n: usize) -> Vec<f64> {
    let mut state = 12_345_u64;
    (0..n)
        .map(|_| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let unit = (state >> 40) as f64 / f64::from(1 << 24);
            ((unit - 0.47) * 2_000.0).round() / 2.0
        })
        .collect()
}

/// Plans; the request is known to be good.
pub(crate) fn plan(subject: &Subject, input: &InputData, config: &SimulationConfig) -> Plan {
    Plan::new(subject, input, config, 10_000).expect("a plan")
}

/// The tally of a plan's own paths, in `shards` shards.
pub(crate) fn tally(plan: &Plan, shards: u64) -> Tally {
    let size = plan.paths().div_ceil(shards);
    let mut tallies = (0..plan.paths().div_ceil(size)).map(|index| {
        let first_path = index * size;
        run(plan, Shard { first_path, paths: size.min(plan.paths() - first_path) })
    });
    let mut first = tallies.next().expect("a shard");
    tallies.for_each(|more| first.merge(&more));
    first
}

/// One shard's tally.
pub(crate) fn run(plan: &Plan, shard: Shard) -> Tally {
    run_shard(plan, shard, &Control::default()).expect("nobody cancels")
}

/// The report of a plan's own paths, run in one shard, without its weighted histories.
pub(crate) fn result(plan: &Plan) -> Report {
    report(plan, &tally(plan, 1), &execution())
}

/// The report of all that a plan asks for.
pub(crate) fn whole_result(plan: &Plan) -> Report {
    let whole = plan.shards(u64::MAX).into_iter().map(|shard| run(plan, shard));
    let tally = whole.reduce(|mut one, other| {
        one.merge(&other);
        one
    });
    report(plan, &tally.expect("a shard"), &execution())
}

/// The tally of all stages of a plan, in shards of about `path_steps`.
pub(crate) fn staged(plan: &Plan, path_steps: u64) -> Tally {
    let mut merged: Option<Tally> = None;
    loop {
        let shards = plan.next_stage(merged.as_ref(), path_steps);
        if shards.is_empty() {
            return merged.expect("a stage");
        }
        for shard in shards {
            let tally = run(plan, shard);
            match &mut merged {
                None => merged = Some(tally),
                Some(sum) => sum.merge(&tally),
            }
        }
    }
}

/// As JSON.
pub(crate) fn json(report: &Report) -> serde_json::Value {
    serde_json::to_value(report).expect("JSON")
}

/// Done here.
pub(crate) fn execution() -> Execution {
    Execution { executed_on: "test".to_owned(), simulation_time_seconds: 0.5 }
}

/// JSON has no NaN: what is not finite is written as null, and only some fields may be null. `what` is for the failure.
pub(crate) fn assert_defined(what: &str, path: &str, value: &serde_json::Value) {
    use serde_json::Value;
    match value {
        Value::Null => {
            let is_figure = |name: &str| !name.contains('/');
            let may_be_null = path.ends_with("/sharpeRatio")
                || path.ends_with("/sortinoRatio")
                || path.ends_with("/standardErrors")
                || path.strip_prefix("/monteCarloErrors/").is_some_and(is_figure);
            assert!(may_be_null, "{what}: {path} is null");
        }
        Value::Number(number) => {
            assert!(number.as_f64().is_some_and(f64::is_finite), "{what}: {path} is {number}");
        }
        Value::Array(items) => items.iter().for_each(|item| assert_defined(what, &format!("{path}/0"), item)),
        Value::Object(fields) => {
            fields.iter().for_each(|(key, field)| assert_defined(what, &format!("{path}/{key}"), field));
        }
        _ => {}
    }
}
