//! How a trader trades: positions one after another until the story that was wished for has come true.

use std::ops::Range;

use monte_carlo_engine::{EpochMs, TierTerms, Trade};

use super::book::{Ledger, cents};
use super::market::{self, Position};

/// The drawdown of funded accounts (contracts §1).
const FUNDED_DRAWDOWN: f64 = 0.15;
/// Two hundred positions are 400 trades.
const POSITIONS_MAX: usize = 200;

/// How the story must end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wish {
    /// In profit, with enough trades, never at the floor.
    Pass,
    /// At the floor.
    Fail,
    /// Early, anywhere between.
    GiveUp,
    /// Some months as a funded trader, still above the floor.
    Fund,
}

/// A trader's habits.
#[derive(Clone, Copy, Debug)]
pub(super) struct Draw {
    /// Bets on questions, not on prices.
    is_bettor: bool,
    /// Older records: `buy` and `sell`, and no type.
    is_old: bool,
    /// Goes beyond the tier's risk a trade now and then.
    is_bold: bool,
    /// Has as many funded trades as there can be.
    is_busy: bool,
    /// Positions a day.
    pace: f64,
}

impl Draw {
    /// Dealt by number, so that every kind occurs in every tier.
    pub(super) fn style(index: usize, rng: &mut fastrand::Rng) -> Self {
        Self {
            is_bettor: (index / 4) % 3 == 1,
            is_old: (index / 4) % 3 == 2 && index.is_multiple_of(2),
            is_bold: index % 5 < 2,
            is_busy: index.is_multiple_of(8),
            pace: 1.0 + 3.0 * rng.f64(),
        }
    }
}

/// A ledger that ends as wished, within the period and shortly before its end. Tries until one does: each try has a fair chance.
pub(super) fn ledger(
    tier: &TierTerms,
    style: Draw,
    wish: Wish,
    id_prefix: &str,
    period_ms: Range<i64>,
    rng: &mut fastrand::Rng,
) -> Ledger {
    loop {
        let length = match wish {
            Wish::Pass => rng.usize(tier.min_trades.unwrap_or_default() as usize..POSITIONS_MAX / 2 + 1),
            Wish::Fail => POSITIONS_MAX,
            Wish::GiveUp => rng.usize(3..12),
            Wish::Fund if style.is_busy => POSITIONS_MAX,
            Wish::Fund => rng.usize(20..POSITIONS_MAX + 1),
        };
        if let Some(positions) = positions(tier, style, wish, length, rng) {
            return write_down(tier, style, wish, &positions, id_prefix, &period_ms, rng);
        }
    }
}

/// The positions of one try, if it ends as wished.
fn positions(
    tier: &TierTerms,
    style: Draw,
    wish: Wish,
    length: usize,
    rng: &mut fastrand::Rng,
) -> Option<Vec<Position>> {
    let starting = tier.starting_balance.unwrap_or(100_000.0);
    let drawdown = match wish {
        Wish::Fund => FUNDED_DRAWDOWN,
        _ => tier.max_drawdown.unwrap_or(FUNDED_DRAWDOWN),
    };
    let (mut balance, mut peak) = (starting, starting);
    let mut positions = Vec::with_capacity(length);
    for _ in 0..length {
        let position = position(tier, style, wish, balance, rng);
        balance = cents(balance + position.pnl);
        peak = peak.max(balance);
        positions.push(position);
        if (peak - balance) / peak >= drawdown {
            return (wish == Wish::Fail).then_some(positions);
        }
    }
    let is_in_profit = balance > starting * 1.01;
    let is_as_wished = match wish {
        Wish::Pass => is_in_profit,
        Wish::Fail => false,
        Wish::GiveUp | Wish::Fund => true,
    };
    is_as_wished.then_some(positions)
}

fn position(tier: &TierTerms, style: Draw, wish: Wish, balance: f64, rng: &mut fastrand::Rng) -> Position {
    let limit = tier.max_risk_per_trade.unwrap_or(0.05);
    // Whoever fails risks too much too often; the bold do it now and then, in crypto with leverage.
    let excess = match wish {
        Wish::Fail => 1.0 + 4.0 * rng.f64(),
        _ if style.is_bold && rng.f64() < 0.25 => match style.is_bettor {
            true => 1.2 + rng.f64(),
            false => 6.0 + 14.0 * rng.f64(),
        },
        _ => 0.4 + 0.55 * rng.f64(),
    };
    let stake = balance * limit * excess;
    let edge = match wish {
        Wish::Pass => 0.03,
        Wish::Fund => 0.01,
        Wish::GiveUp => -0.02,
        Wish::Fail => -0.10,
    };
    if style.is_bettor {
        let price = 0.35 + 0.4 * rng.f64();
        // Half of the stake: all of it may be gone at once.
        return market::bet(stake / 2.0, price, rng.f64() < price + edge, rng);
    }
    // Crypto: moves of some per cent, now and then a large one, the trader's edge as a drift.
    let size = if rng.f64() < 0.05 { 0.25 } else { 0.09 };
    let bell = rng.f64() + rng.f64() + rng.f64() - 1.5;
    market::crypto(stake, size * (bell + 2.0 * edge), style.is_old, rng)
}

fn write_down(
    tier: &TierTerms,
    style: Draw,
    wish: Wish,
    positions: &[Position],
    id_prefix: &str,
    period_ms: &Range<i64>,
    rng: &mut fastrand::Rng,
) -> Ledger {
    let starting_balance = tier.starting_balance.unwrap_or(100_000.0);
    let gaps = positions.len() as i64 + 1;
    let gap_ms = ((86_400_000.0 / style.pace) as i64).min((period_ms.end - period_ms.start) / gaps);
    let first_ms = period_ms.end - gap_ms * gaps;
    let mut pen = Pen { id_prefix, is_old: style.is_old, trades: Vec::new() };
    let (mut balance, mut peak) = (starting_balance, starting_balance);
    for (index, position) in positions.iter().enumerate() {
        let opened_ms = first_ms + gap_ms * index as i64 + rng.i64(0..gap_ms / 4);
        pen.open(position, opened_ms);
        if rng.f64() < 0.03 {
            pen.cancelled(position, opened_ms + 1_000);
        }
        pen.close(position, opened_ms + rng.i64(gap_ms / 8..gap_ms / 2));
        balance = cents(balance + position.pnl);
        peak = peak.max(balance);
    }
    let mut unrealized = 0.0;
    if wish == Wish::Fund && rng.f64() < 0.4 {
        let open = position(tier, style, wish, balance, rng);
        pen.open(&open, period_ms.end - gap_ms / 2);
        unrealized = cents(open.pnl / 2.0);
    }
    // A third of the profit, from those who have enough of it; after the last trade, so the peak stands.
    let profit = balance - starting_balance;
    let takes_out = wish == Wish::Fund && profit > 900.0 && rng.bool();
    let withdrawals = if takes_out { cents((profit / 3.0).min(peak * 0.02)) } else { 0.0 };
    Ledger {
        trades: pen.trades,
        starting_balance,
        balance: cents(balance - withdrawals),
        peak,
        unrealized,
        withdrawals,
    }
}

/// Writes trades with ids that grow.
struct Pen<'a> {
    id_prefix: &'a str,
    is_old: bool,
    trades: Vec<Trade>,
}

impl Pen<'_> {
    fn open(&mut self, position: &Position, at_ms: i64) {
        self.write("open", position, position.entry, 0.0, at_ms);
    }

    fn close(&mut self, position: &Position, at_ms: i64) {
        self.write("close", position, position.exit, position.pnl, at_ms);
    }

    /// As if it had closed the position: whoever counts it is found out.
    fn cancelled(&mut self, position: &Position, at_ms: i64) {
        self.write("close", position, position.exit, position.pnl, at_ms);
        if let Some(trade) = self.trades.last_mut() {
            trade.cancelled = true;
        }
    }

    fn write(&mut self, kind: &str, position: &Position, price: f64, pnl: f64, at_ms: i64) {
        let number = self.trades.len() + 1;
        self.trades.push(Trade {
            id: format!("{}-{number:04}", self.id_prefix),
            kind: (!self.is_old).then(|| kind.to_owned()),
            market: position.market.to_owned(),
            side: position.side.to_owned(),
            quantity: position.quantity,
            price,
            slippage: number.is_multiple_of(3).then_some(0.01),
            fee: (position.fee > 0.0).then(|| cents(position.fee / 2.0)),
            pnl,
            cancelled: false,
            timestamp: EpochMs(at_ms),
        });
    }
}
