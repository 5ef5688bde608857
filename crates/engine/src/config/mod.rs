//! What a caller may ask of a simulation (contracts: `config`); every field has a default, unknown fields are refused.

mod stress;
mod tolerance;
mod validate;
pub(crate) mod whole;

use std::fmt;

use serde::de::value::MapAccessDeserializer;
use serde::de::{self, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

pub use stress::Stress;
pub use tolerance::{Metric, Tolerance};
pub(crate) use validate::MAX_STEPS;

/// The most paths of one job; more is bought with shards over machines, not with one request.
pub const MAX_PATHS: u64 = 100_000_000;

/// A fault in a request: the field's dotted path and a sentence that says what was expected.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {message}")]
pub struct FieldError {
    /// Dotted path, as in `config.rules.drawdown.fraction`.
    pub field: String,
    /// What is wrong and what was expected.
    pub message: String,
}

/// The caller's wishes; absent fields take the defaults of the engine's rules.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schemas", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SimulationConfig {
    /// 1 to 100,000,000.
    #[serde(default, deserialize_with = "whole::or_null", skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schemas", schema(minimum = 1, maximum = 100000000, examples(100000)))]
    pub paths: Option<u64>,
    /// How sure a figure is to be, instead of `paths`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tolerance: Option<Tolerance>,
    /// 1 to 365 calendar days.
    #[serde(default, deserialize_with = "whole::or_null", skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schemas", schema(minimum = 1, maximum = 365, examples(30)))]
    pub horizon_days: Option<u32>,
    /// 1 to 100,000 rows; overrides the number that the trader's rate gives.
    #[serde(default, deserialize_with = "whole::or_null", skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schemas", schema(minimum = 1, maximum = 100000))]
    pub steps: Option<u32>,
    /// Rows are trades or days.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub level: Option<Level>,
    /// Which row comes next.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<Model>,
    /// Mean block length in rows, at least 1; with the model `circular` every block's length, a whole number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schemas", schema(minimum = 1.0))]
    pub block_length: Option<f64>,
    /// Whether returns compound or dollars add up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sizing: Option<Sizing>,
    /// A worse history than the one that was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stress: Option<Stress>,
    /// 0 to 2⁵³ − 1.
    #[serde(default, deserialize_with = "whole::or_null", skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schemas", schema(minimum = 0, maximum = 9007199254740991.0))]
    pub seed: Option<u64>,
    /// Weighted histories for the history's intervals, 40 to 2,000; 0 leaves them out. By default 200 to 400, more with more
    /// paths.
    #[serde(default, deserialize_with = "whole::or_null", skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schemas", schema(minimum = 0, maximum = 2000))]
    pub history_replicates: Option<u32>,
    /// A preset by name or the rules one by one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rules: Option<Rules>,
}

/// One row of the history.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schemas", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub enum Level {
    /// One closing trade.
    Trade,
    /// One trading day, made of its trades in order.
    Day,
}

/// Which row comes next, and of what table: the history's own rows, or a law fitted to its trades' log-returns (to their
/// dollars where dollars add up). A fitted law is a table of 4,096 equiprobable rows, each drawn anew: it needs rows that are
/// trades, no blocks, and at least 3 different results in the history.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schemas", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub enum Model {
    /// Politis & Romano, "The stationary bootstrap" (1994): blocks of geometric length.
    Stationary,
    /// Politis & Romano, "A circular block-resampling procedure for stationary data" (1992): blocks of one length, whole rows.
    Circular,
    /// Efron, "Bootstrap methods: another look at the jackknife" (1979): every row anew.
    Iid,
    /// The normal law of the history's mean and deviation.
    Normal,
    /// Student's t of the history's mean and deviation; degrees of freedom by maximum likelihood over a grid from 3 to 100.
    StudentT,
    /// The skewed t of Hansen, "Autoregressive conditional density estimation" (1994), of the history's mean and deviation;
    /// degrees of freedom and asymmetry by maximum likelihood over grids.
    Skewed,
    /// Hamilton, "A new approach to the economic analysis of nonstationary time series and the business cycle" (1989): two
    /// regimes that take turns as a hidden Markov chain, from the one that the history ends in; rows of the history, each as
    /// often as it belongs to the regime.
    Regimes,
    /// Filtered historical simulation: Barone-Adesi, Giannopoulos & Vosper, "VaR without correlations for portfolios of
    /// derivative securities" (1999); Hull & White (1998). The deviation follows the rows before it, from today's on: a GARCH(1, 1)
    /// by quasi-likelihood, with fewer than 100 trades RiskMetrics' weights. Needs rows that are trades.
    Filtered,
}

impl Model {
    /// Whether it knows single trades alone.
    pub(crate) fn needs_trades(self) -> bool {
        match self {
            Self::Stationary | Self::Circular | Self::Iid | Self::Regimes => false,
            Self::Normal | Self::StudentT | Self::Skewed | Self::Filtered => true,
        }
    }

    /// A law of days would know their closes alone, so that rules which look within days would break too seldom; and one
    /// of trades does not say which trades make a day. Nor does a filter of days say how one moves within.
    pub(crate) fn without_days(self) -> FieldError {
        let message = "is a law of single trades and needs rows that are trades: it cannot be simulated where                        config.level, a rule or the number of trades makes rows days";
        validate::fault("model", message)
    }
}

/// How a row moves the balance.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schemas", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub enum Sizing {
    /// Returns compound.
    Proportional,
    /// Dollars add up.
    Fixed,
}

/// A preset, or rules spelled out.
#[derive(Clone, Debug, PartialEq)]
pub enum Rules {
    /// The platform's own.
    Preset(RulesPreset),
    /// The caller's.
    Custom(Box<RuleSet>),
}

/// The platform's two sets of rules.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schemas", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub enum RulesPreset {
    /// Those of a funded account.
    Funded,
    /// Those of the tier's assessment.
    Assessment,
}

/// Rules spelled out; an absent rule is off.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schemas", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RuleSet {
    /// Total drawdown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub drawdown: Option<Drawdown>,
    /// Loss within one day.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub daily_loss: Option<DailyLoss>,
    /// Profit to reach.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub profit_target: Option<ProfitTarget>,
    /// Trades before a pass.
    #[serde(default, deserialize_with = "whole::or_null", skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schemas", schema(maximum = 4294967295.0))]
    pub min_trades: Option<u32>,
    /// Trading days before a pass.
    #[serde(default, deserialize_with = "whole::or_null", skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schemas", schema(maximum = 4294967295.0))]
    pub min_days: Option<u32>,
    /// Calendar days in which to pass.
    #[serde(default, deserialize_with = "whole::or_null", skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schemas", schema(minimum = 1, maximum = 4294967295.0))]
    pub time_limit_days: Option<u32>,
    /// Best day against the whole profit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub consistency: Option<Consistency>,
    /// The trader's share of the profit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schemas", schema(minimum = 0.0, maximum = 1.0))]
    pub profit_split: Option<f64>,
    /// When and how much is paid out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub payout: Option<PayoutSchedule>,
}

impl SimulationConfig {
    /// The rules, where they are spelled out.
    pub(crate) fn custom_rules(&self) -> Option<&RuleSet> {
        match &self.rules {
            Some(Rules::Custom(rules)) => Some(rules),
            Some(Rules::Preset(_)) | None => None,
        }
    }
}

impl RuleSet {
    /// Whether there is anything to pass: a target, or a minimum of trades or days.
    pub(crate) fn has_pass(&self) -> bool {
        self.profit_target.is_some() || self.min_trades.is_some() || self.min_days.is_some()
    }

    /// Whether a rule looks at whole days, so that it can only be simulated in rows that are days.
    pub(crate) fn needs_days(&self) -> bool {
        let end_of_day = |rule: &Drawdown| rule.kind == DrawdownKind::TrailingEndOfDay;
        self.daily_loss.is_some()
            || self.min_days.is_some_and(|days| days > 0)
            || (self.consistency.is_some() && self.has_pass())
            || self.drawdown.as_ref().is_some_and(end_of_day)
    }
}

/// Where the floor of the total drawdown stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schemas", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub enum DrawdownKind {
    /// Below the starting balance.
    Static,
    /// Below the highest balance so far.
    Trailing,
    /// Below the highest end-of-day balance so far.
    TrailingEndOfDay,
}

/// A total-drawdown rule; exactly one of `fraction` and `amount`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schemas", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Drawdown {
    /// Where the floor stands.
    pub kind: DrawdownKind,
    /// Of the reference balance, above 0, below 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schemas", schema(exclusive_minimum = 0.0, exclusive_maximum = 1.0))]
    pub fraction: Option<f64>,
    /// US dollars below the reference, above 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schemas", schema(exclusive_minimum = 0.0, maximum = 10000000000.0))]
    pub amount: Option<f64>,
    /// The floor stops rising at the starting balance plus an offset.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lock: Option<Lock>,
}

/// Where a trailing floor stops rising.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schemas", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Lock {
    /// US dollars above the starting balance.
    #[serde(default)]
    #[cfg_attr(feature = "schemas", schema(minimum = -10000000000.0, maximum = 10000000000.0))]
    pub offset: f64,
}

/// A daily-loss rule; exactly one of `fraction` and `amount`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schemas", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct DailyLoss {
    /// Of the reference, above 0, below 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schemas", schema(exclusive_minimum = 0.0, exclusive_maximum = 1.0))]
    pub fraction: Option<f64>,
    /// US dollars, above 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schemas", schema(exclusive_minimum = 0.0, maximum = 10000000000.0))]
    pub amount: Option<f64>,
    /// What the fraction is of.
    pub of: DailyLossReference,
}

/// What a daily loss is measured against.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schemas", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub enum DailyLossReference {
    /// The starting balance.
    Initial,
    /// The balance at the day's start, UTC.
    DayStart,
}

/// A profit target; exactly one of `fraction` and `amount`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schemas", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ProfitTarget {
    /// Of the starting balance, above 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schemas", schema(exclusive_minimum = 0.0, maximum = 1000.0))]
    pub fraction: Option<f64>,
    /// US dollars, above 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schemas", schema(exclusive_minimum = 0.0, maximum = 10000000000.0))]
    pub amount: Option<f64>,
}

/// A consistency rule.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schemas", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Consistency {
    /// The best day's profit is at most this fraction of the whole.
    #[cfg_attr(feature = "schemas", schema(exclusive_minimum = 0.0, maximum = 1.0))]
    pub fraction: f64,
}

/// A payout schedule.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schemas", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PayoutSchedule {
    /// Calendar days between requests.
    #[serde(deserialize_with = "whole::required")]
    #[cfg_attr(feature = "schemas", schema(minimum = 1, maximum = 365))]
    pub every_days: u32,
    /// The least a request may be, US dollars; a smaller one brings nothing.
    #[cfg_attr(feature = "schemas", schema(minimum = 0.0, maximum = 10000000000.0))]
    pub minimum: f64,
    /// The most a request brings, US dollars; not below the minimum.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schemas", schema(exclusive_minimum = 0.0, maximum = 10000000000.0))]
    pub cap: Option<f64>,
    /// Profit that must stay in the account, US dollars; 0 unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schemas", schema(minimum = 0.0, maximum = 10000000000.0))]
    pub buffer: Option<f64>,
    /// What a payout does to the account; `balanceStays` unless given. Only where there is nothing to pass.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<AfterPayout>,
}

/// What a payout does to the account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schemas", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub enum AfterPayout {
    /// Nothing: the platform's formula subtracts what was paid from the profit instead.
    BalanceStays,
    /// The profit that the payout is a share of leaves the account; its floor stays where it is.
    BalanceFalls,
    /// The same, and from the first payout on the floor stands at the starting balance (or where it is, if that is higher).
    FloorLocks,
}

impl Serialize for Rules {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Preset(preset) => preset.serialize(serializer),
            Self::Custom(rules) => rules.serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for Rules {
    /// By hand and not `untagged`, so that a fault deep inside the rules keeps its path.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct PresetOrRules;
        impl<'de> Visitor<'de> for PresetOrRules {
            type Value = Rules;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("\"funded\", \"assessment\" or an object of rules")
            }
            fn visit_str<E: de::Error>(self, name: &str) -> Result<Rules, E> {
                match name {
                    "funded" => Ok(Rules::Preset(RulesPreset::Funded)),
                    "assessment" => Ok(Rules::Preset(RulesPreset::Assessment)),
                    other => Err(E::invalid_value(de::Unexpected::Str(other), &self)),
                }
            }
            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Rules, A::Error> {
                RuleSet::deserialize(MapAccessDeserializer::new(map))
                    .map(|rules| Rules::Custom(Box::new(rules)))
            }
        }
        deserializer.deserialize_any(PresetOrRules)
    }
}
