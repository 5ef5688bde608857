//! The balance's distribution at the chosen steps.

use super::Bins;
use super::count::add_counts;

/// A small histogram of the state at each chosen step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Fan {
    pub(crate) stops: Vec<Bins>,
    /// Where each stop's bins begin in `counts`.
    pub(crate) offsets: Vec<usize>,
    pub(crate) counts: Vec<u32>,
    /// Where all stops have the same bins: states that stay, by the first stop that sees them, and those that none sees;
    /// empty once closed.
    pub(crate) standing: Vec<u32>,
}

impl Fan {
    /// Empty, with one set of bins a stop.
    pub(crate) fn new(stops: &[Bins]) -> Self {
        let mut counts = 0;
        let offsets = stops
            .iter()
            .map(|bins| {
                let offset = counts;
                counts += bins.len();
                offset
            })
            .collect();
        let is_even = stops.windows(2).all(|pair| pair[0] == pair[1]);
        let standing = if is_even { vec![0; counts + stops[0].len()] } else { Vec::new() };
        Self { stops: stops.to_vec(), offsets, counts: vec![0; counts], standing }
    }

    /// The state of a path at the `stop`-th chosen step.
    #[inline(always)]
    pub(crate) fn see(&mut self, stop: usize, x: i64) {
        let index = self.offsets[stop] + self.stops[stop].index(x);
        self.counts[index] += 1;
    }

    /// Whether [`Self::stay_each`] may be asked: whether all stops have the same bins.
    #[inline(always)]
    pub(crate) fn lets_stay(&self) -> bool {
        !self.standing.is_empty()
    }

    /// States that no longer change, each from its chosen step of `stops` on: seen once, counted at each. A state may come
    /// after the last.
    #[inline(always)]
    pub(crate) fn stay_each<const N: usize>(&mut self, stops: &[usize; N], states: &[i32; N]) {
        let bins = self.stops[0];
        for (&stop, index) in stops.iter().zip(bins.index_each(states)) {
            let count = &mut self.standing[stop.wrapping_mul(bins.len()).wrapping_add(usize::from(index))];
            *count = count.wrapping_add(1);
        }
    }

    /// Counts what stayed; every shard's last act, so that its tally has one form.
    pub(crate) fn close(&mut self) {
        if self.lets_stay() {
            let bins = self.stops[0].len();
            let mut standing = std::mem::take(&mut self.standing);
            standing.truncate(self.counts.len());
            for at in bins..standing.len() {
                standing[at] = standing[at].wrapping_add(standing[at - bins]);
            }
            add_counts(&mut self.counts, &standing);
        }
    }

    /// The bins of the `stop`-th chosen step.
    #[inline(always)]
    pub(crate) fn bins(&self, stop: usize) -> Bins {
        self.stops[stop]
    }

    /// The states of several paths at the `stop`-th chosen step, by their bins.
    #[inline(always)]
    pub(crate) fn see_each(&mut self, stop: usize, indices: &[u16]) {
        let offset = self.offsets[stop];
        let counts = &mut self.counts[offset..offset + self.stops[stop].len()];
        let mut count = |index: u16| {
            let count = &mut counts[usize::from(index)];
            *count = count.wrapping_add(1);
        };
        let (eights, rest) = indices.as_chunks::<8>();
        for eight in eights {
            for &index in eight {
                count(index);
            }
        }
        for &index in rest {
            count(index);
        }
    }

    /// Adds another fan of the same plan.
    pub(crate) fn merge(&mut self, other: &Self) {
        assert_eq!(self.stops, other.stops, "fans of different plans do not merge");
        add_counts(&mut self.counts, &other.counts);
    }

    /// The state at the `stop`-th step below which `permille` of `paths` paths lie: linear within a bin.
    pub(crate) fn quantile(&self, stop: usize, permille: u64, paths: u64) -> i64 {
        let (bins, offset) = (self.stops[stop], self.offsets[stop]);
        let rank = (permille * paths).div_ceil(1_000).max(1);
        let mut below = 0;
        for (index, &count) in self.counts[offset..offset + bins.len()].iter().enumerate() {
            let count = u64::from(count);
            if below + count >= rank {
                let within = (rank - below) as f64 - 0.5;
                let width = if bins.is_end(index) { 0 } else { bins.width() - 1 };
                return bins.lowest(index) + (width as f64 * within / count as f64).round() as i64;
            }
            below += count;
        }
        bins.lowest(bins.len() - 1)
    }
}
