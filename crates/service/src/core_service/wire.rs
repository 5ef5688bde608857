//! Core Service's answers, in both dialects, as tolerantly as can be: unknown fields are passed over, absent and
//! null are the same, numbers may stand in quotes, ids may be numbers.

use std::fmt;

use monte_carlo_engine::{EpochMs, Trade};
use serde::de::{self, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};

/// An assessment or a funded account, without its wrapper. Each dialect fills other fields.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct AccountDocument {
    pub(super) id: Option<Id>,
    pub(super) status: Option<String>,
    pub(super) tier_id: Option<Id>,
    pub(super) tier: Option<Tier>,
    pub(super) virtual_account: Option<VirtualAccount>,
    pub(super) funded_virtual_account: Option<VirtualAccount>,
    pub(super) max_drawdown: Option<Number>,
    pub(super) max_risk_per_trade: Option<Number>,
}

/// A funded account as it stands in a list; whatever else is there is none of ours, and may not spoil the list.
#[derive(Debug, Deserialize)]
pub(super) struct ListedAccount {
    #[serde(default)]
    pub(super) id: Option<Id>,
    #[serde(default)]
    pub(super) status: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Tier {
    pub(super) id: Option<Id>,
    pub(super) name: Option<String>,
    pub(super) starting_balance: Option<Number>,
    pub(super) max_drawdown: Option<Number>,
    pub(super) min_trades: Option<Number>,
    pub(super) max_risk_per_trade: Option<Number>,
    pub(super) profit_split: Option<Number>,
}

/// The long names are dialect A's, the short ones B's.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct VirtualAccount {
    pub(super) starting_balance: Option<Number>,
    pub(super) current_balance: Option<Number>,
    pub(super) balance: Option<Number>,
    pub(super) peak_balance: Option<Number>,
    pub(super) peak: Option<Number>,
    pub(super) realized_pnl: Option<Number>,
    pub(super) pnl: Option<Number>,
    pub(super) unrealized_pnl: Option<Number>,
    pub(super) total_withdrawals: Option<Number>,
}

/// A trade; only its time is indispensable.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct WireTrade {
    #[serde(default)]
    id: Option<Id>,
    #[serde(rename = "type", default)]
    kind: Option<String>,
    #[serde(default)]
    market: Option<String>,
    #[serde(default)]
    side: Option<String>,
    #[serde(default)]
    quantity: Option<Number>,
    #[serde(default)]
    price: Option<Number>,
    #[serde(default)]
    slippage: Option<Number>,
    #[serde(default)]
    fee: Option<Number>,
    #[serde(default)]
    pnl: Option<Number>,
    #[serde(default)]
    cancelled: Option<bool>,
    timestamp: EpochMs,
}

impl From<WireTrade> for Trade {
    fn from(wire: WireTrade) -> Self {
        let number = |value: Option<Number>| value.map_or(0.0, |number| number.0);
        Self {
            id: wire.id.map(|id| id.0).unwrap_or_default(),
            kind: wire.kind,
            market: wire.market.unwrap_or_default(),
            side: wire.side.unwrap_or_default(),
            quantity: number(wire.quantity),
            price: number(wire.price),
            slippage: wire.slippage.map(|number| number.0),
            fee: wire.fee.map(|number| number.0),
            pnl: number(wire.pnl),
            cancelled: wire.cancelled.unwrap_or(false),
            timestamp: wire.timestamp,
        }
    }
}

/// A list in either dialect: an array is all there is, an object is one page of it.
#[derive(Debug)]
pub(super) enum Listing<T> {
    /// Dialect B.
    Bare(Vec<T>),
    /// Dialect A; the total may be missing.
    Page { items: Vec<T>, total: Option<u64> },
}

impl<T> Listing<T> {
    pub(super) fn total(&self) -> Option<u64> {
        match self {
            Self::Bare(_) => None,
            Self::Page { total, .. } => *total,
        }
    }

    pub(super) fn into_items(self) -> Vec<T> {
        match self {
            Self::Bare(items) | Self::Page { items, .. } => items,
        }
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Listing<T> {
    /// By hand and not `untagged`, so that a long list is not buffered twice and a fault keeps its path.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct EitherShape<T>(std::marker::PhantomData<T>);
        impl<'de, T: Deserialize<'de>> Visitor<'de> for EitherShape<T> {
            type Value = Listing<T>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an array, or an object that holds one")
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Listing<T>, A::Error> {
                let mut list = Vec::new();
                while let Some(item) = items.next_element()? {
                    list.push(item);
                }
                Ok(Listing::Bare(list))
            }
            fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<Listing<T>, A::Error> {
                let (mut items, mut total) = (None, None);
                while let Some(field) = fields.next_key::<String>()? {
                    match field.as_str() {
                        "trades" | "fundedAccounts" => items = Some(fields.next_value()?),
                        "total" => total = fields.next_value::<Option<Number>>()?,
                        _ => drop(fields.next_value::<IgnoredAny>()?),
                    }
                }
                let items = items.ok_or_else(|| de::Error::custom("the object holds no list"))?;
                Ok(Listing::Page { items, total: total.map(|number| number.0 as u64) })
            }
        }
        deserializer.deserialize_any(EitherShape(std::marker::PhantomData))
    }
}

/// A number, or one in quotes, as databases give decimals.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Number(pub(super) f64);

impl<'de> Deserialize<'de> for Number {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct EitherForm;
        impl Visitor<'_> for EitherForm {
            type Value = Number;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a number")
            }
            fn visit_i64<E: de::Error>(self, value: i64) -> Result<Number, E> {
                Ok(Number(value as f64))
            }
            fn visit_u64<E: de::Error>(self, value: u64) -> Result<Number, E> {
                Ok(Number(value as f64))
            }
            fn visit_f64<E: de::Error>(self, value: f64) -> Result<Number, E> {
                Ok(Number(value))
            }
            fn visit_str<E: de::Error>(self, text: &str) -> Result<Number, E> {
                let number = text.trim().parse().ok().filter(|number: &f64| number.is_finite());
                number.map(Number).ok_or_else(|| E::invalid_value(de::Unexpected::Str(text), &self))
            }
        }
        deserializer.deserialize_any(EitherForm)
    }
}

/// An id; a number is taken as its digits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Id(pub(super) String);

impl<'de> Deserialize<'de> for Id {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct EitherForm;
        impl Visitor<'_> for EitherForm {
            type Value = Id;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an id")
            }
            fn visit_i64<E: de::Error>(self, value: i64) -> Result<Id, E> {
                Ok(Id(value.to_string()))
            }
            fn visit_u64<E: de::Error>(self, value: u64) -> Result<Id, E> {
                Ok(Id(value.to_string()))
            }
            fn visit_str<E: de::Error>(self, text: &str) -> Result<Id, E> {
                Ok(Id(text.to_owned()))
            }
        }
        deserializer.deserialize_any(EitherForm)
    }
}
