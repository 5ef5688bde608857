//! The book in the two dialects of the contract (§3).

use monte_carlo_engine::Trade;
use serde_json::{Value, json};

use super::book::{FundedAccount, Ledger, Outcome, Trader};

/// A trade; every third gives its time in milliseconds, the others as text.
pub(super) fn trade(trade: &Trade) -> Value {
    let mut value = json!(trade);
    if trade.timestamp.0 % 3 == 0 {
        value["timestamp"] = json!(trade.timestamp.0);
    }
    value
}

pub(super) mod wrapped {
    use monte_carlo_engine::EpochMs;

    use super::{FundedAccount, Ledger, Outcome, Trader, Value, json};

    pub(in crate::sample_core) fn assessment(trader: &Trader) -> Value {
        let account = (trader.outcome != Outcome::Abandoned).then(|| account(trader, &trader.ledger));
        json!({ "assessment": {
            "id": trader.assessment_id,
            "userId": trader.user_id,
            "userName": trader.name,
            "status": trader.outcome.as_str(),
            "createdAt": EpochMs(trader.started_at_ms),
            "startedAt": EpochMs(trader.started_at_ms),
            "completedAt": trader.completed_at_ms,
            "tier": tier(trader),
            "virtualAccount": account,
        }})
    }

    pub(in crate::sample_core) fn funded_account(trader: &Trader, account: &FundedAccount) -> Value {
        json!({ "fundedAccount": inner_account(trader, account) })
    }

    /// As it stands in a list.
    pub(in crate::sample_core) fn inner_account(trader: &Trader, funded: &FundedAccount) -> Value {
        let mut balances = account(trader, &funded.ledger);
        balances["totalWithdrawals"] = json!(funded.ledger.withdrawals);
        json!({
            "id": funded.id,
            "userId": trader.user_id,
            "assessmentId": trader.assessment_id,
            "status": super::funded_status(funded),
            "tier": tier(trader),
            "fundedVirtualAccount": balances,
        })
    }

    fn account(trader: &Trader, ledger: &Ledger) -> Value {
        json!({
            "id": format!("va-{}", trader.user_id),
            "startingBalance": ledger.starting_balance,
            "currentBalance": ledger.balance,
            "peakBalance": ledger.peak,
            "realizedPnl": ledger.realized(),
            "unrealizedPnl": ledger.unrealized,
        })
    }

    /// With its price, which alone is in cents.
    fn tier(trader: &Trader) -> Value {
        let mut tier = json!(trader.tier);
        tier["price"] = json!((trader.tier.starting_balance.unwrap_or_default() / 100.0 * 99.0) as i64);
        tier
    }
}

pub(super) mod bare {
    use super::{FundedAccount, Ledger, Trader, Value, json};

    pub(in crate::sample_core) fn assessment(trader: &Trader) -> Value {
        json!({
            "id": trader.assessment_id,
            "userId": trader.user_id,
            "tierId": trader.tier.name,
            "status": trader.outcome.as_str(),
            "virtualAccount": account(&trader.ledger),
        })
    }

    pub(in crate::sample_core) fn funded_account(trader: &Trader, funded: &FundedAccount) -> Value {
        let mut value = listed_account(trader, funded);
        value["virtualAccount"] = account(&funded.ledger);
        value
    }

    /// As it stands in a list.
    pub(in crate::sample_core) fn listed_account(trader: &Trader, funded: &FundedAccount) -> Value {
        json!({ "id": funded.id, "userId": trader.user_id, "status": super::funded_status(funded) })
    }

    /// Starting balance = balance − pnl, so what was withdrawn counts as lost.
    fn account(ledger: &Ledger) -> Value {
        let pnl = super::super::book::cents(ledger.balance - ledger.starting_balance);
        json!({ "balance": ledger.balance, "peak": ledger.peak, "pnl": pnl })
    }
}

fn funded_status(funded: &FundedAccount) -> &'static str {
    if funded.is_active { "active" } else { "closed" }
}
