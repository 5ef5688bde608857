//! What a position is made of: a market, a side, a size, two prices.

use super::book::cents;

/// A position, opened and closed.
pub(super) struct Position {
    pub(super) market: &'static str,
    pub(super) side: &'static str,
    pub(super) quantity: f64,
    pub(super) entry: f64,
    pub(super) exit: f64,
    pub(super) fee: f64,
    /// Net of the fee, to the cent.
    pub(super) pnl: f64,
}

const CRYPTO: [(&str, f64); 3] = [("BTC/USD", 64_000.0), ("ETH/USD", 3_100.0), ("SOL/USD", 150.0)];
const QUESTIONS: [&str; 4] =
    ["polymarket:us-rate-cut-dec", "polymarket:btc-100k-eoy", "kalshi:cpi-above-3", "kalshi:nyc-snow-nov"];
/// Share of the notional, both ways together.
const FEE: f64 = 0.001;

/// A crypto position of that notional that moves by `change` in the trader's favour.
pub(super) fn crypto(notional: f64, change: f64, uses_old_sides: bool, rng: &mut fastrand::Rng) -> Position {
    let (market, around) = CRYPTO[rng.usize(..CRYPTO.len())];
    let is_long = rng.f64() < 0.6;
    let side = match (is_long, uses_old_sides) {
        (true, false) => "long",
        (false, false) => "short",
        (true, true) => "buy",
        (false, true) => "sell",
    };
    let entry = cents(around * (0.9 + 0.2 * rng.f64()));
    let quantity = rounded(notional / entry, 1e6);
    let direction = if is_long { 1.0 } else { -1.0 };
    let exit = cents(entry * (1.0 + direction * change)).max(0.01);
    let fee = cents(quantity * entry * FEE);
    let pnl = cents(quantity * (exit - entry) * direction - fee);
    Position { market, side, quantity, entry, exit, fee, pnl }
}

/// A bet of that stake: all or nothing.
pub(super) fn bet(stake: f64, price: f64, is_won: bool, rng: &mut fastrand::Rng) -> Position {
    let market = QUESTIONS[rng.usize(..QUESTIONS.len())];
    let side = if rng.bool() { "yes" } else { "no" };
    let entry = rounded(price, 100.0).clamp(0.05, 0.95);
    let quantity = rounded(stake / entry, 1.0).max(1.0);
    let exit = if is_won { 1.0 } else { 0.0 };
    let pnl = cents(quantity * (exit - entry));
    Position { market, side, quantity, entry, exit, fee: 0.0, pnl }
}

fn rounded(value: f64, steps: f64) -> f64 {
    (value * steps).round() / steps
}
