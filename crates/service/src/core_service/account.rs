//! From an account's document to what a simulation needs of it, saying what had to be assumed.

use monte_carlo_engine::{InputData, PnlData, Subject, TierTerms, Trade};
use serde_json::Value;

use super::tiers;
use super::wire::{AccountDocument, Number, Tier, VirtualAccount};

/// Reads either dialect: A wraps the document in an object under `key`, B does not.
pub(super) fn parse(body: &[u8], key: &str) -> Result<AccountDocument, String> {
    let value: Value = serde_json::from_slice(body).map_err(|error| error.to_string())?;
    let document = match value {
        Value::Object(mut fields) => match fields.remove(key) {
            Some(inner) => inner,
            None => Value::Object(fields),
        },
        _ => return Err("it is not an object".into()),
    };
    let document: AccountDocument =
        serde_path_to_error::deserialize(document).map_err(|error| error.to_string())?;
    if document.id.is_none() && document.status.is_none() {
        return Err(format!("neither `{key}` nor an account is in it"));
    }
    Ok(document)
}

/// The input of a simulation, or why the document is not enough for one.
pub(super) fn input(
    subject: &Subject,
    document: AccountDocument,
    trades: Vec<Trade>,
) -> Result<InputData, String> {
    let mut assumptions = Vec::new();
    let terms = terms(&document, &mut assumptions);
    let (own_drawdown, own_risk) = (value(document.max_drawdown), value(document.max_risk_per_trade));
    let account = match subject {
        Subject::Assessment(_) => document.virtual_account.or(document.funded_virtual_account),
        Subject::FundedAccount(_) => document.funded_virtual_account.or(document.virtual_account),
    };
    let balances = match account {
        Some(account) => reported(subject, &account, &terms, &mut assumptions)?,
        None => rebuilt(&terms, &trades, &mut assumptions)?,
    };
    Ok(InputData {
        trade_history: trades,
        pnl_data: balances.pnl,
        starting_balance: Some(balances.starting),
        total_withdrawals: balances.withdrawals,
        tier: Some(terms),
        max_drawdown: own_drawdown,
        max_risk_per_trade: own_risk,
        assumptions,
    })
}

struct Balances {
    starting: f64,
    pnl: PnlData,
    withdrawals: Option<f64>,
}

/// What the account says of itself.
fn reported(
    subject: &Subject,
    account: &VirtualAccount,
    terms: &TierTerms,
    assumptions: &mut Vec<String>,
) -> Result<Balances, String> {
    let balance = value(account.current_balance.or(account.balance)).ok_or("the account has no balance")?;
    let profit = value(account.realized_pnl.or(account.pnl));
    let starting = match (value(account.starting_balance), profit, terms.starting_balance) {
        (Some(starting), _, _) => starting,
        (None, Some(profit), _) => {
            assumptions.push(format!(
                "Core Service gives no starting balance; {:.2} was assumed, its balance less its profit.",
                balance - profit
            ));
            balance - profit
        }
        (None, None, Some(starting)) => {
            assumptions.push(format!(
                "Core Service gives no starting balance and no profit; the tier's {starting:.2} was assumed."
            ));
            starting
        }
        (None, None, None) => return Err("the account has neither a starting balance nor a profit".into()),
    };
    let peak = value(account.peak_balance.or(account.peak)).unwrap_or_else(|| {
        assumptions.push(
            "Core Service gives no peak balance; the higher of start and balance was assumed.".to_owned(),
        );
        balance.max(starting)
    });
    let withdrawals = value(account.total_withdrawals);
    let withdrawals = match subject {
        Subject::FundedAccount(_) if withdrawals.is_none() => {
            assumptions.push("Core Service gives no withdrawals; none were assumed.".to_owned());
            Some(0.0)
        }
        _ => withdrawals,
    };
    let pnl = PnlData {
        balance,
        peak,
        realized: profit.unwrap_or(balance - starting),
        unrealized: value(account.unrealized_pnl).unwrap_or(0.0),
    };
    Ok(Balances { starting, pnl, withdrawals })
}

/// An assessment without an account: the tier's starting balance, moved by the trades.
fn rebuilt(terms: &TierTerms, trades: &[Trade], assumptions: &mut Vec<String>) -> Result<Balances, String> {
    let starting = terms.starting_balance.ok_or("there is neither an account nor a tier with a balance")?;
    assumptions.push(format!(
        "Core Service gives no account; the tier's starting balance {starting:.2} was assumed, and its balance \
         and peak were rebuilt from the trades."
    ));
    let (mut balance, mut peak) = (starting, starting);
    for trade in trades {
        balance += trade.pnl;
        peak = peak.max(balance);
    }
    let pnl = PnlData { balance, peak, realized: balance - starting, unrealized: 0.0 };
    Ok(Balances { starting, pnl, withdrawals: None })
}

/// The tier's terms. A funded account keeps only the split and the starting balance of them; its limits are the
/// platform's or its own (contracts §1).
fn terms(document: &AccountDocument, assumptions: &mut Vec<String>) -> TierTerms {
    match (&document.tier, &document.tier_id) {
        (Some(tier), _) => from_wire(tier),
        (None, Some(id)) => match tiers::by_name(&id.0) {
            Some(known) => {
                assumptions.push(format!(
                    "Core Service only names the tier, \"{}\"; the terms in use under that name were assumed.",
                    id.0
                ));
                known
            }
            None => unknown_tier(Some(id.0.clone()), assumptions),
        },
        (None, None) => unknown_tier(None, assumptions),
    }
}

fn unknown_tier(id: Option<String>, assumptions: &mut Vec<String>) -> TierTerms {
    let which =
        id.as_ref().map_or_else(|| "no tier".to_owned(), |id| format!("only the tier's id, \"{id}\""));
    assumptions.push(format!(
        "Core Service gives {which}; the rules of funded accounts and a profit split of {:.2} were assumed.",
        tiers::PROFIT_SPLIT
    ));
    TierTerms { id, profit_split: Some(tiers::PROFIT_SPLIT), ..TierTerms::default() }
}

fn from_wire(tier: &Tier) -> TierTerms {
    TierTerms {
        id: tier.id.as_ref().map(|id| id.0.clone()),
        name: tier.name.clone(),
        starting_balance: value(tier.starting_balance),
        max_drawdown: value(tier.max_drawdown),
        min_trades: value(tier.min_trades).map(|count| count.max(0.0) as u32),
        max_risk_per_trade: value(tier.max_risk_per_trade),
        profit_split: value(tier.profit_split),
    }
}

fn value(number: Option<Number>) -> Option<f64> {
    number.map(|number| number.0)
}
