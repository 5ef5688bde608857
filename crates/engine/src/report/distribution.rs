//! Quantiles, tails and coarse bins of an exact histogram.

use super::shape;
use crate::plan::REPLICATE_PATHS;
use crate::tally::{Filled, Histogram};

/// Bars of a histogram in the result.
const BARS: usize = 60;

/// A histogram's filled bins, lowest first, with the number of values.
#[derive(Clone, Debug)]
pub(super) struct Sorted {
    bins: Vec<Filled>,
    count: u64,
}

impl Sorted {
    /// Of a histogram that holds `count` values, at least one.
    pub(super) fn new(histogram: &Histogram, count: u64) -> Self {
        Self { bins: histogram.filled(), count }
    }

    /// The smallest x with F(x) ≥ `permille` / 1000.
    pub(super) fn lower(&self, permille: u64) -> &Filled {
        self.at_rank(rank(permille, self.count))
    }

    /// The largest x with P(X ≥ x) ≥ `permille` / 1000: minus the `permille` quantile of −X.
    pub(super) fn upper(&self, permille: u64) -> &Filled {
        self.at_rank(self.count + 1 - rank(permille, self.count))
    }

    /// The mean of the lowest `permille` / 1000 of probability mass, the bin on the border split, and that mass's
    /// variance.
    pub(super) fn lowest_mass(&self, permille: u64) -> (f64, f64) {
        // In thousandths of a path, so that the split is exact.
        let mass = permille * self.count;
        let (mut taken, mut sum, mut squares) = (0, 0.0, 0.0);
        for bin in &self.bins {
            let take = (bin.count * 1_000).min(mass - taken) as f64;
            let value = bin.mean();
            sum += take * value;
            squares += take * value * value;
            taken += take as u64;
            if taken == mass {
                break;
            }
        }
        let mean = sum / mass as f64;
        (mean, (squares / mass as f64 - mean * mean).max(0.0))
    }

    /// The bins at the two [ranks](ranks_about) between which the quantile lies.
    pub(super) fn rank_interval(&self, rank: u64, share: f64) -> (&Filled, &Filled) {
        let (low, high) = ranks_about(rank, share, self.count);
        (self.at_rank(low), self.at_rank(high))
    }

    /// The standard error of the quantile of `share` over so few values as a weighted history has: half of what lies
    /// between one standard error of that share on either side of it.
    pub(super) fn noise(&self, share: f64) -> f64 {
        let (low, high) = ranks_of_noise(share, self.count);
        (self.at_rank(high).mean() - self.at_rank(low).mean()) / 2.0
    }

    /// The rank of [`Self::lower`].
    pub(super) fn lower_rank(&self, permille: u64) -> u64 {
        rank(permille, self.count)
    }

    /// The rank of [`Self::upper`].
    pub(super) fn upper_rank(&self, permille: u64) -> u64 {
        self.count + 1 - rank(permille, self.count)
    }

    /// Equal bars from the lowest to the highest value, those divided by `one`.
    pub(super) fn bars(&self, one: f64) -> shape::Histogram {
        let (low, high) = (self.bins[0].mean(), self.bins[self.bins.len() - 1].mean());
        let bars = if low < high { BARS } else { 1 };
        let width = (high - low) / bars as f64;
        let mut counts = vec![0; bars];
        for bin in &self.bins {
            let bar = if width > 0.0 { ((bin.mean() - low) / width) as usize } else { 0 };
            counts[bar.min(bars - 1)] += bin.count;
        }
        let edge = |index: usize| if index == bars { high / one } else { (low + width * index as f64) / one };
        shape::Histogram { edges: (0..=bars).map(edge).collect(), counts }
    }

    fn at_rank(&self, rank: u64) -> &Filled {
        let mut below = 0;
        for bin in &self.bins {
            below += bin.count;
            if below >= rank {
                return bin;
            }
        }
        &self.bins[self.bins.len() - 1]
    }
}

/// The two ranks between which the quantile of `share`, whose own rank is `rank` of `count`, lies with 95 % probability:
/// normal approximation to the binomial distribution of the number of values below it.
pub(super) fn ranks_about(rank: u64, share: f64, count: u64) -> (u64, u64) {
    let half = super::levels::Z95 * (count as f64 * share * (1.0 - share)).sqrt();
    let low = (rank as f64 - half).floor().max(1.0) as u64;
    let high = (rank as f64 + half).ceil().min(count as f64) as u64;
    (low, high)
}

/// The ranks among `count` values at one standard error of `share`, over as few values as a weighted history has, on either
/// side of it.
pub(super) fn ranks_of_noise(share: f64, count: u64) -> (u64, u64) {
    let error = (share * (1.0 - share) / REPLICATE_PATHS as f64).sqrt();
    let rank = |share: f64| ((share * count as f64).ceil() as u64).clamp(1, count);
    (rank(share - error), rank(share + error))
}

/// `⌈q n⌉`, at least 1.
pub(super) fn rank(permille: u64, count: u64) -> u64 {
    (permille * count).div_ceil(1_000).max(1)
}

#[cfg(test)]
mod tests {
    use super::{Sorted, ranks_about};
    use crate::tally::{Bins, Histogram};

    /// 25 equally likely values: −100, −50 twice, 10 else.
    fn sorted() -> Sorted {
        let mut histogram = Histogram::new(Bins::spanning(-100, 10, 1_000));
        for value in [-100, -50, -50].into_iter().chain([10; 22]) {
            histogram.add(value, value);
        }
        Sorted::new(&histogram, 25)
    }

    #[test]
    fn the_tail_splits_the_atom_on_its_border() {
        // Acerbi & Tasche (2002): the worst 5 % is 0.04 at −100 and 0.01 of the 0.08 at −50.
        assert_eq!(sorted().lowest_mass(50).0, -90.0);
        assert_eq!(sorted().lowest_mass(10), (-100.0, 0.0));
        assert_eq!(sorted().lowest_mass(120).0, -200.0 / 3.0);
        // Variance of −100 (4/5) and −50 (1/5): 10² · 0.8 + 40² · 0.2 = 400.
        assert!((sorted().lowest_mass(50).1 - 400.0).abs() < 1e-9);
    }

    #[test]
    fn a_quantile_is_the_smallest_value_that_reaches_it() {
        let at = |permille| sorted().lower(permille).mean();
        assert_eq!([1, 40, 41, 120, 121, 1_000].map(at), [-100.0, -100.0, -50.0, -50.0, 10.0, 10.0]);
    }

    #[test]
    fn a_loss_quantile_counts_from_the_other_side() {
        // P(loss ≤ −10) = 0.88, P(loss ≤ 50) = 0.96: the 0.88 quantile is −10 exactly, the next one up is 50.
        let loss = |permille| -sorted().upper(permille).mean();
        assert_eq!([880, 881, 960, 961].map(loss), [-10.0, 50.0, 50.0, 100.0]);
    }

    #[test]
    fn ranks_reach_outwards_to_whole_ones() {
        // 1.96 · √(100 · 0.5 · 0.5) = 9.8 to either side of 50; 1.96 · √(100 · 0.01 · 0.99) = 1.95 about 1, and about 100.
        assert_eq!(ranks_about(50, 0.5, 100), (40, 60));
        assert_eq!((ranks_about(1, 0.01, 100), ranks_about(100, 0.99, 100)), ((1, 3), (98, 100)));
    }

    #[test]
    fn the_noise_of_few_paths_by_hand() {
        // Of 100,000 equally likely whole numbers; √(0.2 · 0.8 / 512) = 0.017678, √(0.001 · 0.999 / 512) = 0.001397.
        let mut histogram = Histogram::new(Bins::spanning(0, 99_999, 100_000));
        (0..100_000).for_each(|value| histogram.add(value, value));
        let even = Sorted::new(&histogram, 100_000);
        assert!((even.noise(0.2) - 1_767.8).abs() < 1.0, "{}", even.noise(0.2));
        // No lower than the lowest: from 0 to 239, not from −40.
        assert!((even.noise(0.001) - 119.5).abs() < 1.0, "{}", even.noise(0.001));
    }

    #[test]
    fn bars_hold_every_path() {
        let bars = sorted().bars(1.0);
        assert_eq!(bars.edges.len(), bars.counts.len() + 1);
        assert_eq!((bars.edges[0], bars.edges[60]), (-100.0, 10.0));
        assert_eq!(bars.counts.iter().sum::<u64>(), 25);
        assert_eq!((bars.counts[0], bars.counts[59]), (1, 22));
    }
}
