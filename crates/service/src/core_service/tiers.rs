//! The platform's tiers by name (contracts §1), for a Core Service that names a tier and no terms.

use monte_carlo_engine::TierTerms;

/// The trader's share where nobody says.
pub(super) const PROFIT_SPLIT: f64 = 0.80;

struct Tier {
    name: &'static str,
    starting_balance: f64,
    max_drawdown: f64,
    min_trades: u32,
    max_risk_per_trade: f64,
    profit_split: f64,
}

const TIERS: [Tier; 4] = [
    Tier {
        name: "Starter",
        starting_balance: 50_000.0,
        max_drawdown: 0.05,
        min_trades: 30,
        max_risk_per_trade: 0.02,
        profit_split: 0.80,
    },
    Tier {
        name: "Professional",
        starting_balance: 100_000.0,
        max_drawdown: 0.075,
        min_trades: 25,
        max_risk_per_trade: 0.03,
        profit_split: 0.85,
    },
    Tier {
        name: "Advanced",
        starting_balance: 150_000.0,
        max_drawdown: 0.10,
        min_trades: 20,
        max_risk_per_trade: 0.035,
        profit_split: 0.87,
    },
    Tier {
        name: "Elite",
        starting_balance: 200_000.0,
        max_drawdown: 0.10,
        min_trades: 15,
        max_risk_per_trade: 0.04,
        profit_split: 0.90,
    },
];

/// The terms of the tier of that name, in any case of letters.
pub(crate) fn by_name(name: &str) -> Option<TierTerms> {
    TIERS.iter().find(|tier| tier.name.eq_ignore_ascii_case(name)).map(|tier| TierTerms {
        id: Some(name.to_owned()),
        name: Some(tier.name.to_owned()),
        starting_balance: Some(tier.starting_balance),
        max_drawdown: Some(tier.max_drawdown),
        min_trades: Some(tier.min_trades),
        max_risk_per_trade: Some(tier.max_risk_per_trade),
        profit_split: Some(tier.profit_split),
    })
}
