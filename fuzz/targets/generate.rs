//! Requests from bytes: mostly ones that can be planned, with extremes among their numbers.

use arbitrary::{Result, Unstructured};
use monte_carlo_engine::Subject;
use serde_json::{Map, Value, json};

/// Too many would only be slow.
const TRADES_MAX: u32 = 60;

const EXTREMES: [f64; 16] =
    [0.0, -0.0, 1e300, -1e300, 1e10, -1e10, 1e-300, 5e-324, 0.01, 1e-4, -1e-4, 0.5, 1.0, -1.0, 1e5, 9e9];

const BALANCES: [f64; 6] = [0.01, 1.0, 100.0, 10_000.0, 1e6, 1e10];

/// Milliseconds between two trades: none, one, hours, days, years, and backwards.
const GAPS_MS: [i64; 8] = [0, 1, 3_600_000, 28_800_000, 86_400_000, 259_200_000, 31_536_000_000, -86_400_000];

const TIMES_MS: [i64; 5] = [-62_135_596_800_000, -1, 0, 1_767_225_600_000, 253_402_207_200_000];

pub struct Request {
    pub subject: Subject,
    pub input: Value,
    pub config: Value,
}

pub fn request(u: &mut Unstructured<'_>) -> Result<Request> {
    let subject = match u.arbitrary()? {
        true => Subject::Assessment("a".to_owned()),
        false => Subject::FundedAccount("f".to_owned()),
    };
    Ok(Request { subject, config: config(u)?, input: input(u)? })
}

/// One in eight is an extreme, one in eight any at all (one that JSON cannot carry becomes null, and is refused).
fn number(u: &mut Unstructured<'_>) -> Result<f64> {
    match u.int_in_range(0..=7)? {
        0 => Ok(*u.choose(&EXTREMES)?),
        1 => u.arbitrary(),
        _ => Ok(f64::from(u.arbitrary::<i16>()?) * *u.choose(&[1e-4, 0.01, 1.0])?),
    }
}

/// Of a whole, mostly within it.
fn fraction(u: &mut Unstructured<'_>) -> Result<f64> {
    match u.int_in_range(0..=7)? {
        0 => number(u),
        _ => Ok(f64::from(u.int_in_range(1..=999)?) / 1_000.0),
    }
}

fn balance(u: &mut Unstructured<'_>) -> Result<f64> {
    match u.int_in_range(0..=7)? {
        0 => number(u),
        1 => Ok(*u.choose(&BALANCES)?),
        _ => Ok(f64::from(u.int_in_range(1_000..=4_000_000)?) / 100.0),
    }
}

fn amount(u: &mut Unstructured<'_>) -> Result<f64> {
    Ok(number(u)?.abs())
}

fn either(u: &mut Unstructured<'_>, object: &mut Map<String, Value>) -> Result<()> {
    if u.arbitrary()? {
        object.insert("fraction".to_owned(), json!(fraction(u)?));
    } else {
        object.insert("amount".to_owned(), json!(amount(u)?));
    }
    Ok(())
}

/// Puts what `value` makes under `key`, one time in two.
fn maybe(
    u: &mut Unstructured<'_>,
    object: &mut Map<String, Value>,
    key: &str,
    value: impl FnOnce(&mut Unstructured<'_>) -> Result<Value>,
) -> Result<()> {
    if u.arbitrary()? {
        object.insert(key.to_owned(), value(u)?);
    }
    Ok(())
}

/// Models with blocks.
const BLOCKS: [&str; 2] = ["stationary", "circular"];

const MODELS: [&str; 8] =
    ["stationary", "circular", "iid", "normal", "studentT", "skewed", "regimes", "filtered"];

fn stress(u: &mut Unstructured<'_>) -> Result<Value> {
    let mut stress = Map::new();
    maybe(u, &mut stress, "volatility", |u| Ok(json!(amount(u)?)))?;
    maybe(u, &mut stress, "meanShift", |u| Ok(json!(number(u)? / 100.0)))?;
    maybe(u, &mut stress, "slippage", |u| Ok(json!(amount(u)?)))?;
    maybe(u, &mut stress, "worstWeek", |u| Ok(json!(u.arbitrary::<bool>()?)))?;
    Ok(stress.into())
}

const METRICS: [&str; 13] = [
    "breachProbability",
    "ruinProbability",
    "passProbability",
    "neitherProbability",
    "expectedPayout",
    "expectedPayoutWeekly",
    "meanReturn",
    "variance",
    "standardDeviation",
    "maxDrawdown",
    "sharpeRatio",
    "signedCvar95",
    "signedCvar99",
];

/// A budget is mostly below the first look, and one time in 64 reaches the third.
fn tolerance(u: &mut Unstructured<'_>) -> Result<Value> {
    let metric = *u.choose(&METRICS)?;
    let most = if u.ratio(1, 64)? { 40_000 } else { 70 };
    let max_paths = u.int_in_range(0..=most)?;
    Ok(json!({"metric": metric, "standardError": amount(u)?, "maxPaths": max_paths}))
}

fn config(u: &mut Unstructured<'_>) -> Result<Value> {
    let mut config = Map::new();
    let replicates = if u.ratio(1, 64)? { 40 } else { 0 };
    config.insert("historyReplicates".to_owned(), json!(replicates));
    maybe(u, &mut config, "paths", |u| Ok(json!(u.int_in_range(0..=70)?)))?;
    if !config.contains_key("paths") {
        maybe(u, &mut config, "tolerance", tolerance)?;
    }
    maybe(u, &mut config, "horizonDays", |u| Ok(json!(u.int_in_range(0..=366)?)))?;
    maybe(u, &mut config, "steps", |u| Ok(json!(u.int_in_range(0..=200)?)))?;
    maybe(u, &mut config, "level", |u| Ok(json!(u.choose(&["trade", "day"])?)))?;
    maybe(u, &mut config, "model", |u| Ok(json!(u.choose(&MODELS)?)))?;
    maybe(u, &mut config, "stress", stress)?;
    maybe(u, &mut config, "sizing", |u| Ok(json!(u.choose(&["fixed", "proportional"])?)))?;
    maybe(u, &mut config, "seed", |u| Ok(json!(u.arbitrary::<u64>()? >> 10)))?;
    if config.get("model").is_none_or(|model| BLOCKS.iter().any(|name| model == name)) {
        maybe(u, &mut config, "blockLength", |u| Ok(json!(1.0 + amount(u)? / 100.0)))?;
    }
    maybe(u, &mut config, "rules", |u| match u.int_in_range(0..=7)? {
        0 => Ok(json!("funded")),
        1 => Ok(json!("assessment")),
        _ => rules(u),
    })?;
    Ok(config.into())
}

fn rules(u: &mut Unstructured<'_>) -> Result<Value> {
    let mut rules = Map::new();
    maybe(u, &mut rules, "drawdown", |u| {
        let kind = *u.choose(&["static", "trailing", "trailingEndOfDay"])?;
        let mut rule = Map::from_iter([("kind".to_owned(), json!(kind))]);
        either(u, &mut rule)?;
        if kind != "static" {
            maybe(u, &mut rule, "lock", |u| Ok(json!({"offset": number(u)?})))?;
        }
        Ok(rule.into())
    })?;
    maybe(u, &mut rules, "dailyLoss", |u| {
        let of = *u.choose(&["initial", "dayStart"])?;
        let mut rule = Map::from_iter([("of".to_owned(), json!(of))]);
        either(u, &mut rule)?;
        Ok(rule.into())
    })?;
    maybe(u, &mut rules, "profitTarget", |u| {
        let mut rule = Map::new();
        either(u, &mut rule)?;
        Ok(rule.into())
    })?;
    for count in ["minTrades", "minDays", "timeLimitDays"] {
        maybe(u, &mut rules, count, |u| match u.ratio(1, 16)? {
            true => Ok(json!(u32::MAX)),
            false => Ok(json!(u.int_in_range(0..=40)?)),
        })?;
    }
    maybe(u, &mut rules, "consistency", |u| Ok(json!({"fraction": fraction(u)?})))?;
    maybe(u, &mut rules, "profitSplit", |u| Ok(json!(fraction(u)?)))?;
    maybe(u, &mut rules, "payout", |u| {
        let days = u.int_in_range(1..=40)?;
        let mut rule = Map::from_iter([
            ("everyDays".to_owned(), json!(days)),
            ("minimum".to_owned(), json!(amount(u)?)),
        ]);
        maybe(u, &mut rule, "cap", |u| Ok(json!(amount(u)? + 100.0)))?;
        maybe(u, &mut rule, "buffer", |u| Ok(json!(amount(u)?)))?;
        maybe(u, &mut rule, "after", |u| {
            Ok(json!(u.choose(&["balanceStays", "balanceFalls", "floorLocks"])?))
        })?;
        Ok(rule.into())
    })?;
    Ok(rules.into())
}

fn input(u: &mut Unstructured<'_>) -> Result<Value> {
    let (now, start) = (balance(u)?, balance(u)?);
    let peak = if u.arbitrary()? { balance(u)? } else { now.max(start) };
    let mut input = Map::from_iter([(
        "pnlData".to_owned(),
        json!({"balance": now, "peak": peak, "realized": now - start, "unrealized": 0.0}),
    )]);
    if u.ratio(3, 4)? {
        input.insert("startingBalance".to_owned(), json!(start));
    }
    if u.ratio(1, 4)? {
        input.insert("totalWithdrawals".to_owned(), json!(amount(u)?));
        input.insert("maxDrawdown".to_owned(), json!(fraction(u)?));
        input.insert("maxRiskPerTrade".to_owned(), json!(fraction(u)?));
    }
    if u.ratio(1, 4)? {
        let tier = json!({
            "startingBalance": balance(u)?, "maxDrawdown": fraction(u)?, "minTrades": u.int_in_range(0..=30)?,
            "maxRiskPerTrade": fraction(u)?, "profitSplit": fraction(u)?,
        });
        input.insert("tier".to_owned(), tier);
    }
    input.insert("tradeHistory".to_owned(), trades(u, start)?.into());
    Ok(input.into())
}

/// Mostly so small beside the starting balance that it lasts; the bytes left say how many.
fn trades(u: &mut Unstructured<'_>, start: f64) -> Result<Vec<Value>> {
    let mut at = *u.choose(&TIMES_MS)?;
    let scale = *u.choose(&[1e-9, 1e-4, 1e-3, 1e-2, 1.0])?;
    let rounds = u.arbitrary()?;
    let mut trades = Vec::new();
    u.arbitrary_loop(None, Some(TRADES_MAX), |u| {
        at = at.saturating_add(*u.choose(&GAPS_MS)?);
        let pnl = match u.int_in_range(0..=31)? {
            0 => number(u)?,
            _ => start * scale * f64::from(u.arbitrary::<i8>()?) / 64.0,
        };
        let pnl = if rounds { pnl.round() } else { pnl };
        let id = u.int_in_range(0..=9)?.to_string();
        let mut trade = json!({"id": id, "pnl": pnl, "timestamp": at});
        if u.arbitrary()? {
            trade["type"] = json!(u.choose(&["close", "CLOSED", "open", "", "ü"])?);
            trade["cancelled"] = json!(u.ratio(1, 16)?);
        }
        trades.push(trade);
        Ok(std::ops::ControlFlow::Continue(()))
    })?;
    Ok(trades)
}
