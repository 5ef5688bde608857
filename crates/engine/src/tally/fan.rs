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

    /// Where the states of such `ranks` lie among those at the `stop`-th chosen step; ranks ascend, the lowest state has
    /// rank 1.
    pub(crate) fn at_ranks<const N: usize>(&self, stop: usize, ranks: [u64; N]) -> [Place; N] {
        let (bins, offset) = (self.stops[stop], self.offsets[stop]);
        let counts = &self.counts[offset..offset + bins.len()];
        let (mut index, mut below) = (0, 0);
        ranks.map(|rank| {
            while below + u64::from(counts[index]) < rank && index + 1 < counts.len() {
                below += u64::from(counts[index]);
                index += 1;
            }
            let border = bins.lowest(index);
            let (lowest, highest) = bins.keys(index).unwrap_or((border, border));
            let within = (rank - below) as f64 - 0.5;
            let state =
                lowest + ((highest - lowest) as f64 * within / f64::from(counts[index])).round() as i64;
            Place { lowest, state, highest }
        })
    }
}

/// Where a state lies; an end bin is the range's border.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    /// The lowest key of its bin.
    pub(crate) lowest: i64,
    /// About what it is: linear within its bin.
    pub(crate) state: i64,
    /// The highest key of its bin.
    pub(crate) highest: i64,
}

#[cfg(test)]
mod tests {
    use super::Fan;
    use crate::tally::Bins;

    #[test]
    fn a_rank_has_its_bin_and_its_place_within() {
        // Bins of 4 from 0 to 39: one below them, four of 4 ..= 7, one of 36 ..= 39, two above.
        let mut fan = Fan::new(&[Bins::spanning(0, 31, 64), Bins::spanning(0, 39, 10)]);
        for state in [-9, 4, 4, 7, 6, 39, 40, 900] {
            fan.see(1, state);
        }
        let places = fan.at_ranks(1, [1, 2, 3, 4, 5, 6, 7, 8]);
        let bins = [(0, 0), (4, 7), (4, 7), (4, 7), (4, 7), (36, 39), (40, 40), (40, 40)];
        assert_eq!(places.map(|place| (place.lowest, place.highest)), bins);
        // 4 + 3 · (place − ½) / 4, rounded; one alone is in the middle.
        assert_eq!(places.map(|place| place.state), [0, 4, 5, 6, 7, 38, 40, 40]);
        assert_eq!(fan.at_ranks(1, [3, 3, 7]), [places[2], places[2], places[6]]);
    }
}
