//! Where the floor stands, as a function of the balance that it follows.

use crate::money;
use crate::scale::Scale;

/// What raises the floor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Follows {
    /// Nothing: the floor is static, or there is none.
    Nothing,
    /// Every close above the peak.
    EveryClose,
    /// A day's last close above all earlier days' last closes.
    DayClose,
}

/// How far the floor stands below what it follows.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Drop {
    /// A distance in the units of the state: a fraction of log-equity, or an amount of money.
    Distance(i64),
    /// A fraction of money: `keep` billionths of the peak are kept; exact for fractions of up to nine decimals.
    MoneyFraction {
        /// `10⁹ · (1 − fraction)`.
        keep: i64,
    },
    /// An amount under compounding returns.
    LogAmount {
        /// The scale that turns states into dollars.
        scale: Scale,
        /// US dollars at state 0.
        base: f64,
        /// US dollars.
        amount: f64,
    },
}

/// Fractions are exact to nine decimals.
pub(super) const BILLION: i128 = 1_000_000_000;

/// A log-equity of 600: `exp` of it is still finite.
const LOG_FAR: i64 = 600 << 24;

impl Drop {
    /// Below its reference by a fraction.
    pub(crate) fn fraction(scale: Scale, fraction: f64) -> Self {
        match scale {
            Scale::Log { .. } => Self::Distance((-crate::scale::log_step(-fraction)).max(1)),
            Scale::Money => {
                let keep = ((1.0 - fraction) * BILLION as f64).round() as i64;
                Self::MoneyFraction { keep: keep.min(999_999_999) }
            }
        }
    }

    /// Below its reference by dollars.
    pub(crate) fn amount(scale: Scale, amount: f64) -> Self {
        match scale {
            Scale::Log { base } => Self::LogAmount { scale, base, amount },
            Scale::Money => Self::Distance(money::units(amount).max(1)),
        }
    }

    /// The floor below the state `reference`, which is not ruined: at least one unit below.
    pub(crate) fn below(&self, reference: i64) -> i64 {
        match *self {
            Self::Distance(distance) => reference - distance,
            Self::MoneyFraction { keep } => {
                (i128::from(reference) * i128::from(keep)).div_euclid(BILLION) as i64
            }
            // Where the balance is past all bounds, an amount is nothing beside it.
            Self::LogAmount { .. } if reference > LOG_FAR => reference - 1,
            Self::LogAmount { scale, base, amount } => {
                let dollars = base * libm::exp(reference as f64 / crate::scale::LOG_ONE);
                scale.state(dollars - amount).min(reference - 1)
            }
        }
    }
}

/// The total-drawdown rule as a function of the balance that it follows; breached at and below.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct FloorRule {
    /// What raises it.
    pub(crate) follows: Follows,
    /// How far below; unused where nothing raises it.
    pub(crate) drop: Drop,
    /// It never stands above this: the lock, or the static floor itself.
    pub(crate) ceiling: i64,
    /// It never stands below this: ruin.
    pub(crate) ruin: i64,
}

impl FloorRule {
    /// The floor once `reference` has been reached.
    #[inline]
    pub(crate) fn level(&self, reference: i64) -> i64 {
        match self.follows {
            Follows::Nothing => self.ceiling.max(self.ruin),
            Follows::EveryClose | Follows::DayClose => {
                self.drop.below(reference).min(self.ceiling).max(self.ruin)
            }
        }
    }
}

/// A floor as a kernel's inner loop sees it.
pub(crate) trait Floor: Copy {
    /// The floor after a close at `x`, where it was `standing` and the highest close before was `peak`.
    fn at_close(&self, standing: i64, peak: i64, x: i64) -> i64;
}

impl Floor for FloorRule {
    #[inline(always)]
    fn at_close(&self, standing: i64, peak: i64, x: i64) -> i64 {
        if self.follows == Follows::EveryClose && x > peak { self.level(x) } else { standing }
    }
}

/// A floor that never moves within a row.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Still;

impl Floor for Still {
    #[inline(always)]
    fn at_close(&self, standing: i64, _peak: i64, _x: i64) -> i64 {
        standing
    }
}

/// A floor at a distance below the highest close, without a branch.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Behind {
    /// In the units of the state.
    pub(crate) distance: i64,
    /// See [`FloorRule::ceiling`].
    pub(crate) ceiling: i64,
    /// See [`FloorRule::ruin`].
    pub(crate) ruin: i64,
}

impl Floor for Behind {
    #[inline(always)]
    fn at_close(&self, _standing: i64, peak: i64, x: i64) -> i64 {
        (peak.max(x) - self.distance).min(self.ceiling).max(self.ruin)
    }
}

#[cfg(test)]
mod tests {
    use super::{Drop, FloorRule, Follows};
    use crate::scale::{Scale, log_step};

    #[test]
    fn a_fraction_of_money_is_exact_to_the_unit() {
        let drop = Drop::fraction(Scale::Money, 0.05);
        assert_eq!(drop.below(500_000_000), 475_000_000);
        assert_eq!(drop.below(500_000_001), 475_000_000);
    }

    #[test]
    fn a_fraction_of_log_equity_is_the_step_of_that_loss() {
        let drop = Drop::fraction(Scale::Log { base: 50_000.0 }, 0.05);
        assert_eq!(drop.below(1_000), 1_000 + log_step(-0.05));
    }

    #[test]
    fn an_amount_under_compounding_is_dollars_below_the_peak() {
        let scale = Scale::Log { base: 1_000.0 };
        let peak = scale.state(1_500.0);
        let floor = Drop::amount(scale, 300.0).below(peak);
        assert!((scale.balance(floor) - 1_200.0).abs() < 0.001);
    }

    #[test]
    fn a_lock_stops_the_rise() {
        let rule =
            FloorRule { follows: Follows::EveryClose, drop: Drop::Distance(10), ceiling: 100, ruin: 0 };
        assert_eq!([5, 100, 105, 110, 500].map(|peak| rule.level(peak)), [0, 90, 95, 100, 100]);
    }
}
