//! The past balances, rebuilt from the starting balance.

use super::closing::closing_trades;
use crate::money::{self, MAX_BALANCE, dollars};
use crate::scale;
use crate::{FieldError, InputData, PlanError, Sizing};

/// One closing trade as a step of a path.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Closed {
    /// In the units of the sizing: 2⁻²⁴ of log-equity, or 10⁻⁴ dollars.
    pub(crate) step: i64,
    /// UTC, counted from 1970-01-01.
    pub(crate) utc_day: i64,
}

/// By how much one closing trade changed the balance.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Change {
    /// A fraction of the balance before it where returns compound, US dollars where dollars add up.
    pub(crate) by: f64,
    /// US dollars.
    pub(crate) balance_before: f64,
}

/// What the history says, before it becomes rows.
#[derive(Clone, Debug)]
pub(crate) struct Past {
    /// Oldest first; never empty.
    pub(crate) closed: Vec<Closed>,
    /// What each of them did.
    pub(crate) changes: Vec<Change>,
    /// US dollars before the first trade.
    pub(crate) starting_balance: f64,
    /// US dollars after the last.
    pub(crate) final_balance: f64,
    /// Closing trades whose notional was above the limit of risk per trade.
    pub(crate) risky: usize,
}

/// The balance at the account's start: as given, else today's less what was realised.
pub(crate) fn starting_balance(input: &InputData) -> f64 {
    input.starting_balance.unwrap_or(input.pnl_data.balance - input.pnl_data.realized)
}

/// Rebuilds the balances and turns each closing trade into a step.
///
/// # Errors
/// Names the trade after which the balance is not above 0 where returns compound, or past what the engine counts, and a
/// history without closing trades.
pub(crate) fn rebuild(input: &InputData, sizing: Sizing, max_risk: f64) -> Result<Past, PlanError> {
    let starting_balance = starting_balance(input);
    // In integer units, so that the order of equal sums does not matter and 0.1 + 0.2 is 0.3.
    let mut balance = money::units(starting_balance);
    let mut past = Past {
        closed: Vec::new(),
        changes: Vec::new(),
        starting_balance,
        final_balance: starting_balance,
        risky: 0,
    };
    for (index, trade) in closing_trades(input) {
        let before = dollars(balance);
        past.risky += usize::from((trade.quantity * trade.price).abs() > max_risk * before);
        let by = scale::change(sizing, trade.pnl, before);
        past.changes.push(Change { by, balance_before: before });
        past.closed.push(Closed { step: scale::step_of(sizing, by), utc_day: trade.timestamp.utc_day() });
        balance += money::units(trade.pnl);
        if balance <= 0 && sizing == Sizing::Proportional {
            return Err(past.taken_to(balance, index, "returns need it above 0").into());
        }
        if balance.abs() > MAX_BALANCE {
            let counted = format!("the engine counts up to ±{}", dollars(MAX_BALANCE));
            return Err(past.taken_to(balance, index, &counted).into());
        }
    }
    past.final_balance = dollars(balance);
    if past.closed.is_empty() { Err(PlanError::NoClosingTrades) } else { Ok(past) }
}

impl Past {
    /// The fault of the trade at `index` of the input, which took the balance to so many units.
    fn taken_to(&self, balance: i64, index: usize, wanted: &str) -> FieldError {
        FieldError {
            field: format!("inputData.tradeHistory[{index}].pnl"),
            message: format!(
                "takes the balance, rebuilt from {}, to {}; {wanted}",
                self.starting_balance,
                dollars(balance)
            ),
        }
    }
}
