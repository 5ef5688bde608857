//! Sums and sums of squares, of all paths and of each of 32 fixed sub-batches.

use super::Finished;

/// Sub-batches of a job's paths, by path id modulo this.
pub(crate) const BATCHES: usize = 32;

/// A sum and a sum of squares, exact: values are below 2⁴⁹ and paths below 2²⁷.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Moments {
    /// Σ v.
    pub(crate) sum: i128,
    /// Σ v².
    pub(crate) squares: i128,
}

impl Moments {
    #[inline(always)]
    pub(super) fn add(&mut self, value: i64) {
        let value = i128::from(value);
        self.sum += value;
        self.squares += value * value;
    }

    fn merge(&mut self, other: &Self) {
        self.sum += other.sum;
        self.squares += other.squares;
    }

    /// `Σ v / n`.
    pub(crate) fn mean(&self, n: u64) -> f64 {
        self.sum as f64 / n as f64
    }

    /// `Σ (v − mean)² / n`; exactly 0 where all values are the same.
    pub(crate) fn variance(&self, n: u64) -> f64 {
        let count = i128::from(n);
        let near_mean = self.sum.div_euclid(count);
        let rest = self.sum.rem_euclid(count) as f64 / n as f64;
        let about_near_mean = self.squares - 2 * near_mean * self.sum + count * near_mean * near_mean;
        (about_near_mean as f64 / n as f64 - rest * rest).max(0.0)
    }
}

/// What the paths of one sub-batch add up to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Batch {
    /// Paths.
    pub(crate) paths: u64,
    /// Final balance less the balance at the start, units of 10⁻⁴ dollars.
    pub(crate) profit: Moments,
    /// Σ min(profit, 0)², the same units.
    pub(crate) downside_squares: i128,
    /// Greatest drawdown, units of 10⁻⁹.
    pub(crate) drawdown: Moments,
    /// Payouts by the rules' schedule, units of 10⁻⁴ dollars.
    pub(crate) payout: Moments,
    /// Payouts by the week, the same units.
    pub(crate) weekly_payout: Moments,
}

impl Batch {
    /// Adds one path.
    #[inline(always)]
    pub(crate) fn add(&mut self, path: &Finished) {
        self.paths += 1;
        self.profit.add(path.profit);
        let loss = i128::from(path.profit.min(0));
        self.downside_squares += loss * loss;
        self.drawdown.add(path.drawdown as i64);
        self.payout.add(path.payout);
        self.weekly_payout.add(path.weekly_payout);
    }

    /// Adds another batch.
    pub(crate) fn merge(&mut self, other: &Self) {
        self.paths += other.paths;
        self.profit.merge(&other.profit);
        self.downside_squares += other.downside_squares;
        self.drawdown.merge(&other.drawdown);
        self.payout.merge(&other.payout);
        self.weekly_payout.merge(&other.weekly_payout);
    }
}

#[cfg(test)]
mod tests {
    use super::Moments;

    #[test]
    fn the_variance_of_equal_values_is_exactly_zero() {
        let mut moments = Moments::default();
        for _ in 0..7 {
            moments.add(500_000_003);
        }
        assert_eq!((moments.mean(7), moments.variance(7)), (500_000_003.0, 0.0));
    }

    #[test]
    fn the_variance_of_four_values_by_hand() {
        let mut moments = Moments::default();
        for value in [-3, 0, 1, 4] {
            moments.add(value);
        }
        // Mean 0.5; squares of deviations 12.25 + 0.25 + 0.25 + 12.25 = 25; a quarter is 6.25.
        assert_eq!(moments.variance(4), 6.25);
    }
}
