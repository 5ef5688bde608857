//! The history that every program of the benchmark reads.

use std::error::Error;
use std::fs;

use monte_carlo_engine::{EpochMs, InputData, PnlData, TierTerms, Trade};
use serde_json::{Value, json};

/// 2025-01-01T00:00:00Z.
const FIRST_DAY_MS: i64 = 1_735_689_600_000;
const DAY_MS: i64 = 86_400_000;

/// A trader's past, and the rules for the future.
#[derive(Debug)]
pub(crate) struct History {
    /// One trade a day.
    pub(crate) input: InputData,
    /// `config.rules`.
    pub(crate) rules: Value,
    /// Whether a rule looks at days.
    pub(crate) has_daily_loss: bool,
}

/// Reads lines of a name and a number, as `history.py` writes them.
pub(crate) fn read(file: &str) -> Result<History, Box<dyn Error>> {
    let (mut start, mut floor, mut target, mut daily_loss) = (0.0, 0.0, 0.0, 0.0);
    let mut returns = Vec::new();
    for line in fs::read_to_string(file)?.lines() {
        let (name, value) = line.split_once(' ').ok_or("a line is a name and a number")?;
        let value: f64 = value.parse()?;
        match name {
            "start" => start = value,
            "floor" => floor = value,
            "target" => target = value,
            "daily_loss" => daily_loss = value,
            "return" => returns.push(value),
            other => return Err(format!("nothing is called {other}").into()),
        }
    }
    let mut rules = json!({
        "drawdown": {"kind": "static", "fraction": floor},
        "profitTarget": {"fraction": target},
        // No peer pays out.
        "profitSplit": 0,
    });
    let has_daily_loss = daily_loss > 0.0;
    if has_daily_loss {
        rules["dailyLoss"] = json!({"fraction": daily_loss, "of": "initial"});
    }
    Ok(History { input: account(start, &returns), rules, has_daily_loss })
}

fn account(start: f64, returns: &[f64]) -> InputData {
    let (mut balance, mut peak) = (start, start);
    let trade_history = (0_i64..)
        .zip(returns)
        .map(|(day, share)| {
            let pnl = balance * share;
            balance += pnl;
            peak = balance.max(peak);
            Trade {
                id: format!("{day:06}"),
                kind: Some("close".to_owned()),
                market: "BTC/USD".to_owned(),
                side: "long".to_owned(),
                quantity: 1.0,
                price: 1.0,
                slippage: None,
                fee: None,
                pnl,
                cancelled: false,
                timestamp: EpochMs(FIRST_DAY_MS + day * DAY_MS),
            }
        })
        .collect();
    InputData {
        trade_history,
        pnl_data: PnlData { balance, peak, realized: balance - start, unrealized: 0.0 },
        starting_balance: Some(start),
        total_withdrawals: Some(0.0),
        tier: Some(TierTerms { starting_balance: Some(start), ..TierTerms::default() }),
        max_drawdown: None,
        max_risk_per_trade: None,
        assumptions: Vec::new(),
    }
}
