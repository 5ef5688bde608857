//! What the integer state of a path means: log-equity where returns compound, money where dollars add up.

use crate::Sizing;
use crate::exponential::{exp, whole};
use crate::money::{self, MAX_BALANCE};

/// One unit of log-equity is 2⁻²⁴; each row is rounded to it, so `k` rows are off by at most `k · 3·10⁻⁸`.
pub(crate) const LOG_ONE: f64 = 16_777_216.0;

/// The step of a row whose return is −1 or less. No sum of other steps (bounded by [`MAX_TRAVEL`]) climbs back from it.
pub(crate) const RUIN_STEP: i64 = -(1 << 60);

/// A log-equity at or below this is a balance of 0.
pub(crate) const RUIN_LINE: i64 = -(1 << 58);

/// The farthest that the ordinary steps of one path may add up to, so that no state overflows an `i64`.
pub(crate) const MAX_TRAVEL: i64 = 1 << 57;

/// The meaning of a state `x`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Scale {
    /// `x = 2²⁴ · ln(balance / base)`.
    Log {
        /// US dollars at `x = 0`.
        base: f64,
    },
    /// `x` is the balance in units of 10⁻⁴ dollars.
    Money,
}

impl Scale {
    /// The state of a balance in US dollars.
    pub(crate) fn state(self, balance: f64) -> i64 {
        match self {
            Self::Log { base } if balance > 0.0 => round(libm::log(balance / base) * LOG_ONE),
            Self::Log { .. } => RUIN_STEP,
            Self::Money => money::units(balance),
        }
    }

    /// The balance of a state, in units of 10⁻⁴ dollars, clamped to ± [`MAX_BALANCE`].
    #[inline(always)]
    pub(crate) fn balance_units(self, x: i64) -> i64 {
        match self {
            Self::Log { base } => log_balance(base, x as f64) as i64,
            Self::Money => x.clamp(-MAX_BALANCE, MAX_BALANCE),
        }
    }

    /// The balance of a state in US dollars.
    pub(crate) fn balance(self, x: i64) -> f64 {
        money::dollars(self.balance_units(x))
    }

    /// The state at and below which an account is ruined: a balance of 0.
    pub(crate) fn ruin(self) -> i64 {
        match self {
            Self::Log { .. } => RUIN_LINE,
            Self::Money => 0,
        }
    }
}

/// The balance of the state `x` where returns compound from `base` dollars, a whole number of units of 10⁻⁴ dollars, at
/// most [`MAX_BALANCE`]. Without a branch, so that lanes can compute many at once.
#[inline(always)]
pub(crate) fn log_balance(base: f64, x: f64) -> f64 {
    whole((base * exp(x / LOG_ONE) * money::UNITS_PER_DOLLAR).min(MAX_BALANCE as f64))
}

/// What a trade that made `pnl` dollars on `balance_before` dollars changed: a fraction of the balance where returns
/// compound, dollars where dollars add up.
pub(crate) fn change(sizing: Sizing, pnl: f64, balance_before: f64) -> f64 {
    match sizing {
        Sizing::Proportional => pnl / balance_before,
        Sizing::Fixed => pnl,
    }
}

/// The step of a [`change`].
pub(crate) fn step_of(sizing: Sizing, change: f64) -> i64 {
    match sizing {
        Sizing::Proportional => log_step(change),
        Sizing::Fixed => money::units(change),
    }
}

/// `2²⁴ · ln(1 + r)`; a return of −1 or less ruins the account.
pub(crate) fn log_step(r: f64) -> i64 {
    if r <= -1.0 { RUIN_STEP } else { round(libm::log1p(r) * LOG_ONE) }
}

fn round(x: f64) -> i64 {
    x.round() as i64
}

#[cfg(test)]
mod tests {
    use super::{RUIN_LINE, RUIN_STEP, Scale, log_step};

    #[test]
    fn a_return_that_leaves_nothing_ruins() {
        let scale = Scale::Log { base: 10_000.0 };
        assert_eq!([log_step(-1.0), log_step(-1.5)], [RUIN_STEP; 2]);
        assert_eq!(scale.balance(RUIN_STEP), 0.0);
        // A ten-thousandth is left: a dollar of ten thousand.
        assert!(log_step(-0.9999) > RUIN_LINE);
        assert_eq!(scale.balance(log_step(-0.9999)), 1.0);
        assert_eq!(scale.ruin(), RUIN_LINE);
        assert_eq!(Scale::Money.ruin(), 0);
    }
}
