//! Garbage in: a fault that names the trade and the field, or a result that is defined.

use monte_carlo_engine::{
    Consistency, DailyLoss, DailyLossReference, Drawdown, DrawdownKind, EpochMs, InputData, Lock, MAX_TRADES,
    PayoutSchedule, Plan, PlanError, ProfitTarget, RuleSet, Rules, SimulationConfig, Sizing, Subject,
    TierTerms,
};
use serde_json::json;

use crate::support::{
    account, assert_defined, assessment, book, config, funded, json as as_json, whole_result,
};

/// What no number should be, what is too large for the engine's integers, and what is next to nothing.
const NUMBERS: [f64; 19] = [
    f64::NAN,
    f64::INFINITY,
    f64::NEG_INFINITY,
    f64::MAX,
    1e300,
    -1e300,
    1e10,
    10_000_000_001.0,
    -1e10,
    -10_000_000_001.0,
    1.0,
    0.999_999_999_999_999_9,
    0.01,
    1e-300,
    -1e-300,
    5e-324,
    -1.0,
    0.0,
    -0.0,
];

/// A field by its path, how it is set, and which numbers it refuses.
type Field<T> = (&'static str, fn(&mut T, f64), fn(f64) -> bool);

fn not_finite(value: f64) -> bool {
    !value.is_finite()
}

fn no_money(value: f64) -> bool {
    !(-1e10..=1e10).contains(&value)
}

fn no_balance(value: f64) -> bool {
    !(0.01..=1e10).contains(&value)
}

fn no_amount(value: f64) -> bool {
    !(0.0..=1e10).contains(&value)
}

fn no_amount_or_0(value: f64) -> bool {
    no_amount(value) || value == 0.0
}

fn no_part(value: f64) -> bool {
    !(value > 0.0 && value < 1.0)
}

fn no_part_or_1(value: f64) -> bool {
    !(value > 0.0 && value <= 1.0)
}

fn no_share(value: f64) -> bool {
    !(0.0..=1.0).contains(&value)
}

fn no_risk(value: f64) -> bool {
    !(0.0..=1e6).contains(&value)
}

fn tier(input: &mut InputData) -> &mut TierTerms {
    input.tier.get_or_insert_default()
}

const INPUTS: [Field<InputData>; 17] = [
    ("tradeHistory[2].pnl", |input, value| input.trade_history[2].pnl = value, no_money),
    ("tradeHistory[2].quantity", |input, value| input.trade_history[2].quantity = value, not_finite),
    ("tradeHistory[2].price", |input, value| input.trade_history[2].price = value, not_finite),
    ("tradeHistory[2].slippage", |input, value| input.trade_history[2].slippage = Some(value), not_finite),
    ("tradeHistory[2].fee", |input, value| input.trade_history[2].fee = Some(value), not_finite),
    ("pnlData.balance", |input, value| input.pnl_data.balance = value, no_balance),
    ("pnlData.peak", |input, value| input.pnl_data.peak = value, no_balance),
    ("pnlData.realized", |input, value| input.pnl_data.realized = value, no_money),
    ("pnlData.unrealized", |input, value| input.pnl_data.unrealized = value, no_money),
    ("startingBalance", |input, value| input.starting_balance = Some(value), no_balance),
    ("totalWithdrawals", |input, value| input.total_withdrawals = Some(value), no_amount),
    ("maxDrawdown", |input, value| input.max_drawdown = Some(value), no_part),
    ("maxRiskPerTrade", |input, value| input.max_risk_per_trade = Some(value), no_risk),
    ("tier.startingBalance", |input, value| tier(input).starting_balance = Some(value), no_balance),
    ("tier.maxDrawdown", |input, value| tier(input).max_drawdown = Some(value), no_part),
    ("tier.maxRiskPerTrade", |input, value| tier(input).max_risk_per_trade = Some(value), no_risk),
    ("tier.profitSplit", |input, value| tier(input).profit_split = Some(value), no_share),
];

fn drawdown(rules: &mut RuleSet, fraction: Option<f64>, amount: Option<f64>, lock: Option<Lock>) {
    rules.drawdown = Some(Drawdown { kind: DrawdownKind::TrailingEndOfDay, fraction, amount, lock });
}

fn daily_loss(rules: &mut RuleSet, fraction: Option<f64>, amount: Option<f64>) {
    rules.daily_loss = Some(DailyLoss { fraction, amount, of: DailyLossReference::DayStart });
}

fn payout(rules: &mut RuleSet, minimum: f64, cap: Option<f64>, buffer: Option<f64>) {
    rules.payout = Some(PayoutSchedule { every_days: 1, minimum, cap, buffer, after: None });
}

const RULES: [Field<RuleSet>; 12] = [
    ("drawdown.fraction", |rules, value| drawdown(rules, Some(value), None, None), no_part),
    ("drawdown.amount", |rules, value| drawdown(rules, None, Some(value), None), no_amount_or_0),
    (
        "drawdown.lock.offset",
        |rules, value| drawdown(rules, Some(0.2), None, Some(Lock { offset: value })),
        no_money,
    ),
    ("dailyLoss.fraction", |rules, value| daily_loss(rules, Some(value), None), no_part),
    ("dailyLoss.amount", |rules, value| daily_loss(rules, None, Some(value)), no_amount_or_0),
    (
        "profitTarget.fraction",
        |rules, value| rules.profit_target = Some(ProfitTarget { fraction: Some(value), amount: None }),
        |value| !(value > 0.0 && value <= 1_000.0),
    ),
    (
        "profitTarget.amount",
        |rules, value| rules.profit_target = Some(ProfitTarget { fraction: None, amount: Some(value) }),
        no_amount_or_0,
    ),
    (
        "consistency.fraction",
        |rules, value| {
            rules.consistency = Some(Consistency { fraction: value });
            rules.min_trades = Some(1);
        },
        no_part_or_1,
    ),
    ("profitSplit", |rules, value| rules.profit_split = Some(value), no_share),
    ("payout.minimum", |rules, value| payout(rules, value, None, None), no_amount),
    ("payout.cap", |rules, value| payout(rules, 0.0, Some(value), None), no_amount_or_0),
    ("payout.buffer", |rules, value| payout(rules, 10.0, None, Some(value)), no_amount),
];

fn good() -> InputData {
    account(10_000.0, &[10.0, -20.0, 30.0, 5.0, -60.0], 2)
}

/// Few paths, some of them one by one, of few steps, with weighted histories.
fn small(sizing: Sizing) -> SimulationConfig {
    SimulationConfig {
        sizing: Some(sizing),
        ..config(json!({"paths": 35, "steps": 4, "historyReplicates": 40}))
    }
}

fn fault(subject: &Subject, input: &InputData, asked: &SimulationConfig) -> String {
    match Plan::new(subject, input, asked, 35) {
        Err(PlanError::Field(fault)) => fault.field,
        Err(other) => panic!("{other}"),
        Ok(_) => panic!("planned"),
    }
}

fn assert_all_defined(what: &str, subject: &Subject, input: &InputData, asked: &SimulationConfig) {
    let plan = Plan::new(subject, input, asked, 35).unwrap_or_else(|refused| panic!("{what}: {refused}"));
    assert_defined(what, "", &as_json(&whole_result(&plan)));
}

#[test]
fn every_number_of_an_input() {
    // Dollars that add up: where returns compound, a trade that takes all is refused for that, as is said below.
    for ((path, set, refuses), value) in
        INPUTS.into_iter().flat_map(|field| NUMBERS.map(|value| (field, value)))
    {
        let mut input = good();
        set(&mut input, value);
        for subject in [assessment(), funded()] {
            if refuses(value) {
                for sizing in [Sizing::Fixed, Sizing::Proportional] {
                    let named = fault(&subject, &input, &small(sizing));
                    assert_eq!(named, format!("inputData.{path}"), "{value}");
                }
            } else {
                assert_all_defined(&format!("{path} {value}"), &subject, &input, &small(Sizing::Fixed));
            }
        }
    }
}

#[test]
fn every_number_of_the_rules() {
    for ((path, set, refuses), value) in
        RULES.into_iter().flat_map(|field| NUMBERS.map(|value| (field, value)))
    {
        let mut rules = RuleSet::default();
        set(&mut rules, value);
        for sizing in [Sizing::Fixed, Sizing::Proportional] {
            let asked =
                SimulationConfig { rules: Some(Rules::Custom(Box::new(rules.clone()))), ..small(sizing) };
            if refuses(value) {
                assert_eq!(fault(&funded(), &good(), &asked), format!("config.rules.{path}"), "{value}");
            } else {
                assert_all_defined(&format!("{path} {value}"), &funded(), &good(), &asked);
            }
        }
    }
}

#[test]
fn every_mean_block_length() {
    for length in NUMBERS.into_iter().chain([858_993_459.0, 858_993_460.0]) {
        let asked = SimulationConfig { block_length: Some(length), ..small(Sizing::Proportional) };
        // 2³² − 1 possible draws among five rows.
        if (1.0..=858_993_459.0).contains(&length) {
            assert_all_defined(&format!("blockLength {length}"), &funded(), &good(), &asked);
        } else {
            assert_eq!(fault(&funded(), &good(), &asked), "config.blockLength", "{length}");
        }
    }
}

#[test]
fn the_largest_whole_numbers() {
    for asked in [
        json!({"rules": {"minTrades": u32::MAX}}),
        json!({"rules": {"minDays": u32::MAX}}),
        json!({"rules": {"minTrades": 1, "timeLimitDays": u32::MAX}}),
        json!({"rules": {"profitTarget": {"amount": 1}, "timeLimitDays": 1, "minDays": 0}}),
        json!({"horizonDays": 365, "rules": {"payout": {"everyDays": 365, "minimum": 0}}}),
        json!({"steps": 100_000, "paths": 1, "historyReplicates": 0}),
        json!({"steps": 100_000, "paths": 1, "historyReplicates": 0, "level": "day"}),
    ] {
        let mut filled = json!({"paths": 35, "historyReplicates": 40});
        filled.as_object_mut().unwrap().extend(asked.as_object().unwrap().clone());
        assert_all_defined(&asked.to_string(), &funded(), &good(), &config(filled));
    }
    assert_eq!(
        Plan::new(&funded(), &good(), &config(json!({})), 0).unwrap_err().to_string(),
        "config.paths: must be an integer from 1 to 100000000; it is 0"
    );
}

#[test]
fn a_time_that_no_calendar_has() {
    let (first, last) = (-62_135_596_800_000, 253_402_207_200_000);
    for ms in [i64::MIN, i64::MIN + 1, first - 1, last + 1, i64::MAX] {
        let mut input = good();
        input.trade_history[3].timestamp = EpochMs(ms);
        assert_eq!(
            fault(&funded(), &input, &small(Sizing::Fixed)),
            "inputData.tradeHistory[3].timestamp",
            "{ms}"
        );
    }
    let mut input = good();
    input.trade_history[3].timestamp = EpochMs(first);
    input.trade_history[1].timestamp = EpochMs(last);
    for asked in
        [json!({}), json!({"horizonDays": 365, "level": "day"}), json!({"steps": 100_000, "paths": 1})]
    {
        let asked = SimulationConfig { history_replicates: Some(0), ..config(asked) };
        assert_all_defined("the whole calendar", &funded(), &input, &asked);
    }
}

#[test]
fn equal_and_unsorted_times() {
    let asked = small(Sizing::Proportional);
    let digest = |input: &InputData| {
        whole_result(&Plan::new(&funded(), input, &asked, 35).expect("a plan")).result_digest
    };
    let sorted = good();
    let mut shuffled = good();
    shuffled.trade_history.rotate_left(2);
    shuffled.trade_history.swap(0, 1);
    assert_eq!(digest(&shuffled), digest(&sorted));
    // The same time: the ids decide; the same ids too: the order in which they came.
    let at = EpochMs(sorted.trade_history[0].timestamp.0);
    let mut equal = shuffled.clone();
    equal.trade_history.iter_mut().for_each(|trade| trade.timestamp = at);
    let mut equal_sorted = sorted.clone();
    equal_sorted.trade_history.iter_mut().for_each(|trade| trade.timestamp = at);
    assert_eq!(digest(&equal), digest(&equal_sorted));
    equal_sorted.trade_history.iter_mut().for_each(|trade| trade.id.clear());
    assert_eq!(digest(&equal), digest(&equal_sorted));
    assert_all_defined("one time", &funded(), &equal, &asked);
}

#[test]
fn none_one_too_many_and_the_most_trades() {
    let none = account(10_000.0, &[], 1);
    let refused = Plan::new(&funded(), &none, &small(Sizing::Fixed), 35).unwrap_err();
    assert_eq!(refused, PlanError::NoClosingTrades);
    let most = account(1e9, &book(MAX_TRADES), 500);
    for sizing in [Sizing::Fixed, Sizing::Proportional] {
        for level in [json!("trade"), json!("day")] {
            let asked = SimulationConfig { level: config(json!({"level": level})).level, ..small(sizing) };
            assert_all_defined("200,000 trades", &funded(), &most, &asked);
        }
    }
    let all_at_once = account(1e9, &book(MAX_TRADES), MAX_TRADES);
    let asked = config(json!({"paths": 35, "horizonDays": 365, "historyReplicates": 0}));
    assert_all_defined("200,000 trades in a day", &funded(), &all_at_once, &asked);
    let too_many = account(1e9, &book(MAX_TRADES + 1), 500);
    assert_eq!(fault(&funded(), &too_many, &small(Sizing::Fixed)), "inputData.tradeHistory");
}

#[test]
fn nothing_won_and_nothing_lost() {
    for pnl in [0.0, -0.0, 1e-300, -1e-300] {
        for balance in [0.01, 1e10] {
            let input = account(balance, &[pnl; 40], 3);
            for rules in [
                json!("funded"),
                json!("assessment"),
                json!({}),
                json!({"drawdown": {"kind": "static", "fraction": 0.1}, "profitTarget": {"fraction": 0.1}}),
                json!({"dailyLoss": {"amount": 5, "of": "initial"}, "minDays": 2, "consistency": {"fraction": 0.5}}),
            ] {
                for sizing in [Sizing::Fixed, Sizing::Proportional] {
                    let rules = config(json!({"rules": rules})).rules;
                    let what = format!("{pnl} on {balance} under {rules:?}");
                    assert_all_defined(
                        &what,
                        &funded(),
                        &input,
                        &SimulationConfig { rules, ..small(sizing) },
                    );
                }
            }
        }
    }
}

#[test]
fn ten_billion_won_and_lost() {
    for (start, pnls) in [
        (0.01, [1e10, -1e10, 1e10, -1e10, 1e-4]),
        (1e10, [1e10, -1e10, 1e10, -1e10, -5e9]),
        (1.0, [-0.999_9, 1e10, -1e10, 1e10, -1e10]),
    ] {
        let mut input = account(start, &pnls, 2);
        input.pnl_data.balance = start;
        input.pnl_data.peak = 1e10;
        // The peak breaks most at the start, unless no rule looks at it.
        for rules in [json!({}), json!("funded"), json!({"drawdown": {"kind": "trailing", "amount": 1e10}})] {
            for level in ["trade", "day"] {
                for sizing in [Sizing::Fixed, Sizing::Proportional] {
                    let SimulationConfig { rules, level, .. } =
                        config(json!({"rules": rules, "level": level}));
                    let what = format!("{pnls:?} by {level:?} under {rules:?}");
                    let asked = SimulationConfig { rules, level, ..small(sizing) };
                    assert_all_defined(&what, &funded(), &input, &asked);
                }
            }
        }
    }
}

#[test]
fn a_balance_past_all_counting_names_its_trade() {
    for (pnl, sizings) in [(1e10, vec![Sizing::Fixed, Sizing::Proportional]), (-1e10, vec![Sizing::Fixed])] {
        for per_day in [1, MAX_TRADES] {
            let mut input = account(10_000.0, &vec![pnl; MAX_TRADES], per_day);
            input.pnl_data = good().pnl_data;
            for &sizing in &sizings {
                assert_eq!(fault(&funded(), &input, &small(sizing)), "inputData.tradeHistory[2].pnl");
            }
        }
    }
}

#[test]
fn a_starting_balance_that_is_left_over() {
    let mut input = good();
    input.starting_balance = None;
    for (balance, realized) in
        [(1.0, 1.0 - f64::EPSILON), (1.0, 0.99), (1.0, 1.0), (1.0, 2.0), (1e10, -1.0), (1e10, -1e10)]
    {
        // 1.0 − 0.99 is a hair above a cent.
        let is_taken = realized == 0.99;
        input.pnl_data.balance = balance;
        input.pnl_data.realized = realized;
        for subject in [assessment(), funded()] {
            if is_taken {
                assert_all_defined("a cent", &subject, &input, &small(Sizing::Fixed));
            } else {
                let named = fault(&subject, &input, &small(Sizing::Fixed));
                assert_eq!(named, "inputData.startingBalance", "{balance} − {realized}");
            }
        }
    }
}
