//! An exact histogram that keeps each bin's sum, so that a bin with one distinct value gives that value back.

use super::Bins;
use super::count::add_counts;

/// Counts and sums of values, binned by a key that orders them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Histogram {
    pub(crate) bins: Bins,
    pub(crate) counts: Vec<u32>,
    pub(crate) sums: Vec<i128>,
}

/// One bin that holds something.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Filled {
    /// Values in it.
    pub(crate) count: u64,
    /// Their sum.
    pub(crate) sum: i128,
    /// Its lowest and highest key; none for the two end bins.
    pub(crate) keys: Option<(i64, i64)>,
}

impl Filled {
    /// The mean of its values: the value itself where there is one distinct value.
    pub(crate) fn mean(&self) -> f64 {
        let count = i128::from(self.count);
        let (whole, rest) = (self.sum.div_euclid(count), self.sum.rem_euclid(count));
        whole as f64 + rest as f64 / self.count as f64
    }
}

impl Histogram {
    /// Empty.
    pub(crate) fn new(bins: Bins) -> Self {
        Self { bins, counts: vec![0; bins.len()], sums: vec![0; bins.len()] }
    }

    /// Adds `value` to the bin of `key`.
    #[inline(always)]
    pub(crate) fn add(&mut self, key: i64, value: i64) {
        let index = self.bins.index(key);
        self.counts[index] += 1;
        self.sums[index] += i128::from(value);
    }

    /// [`Self::add`] of several, where [`Bins::index_each`] serves the keys.
    #[inline(always)]
    pub(crate) fn add_each<const N: usize>(&mut self, keys: &[i32; N], values: &[i64; N]) {
        for (index, &value) in self.bins.index_each(keys).into_iter().zip(values) {
            self.counts[usize::from(index)] += 1;
            self.sums[usize::from(index)] += i128::from(value);
        }
    }

    /// Adds another histogram of the same bins.
    pub(crate) fn merge(&mut self, other: &Self) {
        assert_eq!(self.bins, other.bins, "histograms of different plans do not merge");
        add_counts(&mut self.counts, &other.counts);
        for (sum, more) in self.sums.iter_mut().zip(&other.sums) {
            *sum += more;
        }
    }

    /// Values in it.
    pub(crate) fn count(&self) -> u64 {
        self.counts.iter().map(|&count| u64::from(count)).sum()
    }

    /// The bins that hold something, lowest first.
    pub(crate) fn filled(&self) -> Vec<Filled> {
        let bins = self.counts.iter().zip(&self.sums).enumerate();
        bins.filter(|(_, (count, _))| **count > 0)
            .map(|(index, (&count, &sum))| Filled {
                count: u64::from(count),
                sum,
                keys: self.bins.keys(index),
            })
            .collect()
    }
}
