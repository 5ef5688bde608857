//! The balance's distribution at the chosen steps.

use super::Bins;
use super::count::add_counts;
use crate::kernel::Watch;

/// A small histogram of the state at each chosen step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Fan {
    stops: Vec<Bins>,
    /// Where each stop's bins begin in `counts`.
    offsets: Vec<usize>,
    counts: Vec<u32>,
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
        Self { stops: stops.to_vec(), offsets, counts: vec![0; counts] }
    }

    /// The states of several paths at the `stop`-th chosen step.
    #[inline(always)]
    pub(crate) fn see_each(&mut self, stop: usize, states: &[i32]) {
        let (bins, offset) = (self.stops[stop], self.offsets[stop]);
        let counts = &mut self.counts[offset..offset + bins.len()];
        let (whole, rest) = states.as_chunks::<16>();
        for states in whole {
            for index in bins.index_each(states) {
                counts[index as usize] = counts[index as usize].wrapping_add(1);
            }
        }
        for &state in rest {
            let index = bins.index(i64::from(state));
            counts[index] = counts[index].wrapping_add(1);
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

impl Watch for Fan {
    #[inline(always)]
    fn see(&mut self, stop: usize, x: i64) {
        let index = self.offsets[stop] + self.stops[stop].index(x);
        self.counts[index] += 1;
    }
}
