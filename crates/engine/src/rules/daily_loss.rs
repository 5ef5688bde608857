//! The daily-loss rule: for each close of each day, one integer that the day's start is compared with.

use super::floor::{BILLION, Drop};
use crate::history::rows::Rows;
use crate::scale::{LOG_ONE, RUIN_STEP};

/// No start of a day is broken.
const NEVER: i64 = i64::MAX;

/// Every start of a day is broken.
const ALWAYS: i64 = i64::MIN;

/// How much one day may lose: its floor stands below the state at the day's start, breached at and below.
///
/// A close that is `moved` away from the start `open` breaks it where `side(open) >= threshold(moved)`: which starts are
/// broken depends on `moved` alone, and is computed once for each close of the history.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct DailyLimit {
    drop: Drop,
    /// All ones where the lower starts are broken, as by a fraction of money; else 0.
    flip: i64,
}

impl DailyLimit {
    /// By how far a day's floor stands below the day's start.
    pub(crate) fn new(drop: Drop) -> Self {
        Self { drop, flip: if matches!(drop, Drop::MoneyFraction { .. }) { -1 } else { 0 } }
    }

    /// The floor of a day that starts at `open`.
    pub(crate) fn floor(&self, open: i64) -> i64 {
        self.drop.below(open)
    }

    /// `open`, turned so that the broken starts are the greater ones.
    #[inline(always)]
    pub(crate) fn side(&self, open: i64) -> i64 {
        open ^ self.flip
    }

    /// The least [`Self::side`] of a start from which a close `moved` away is at or below the day's floor.
    pub(crate) fn threshold(&self, moved: i64) -> i64 {
        if moved >= 0 {
            return NEVER;
        }
        match self.drop {
            Drop::Distance(distance) => {
                if moved <= -distance {
                    ALWAYS
                } else {
                    NEVER
                }
            }
            // open + moved <= open · keep / 10⁹, so open <= −moved · 10⁹ / (10⁹ − keep).
            Drop::MoneyFraction { keep } => {
                let most = -i128::from(moved) * BILLION / (BILLION - i128::from(keep));
                !i64::try_from(most).unwrap_or(i64::MAX)
            }
            // base · eˣ · (1 − eˢ) >= amount, so x >= ln(amount / (base · (1 − eˢ))). Half a unit, because the day's
            // floor is rounded to the nearest one: a single loss of exactly the amount reaches it.
            Drop::LogAmount { base, amount, .. } => {
                let lost = -libm::expm1((moved as f64 - 0.5) / LOG_ONE);
                (libm::log(amount / (base * lost)) * LOG_ONE).ceil() as i64
            }
        }
    }
}

/// A daily-loss rule as a kernel's inner loop sees it; `open` is the state at the day's start.
pub(crate) trait DailyLoss: Copy {
    /// Whether some close of the day breaks it.
    fn breaks_in(&self, day: u32, open: i64) -> bool;
    /// Whether the close of the trade does.
    fn breaks_at(&self, trade: usize, open: i64) -> bool;
    /// The day's floor.
    fn floor(&self, open: i64) -> i64;
}

/// A day may lose whatever it does.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Unlimited;

impl DailyLoss for Unlimited {
    #[inline(always)]
    fn breaks_in(&self, _day: u32, _open: i64) -> bool {
        false
    }

    #[inline(always)]
    fn breaks_at(&self, _trade: usize, _open: i64) -> bool {
        false
    }

    fn floor(&self, _open: i64) -> i64 {
        i64::MIN
    }
}

/// The limit's thresholds for the rows of a history.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct DailyThresholds {
    limit: DailyLimit,
    /// The least of each day's closes.
    days: Vec<i64>,
    /// Of each trade's close.
    trades: Vec<i64>,
}

impl DailyThresholds {
    /// For rows that are days.
    pub(crate) fn new(limit: DailyLimit, rows: &Rows) -> Self {
        let mut trades = vec![NEVER; rows.trades.len()];
        let days = rows.days.iter().map(|day| {
            let (first, count) = (day.first as usize, day.trades as usize);
            let mut moved = 0;
            let mut least = NEVER;
            for (&step, threshold) in rows.trades[first..first + count].iter().zip(&mut trades[first..]) {
                moved += step;
                *threshold = limit.threshold(moved);
                least = least.min(*threshold);
                // Nothing comes after ruin, as in the day itself.
                if step == RUIN_STEP {
                    break;
                }
            }
            least
        });
        Self { limit, days: days.collect(), trades }
    }

    /// The least start, in log-equity, from which some close of the day breaks the rule.
    pub(crate) fn opens_in_log(&self, day: u32) -> i64 {
        debug_assert_eq!(self.limit.flip, 0, "only a fraction of money is turned round");
        self.days[day as usize]
    }
}

impl DailyLoss for &DailyThresholds {
    #[inline(always)]
    fn breaks_in(&self, day: u32, open: i64) -> bool {
        self.limit.side(open) >= self.days[day as usize]
    }

    #[inline(always)]
    fn breaks_at(&self, trade: usize, open: i64) -> bool {
        self.limit.side(open) >= self.trades[trade]
    }

    fn floor(&self, open: i64) -> i64 {
        self.limit.floor(open)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{prop_assert_eq, proptest};

    use super::DailyLimit;
    use crate::rules::floor::Drop;
    use crate::scale::{LOG_ONE, RUIN_STEP, Scale, log_step};

    const LOG: Scale = Scale::Log { base: 50_000.0 };

    fn breaks(limit: &DailyLimit, open: i64, moved: i64) -> bool {
        limit.side(open) >= limit.threshold(moved)
    }

    proptest! {
        #[test]
        fn money_breaks_at_its_limit_to_the_unit(
            open in 1_i64..1_000_000_000_000, moved in -500_000_i64..50, billionths in 1_i64..1_000_000_000,
        ) {
            let amount = DailyLimit::new(Drop::amount(Scale::Money, 25.0));
            prop_assert_eq!(breaks(&amount, open, moved), -moved >= 250_000);
            let fraction = billionths as f64 / 1e9;
            let share = DailyLimit::new(Drop::fraction(Scale::Money, fraction));
            let lost = -i128::from(moved) * 1_000_000_000;
            prop_assert_eq!(breaks(&share, open, moved), lost >= i128::from(open) * i128::from(billionths));
            prop_assert_eq!(breaks(&share, open, moved), open + moved <= share.floor(open));
        }

        #[test]
        fn log_equity_breaks_where_its_dollars_do(
            open in -20_000_000_i64..20_000_000, moved in -60_000_000_i64..50, amount in 1.0_f64..200_000.0,
        ) {
            let share = DailyLimit::new(Drop::fraction(LOG, 0.04));
            prop_assert_eq!(breaks(&share, open, moved), moved <= log_step(-0.04));
            let limit = DailyLimit::new(Drop::amount(LOG, amount));
            let dollars = |x: i64| 50_000.0 * libm::exp(x as f64 / LOG_ONE);
            let lost = dollars(open) - dollars(open + moved);
            // The states' own resolution apart.
            if (lost - amount).abs() > 2e-7 * dollars(open) {
                prop_assert_eq!(breaks(&limit, open, moved), lost >= amount);
            }
        }

        #[test]
        fn log_equity_breaks_at_the_floor_of_its_day(open in -9_000_000_i64..9_000_000, amount in 10.0_f64..20_000.0) {
            let limit = DailyLimit::new(Drop::amount(LOG, amount));
            let floor = limit.floor(open);
            prop_assert_eq!(breaks(&limit, open, floor - open), true);
            prop_assert_eq!(breaks(&limit, open, floor - open + 1), false);
        }
    }

    #[test]
    fn the_loss_of_everything_breaks_wherever_there_is_enough_to_lose() {
        let limit = DailyLimit::new(Drop::amount(LOG, 1_000.0));
        assert!(breaks(&limit, LOG.state(1_000.01), RUIN_STEP));
        assert!(!breaks(&limit, LOG.state(999.99), RUIN_STEP));
    }
}
