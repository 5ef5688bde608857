//! The ranges of an input: all numbers finite and small enough that later arithmetic is exact.

use super::rebuild::starting_balance;
use super::{EpochMs, FIRST_MS, InputData, LAST_MS, MAX_TRADES, TierTerms, Trade};
use crate::FieldError;
use crate::money::MAX_DOLLARS;

impl InputData {
    /// Checks every number: finite, money within ± ten billion dollars, balances and fractions within their ranges,
    /// times within the years 1 to 9999.
    ///
    /// # Errors
    /// Names the first field that is out of its range, as a path below `inputData`.
    pub fn validate(&self) -> Result<(), FieldError> {
        let count = self.trade_history.len();
        if count > MAX_TRADES {
            return Err(fault(
                "tradeHistory",
                &format!("has {count} trades; at most {MAX_TRADES} are taken"),
            ));
        }
        for (index, trade) in self.trade_history.iter().enumerate() {
            trade.validate(index)?;
        }
        let pnl = &self.pnl_data;
        positive_money("pnlData.balance", pnl.balance)?;
        positive_money("pnlData.peak", pnl.peak)?;
        money("pnlData.realized", pnl.realized)?;
        money("pnlData.unrealized", pnl.unrealized)?;
        self.validate_start()?;
        if let Some(value) = self.total_withdrawals {
            money("totalWithdrawals", value)?;
            if value < 0.0 {
                return Err(fault("totalWithdrawals", &format!("must not be negative; it is {value}")));
            }
        }
        drawdown("maxDrawdown", self.max_drawdown)?;
        within("maxRiskPerTrade", self.max_risk_per_trade, 0.0..=RISK_MAX)?;
        self.tier.as_ref().map_or(Ok(()), TierTerms::validate)
    }

    /// What is left over of two balances may be a rounding error: a fresh account of it would have returns of no size.
    fn validate_start(&self) -> Result<(), FieldError> {
        let start = starting_balance(self);
        positive_money("startingBalance", start).map_err(|FieldError { field, message }| FieldError {
            field,
            message: message + if self.starting_balance.is_some() { "" } else { " (balance less realized)" },
        })
    }
}

impl Trade {
    fn validate(&self, index: usize) -> Result<(), FieldError> {
        let path = |field: &str| format!("tradeHistory[{index}].{field}");
        money(&path("pnl"), self.pnl)?;
        let sizes = [("quantity", Some(self.quantity)), ("price", Some(self.price))];
        let costs = [("slippage", self.slippage), ("fee", self.fee)];
        for (field, value) in sizes.into_iter().chain(costs) {
            if value.is_some_and(|value| !value.is_finite()) {
                return Err(fault(&path(field), "must be a finite number"));
            }
        }
        let EpochMs(ms) = self.timestamp;
        if (FIRST_MS..=LAST_MS).contains(&ms) {
            Ok(())
        } else {
            let message = format!("must be within the years 1 to 9999; it is {ms} ms from 1970");
            Err(fault(&path("timestamp"), &message))
        }
    }
}

impl TierTerms {
    fn validate(&self) -> Result<(), FieldError> {
        self.starting_balance.map_or(Ok(()), |value| positive_money("tier.startingBalance", value))?;
        drawdown("tier.maxDrawdown", self.max_drawdown)?;
        within("tier.maxRiskPerTrade", self.max_risk_per_trade, 0.0..=RISK_MAX)?;
        within("tier.profitSplit", self.profit_split, 0.0..=1.0)
    }
}

/// Risk is a fraction of the balance; leverage beyond this is a mistake of units.
const RISK_MAX: f64 = 1e6;

fn within(field: &str, value: Option<f64>, range: std::ops::RangeInclusive<f64>) -> Result<(), FieldError> {
    match value {
        Some(value) if !range.contains(&value) => Err(fault(
            field,
            &format!("must be a number from {} to {}; it is {value}", range.start(), range.end()),
        )),
        _ => Ok(()),
    }
}

fn drawdown(field: &str, value: Option<f64>) -> Result<(), FieldError> {
    match value {
        Some(value) if !(value > 0.0 && value < 1.0) => {
            Err(fault(field, &format!("must be above 0 and below 1; it is {value}")))
        }
        _ => Ok(()),
    }
}

fn money(field: &str, value: f64) -> Result<(), FieldError> {
    if value.abs() <= MAX_DOLLARS {
        Ok(())
    } else {
        Err(fault(field, &format!("must be a number of dollars within ±{MAX_DOLLARS}; it is {value}")))
    }
}

fn positive_money(field: &str, value: f64) -> Result<(), FieldError> {
    if (SMALLEST_BALANCE..=MAX_DOLLARS).contains(&value) {
        Ok(())
    } else {
        let range = format!("{SMALLEST_BALANCE} to {MAX_DOLLARS}");
        Err(fault(field, &format!("must be a balance of {range} dollars; it is {value}")))
    }
}

/// A cent: below it, the fixed point of 10⁻⁴ dollars says little.
const SMALLEST_BALANCE: f64 = 0.01;

fn fault(field: &str, message: &str) -> FieldError {
    FieldError { field: format!("inputData.{field}"), message: message.to_owned() }
}
