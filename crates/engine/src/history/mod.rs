//! What the past says: the trades and the account's balances, in the platform's dialect (contracts: `inputData`).

mod closing;
pub(crate) mod rate;
pub(crate) mod rebuild;
pub(crate) mod rows;
pub(crate) mod stress;
mod validate;
pub(crate) mod worst_week;

use std::fmt;

use serde::de::{self, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::config::whole;

/// The most trades that one history may hold; bounds memory (about 200 bytes a trade) and planning time.
pub const MAX_TRADES: usize = 200_000;

/// 0001-01-01T00:00:00Z: years before have no four digits, and so no spelling that every reader of ISO-8601 takes.
pub(crate) const FIRST_MS: i64 = -62_135_596_800_000;
/// 9999-12-30T22:00:00Z, the last second that [`jiff::Timestamp`] takes in every zone.
pub(crate) const LAST_MS: i64 = 253_402_207_200_000;

/// Milliseconds since 1970-01-01T00:00:00Z, in the years 1 to 9999. Read from ISO-8601 text or a number of
/// milliseconds, written as ISO-8601.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EpochMs(pub i64);

impl EpochMs {
    /// The UTC calendar day, counted from 1970-01-01.
    pub fn utc_day(self) -> i64 {
        self.0.div_euclid(86_400_000)
    }
}

impl fmt::Display for EpochMs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match jiff::Timestamp::from_millisecond(self.0) {
            Ok(at) => write!(f, "{at:.3}"),
            Err(_) => write!(f, "{}ms", self.0),
        }
    }
}

impl Serialize for EpochMs {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for EpochMs {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct EitherForm;
        impl Visitor<'_> for EitherForm {
            type Value = EpochMs;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an ISO-8601 time or a number of milliseconds since 1970")
            }
            fn visit_i64<E: de::Error>(self, ms: i64) -> Result<EpochMs, E> {
                if (FIRST_MS..=LAST_MS).contains(&ms) {
                    Ok(EpochMs(ms))
                } else {
                    Err(E::invalid_value(de::Unexpected::Signed(ms), &self))
                }
            }
            fn visit_u64<E: de::Error>(self, ms: u64) -> Result<EpochMs, E> {
                i64::try_from(ms)
                    .map_err(|_| E::invalid_value(de::Unexpected::Unsigned(ms), &self))
                    .and_then(|ms| self.visit_i64(ms))
            }
            fn visit_f64<E: de::Error>(self, ms: f64) -> Result<EpochMs, E> {
                if ms.is_finite() && ms.abs() < 9.0e15 {
                    self.visit_i64(ms as i64)
                } else {
                    Err(E::invalid_value(de::Unexpected::Float(ms), &self))
                }
            }
            fn visit_str<E: de::Error>(self, text: &str) -> Result<EpochMs, E> {
                let at = text.parse::<jiff::Timestamp>().map(jiff::Timestamp::as_millisecond);
                match at {
                    Ok(ms) if (FIRST_MS..=LAST_MS).contains(&ms) => Ok(EpochMs(ms)),
                    _ => Err(E::invalid_value(de::Unexpected::Str(text), &self)),
                }
            }
        }
        deserializer.deserialize_any(EitherForm)
    }
}

/// One trade as Core Service reports it. `pnl` (US dollars) is realised on the trade that closes a position.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schemas", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct Trade {
    /// Core's id; breaks ties between trades of the same time.
    #[serde(default)]
    pub id: String,
    /// `open`, `close`, …; absent in records without a type, where a trade with a pnl is a closing one.
    #[serde(rename = "type", default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// `BTC/USD`, `polymarket:<id>`, …
    #[serde(default)]
    pub market: String,
    /// `long`, `short`, `buy`, `sell`, `yes`, `no`.
    #[serde(default)]
    pub side: String,
    /// Units of the market.
    #[serde(default)]
    pub quantity: f64,
    /// US dollars a unit.
    #[serde(default)]
    pub price: f64,
    /// As reported; already inside `pnl`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub slippage: Option<f64>,
    /// As reported; already inside `pnl`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fee: Option<f64>,
    /// Realised profit or loss in US dollars; 0 on a trade that opens.
    #[cfg_attr(feature = "schemas", schema(minimum = -10000000000.0, maximum = 10000000000.0))]
    pub pnl: f64,
    /// A cancelled trade does not count.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub cancelled: bool,
    /// When it was executed.
    pub timestamp: EpochMs,
}

/// The account's balances today, US dollars.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schemas", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct PnlData {
    /// Current balance.
    #[cfg_attr(feature = "schemas", schema(minimum = 0.01, maximum = 10000000000.0))]
    pub balance: f64,
    /// Highest balance so far.
    #[cfg_attr(feature = "schemas", schema(minimum = 0.01, maximum = 10000000000.0))]
    pub peak: f64,
    /// Realised profit since the start.
    #[serde(default)]
    #[cfg_attr(feature = "schemas", schema(minimum = -10000000000.0, maximum = 10000000000.0))]
    pub realized: f64,
    /// Profit of open positions, left out of the simulation.
    #[serde(default)]
    #[cfg_attr(feature = "schemas", schema(minimum = -10000000000.0, maximum = 10000000000.0))]
    pub unrealized: f64,
}

/// The terms of a tier; each absent term falls back to the funded defaults and is said in `assumptions`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schemas", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct TierTerms {
    /// Core's id of the tier.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// `Starter`, `Professional`, `Advanced`, `Elite`, …
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// US dollars.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schemas", schema(minimum = 0.01, maximum = 10000000000.0))]
    pub starting_balance: Option<f64>,
    /// Fraction of the peak.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schemas", schema(exclusive_minimum = 0.0, exclusive_maximum = 1.0))]
    pub max_drawdown: Option<f64>,
    /// A condition for passing; never breaks an account.
    #[serde(default, deserialize_with = "whole::or_null", skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schemas", schema(maximum = 4294967295.0))]
    pub min_trades: Option<u32>,
    /// Fraction of the balance.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schemas", schema(minimum = 0.0, maximum = 1000000.0))]
    pub max_risk_per_trade: Option<f64>,
    /// The trader's share of the profit, a fraction.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schemas", schema(minimum = 0.0, maximum = 1.0))]
    pub profit_split: Option<f64>,
}

/// All that a simulation needs to know of an account: what a job stores, and what a caller may send inline.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schemas", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct InputData {
    /// The whole history, in any order, opening and cancelled trades allowed.
    #[serde(alias = "trade_history")]
    #[cfg_attr(feature = "schemas", schema(max_items = 200000))]
    pub trade_history: Vec<Trade>,
    /// Balances today.
    #[serde(alias = "pnl_data")]
    pub pnl_data: PnlData,
    /// Balance at the account's start; by default `balance - realized`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schemas", schema(minimum = 0.01, maximum = 10000000000.0))]
    pub starting_balance: Option<f64>,
    /// What the trader has withdrawn so far; by default 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schemas", schema(minimum = 0.0, maximum = 10000000000.0))]
    pub total_withdrawals: Option<f64>,
    /// The tier's terms: the assessment's limits, and the profit split that goes on into a funded account.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tier: Option<TierTerms>,
    /// A funded account's own maximum drawdown (fraction of the peak), where it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schemas", schema(exclusive_minimum = 0.0, exclusive_maximum = 1.0))]
    pub max_drawdown: Option<f64>,
    /// A funded account's own maximum risk per trade (fraction of the balance), where it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schemas", schema(minimum = 0.0, maximum = 1000000.0))]
    pub max_risk_per_trade: Option<f64>,
    /// What whoever gathered this had to assume, as sentences; copied into the result.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub assumptions: Vec<String>,
}
