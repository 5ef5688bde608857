//! Equal bins over a range of integers.

/// Bins of width `2^shift` from `low` up, one more below them and one above.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Bins {
    low: i64,
    shift: u32,
    inner: u32,
}

impl Bins {
    /// At most `most` bins that cover `low ..= high`, of the smallest width that is a power of two.
    pub(crate) fn spanning(low: i64, high: i64, most: u32) -> Self {
        let span = high - low;
        let mut shift = 0;
        while span >> shift >= i64::from(most) {
            shift += 1;
        }
        Self { low, shift, inner: (span >> shift) as u32 + 1 }
    }

    /// The lowest and the highest key of the inner bins.
    pub(crate) fn range(&self) -> (i64, i64) {
        (self.low, self.low + (i64::from(self.inner) << self.shift) - 1)
    }

    /// Number of bins, the two end bins included.
    pub(crate) fn len(&self) -> usize {
        self.inner as usize + 2
    }

    /// The bin of `key`.
    #[inline(always)]
    pub(crate) fn index(&self, key: i64) -> usize {
        ((key - self.low) >> self.shift).clamp(-1, i64::from(self.inner)).wrapping_add(1) as usize
    }

    /// The bins of keys side by side. Keys and the range are below 2³⁰ in size, as the states of lanes are; there are at
    /// most [`Self::NARROW`] bins.
    #[inline(always)]
    pub(crate) fn index_each<const N: usize>(&self, keys: &[i32; N]) -> [u16; N] {
        let (low, shift, inner) = (self.low as i32, self.shift & 31, self.inner as i32);
        let mut indices = [0; N];
        for (index, key) in indices.iter_mut().zip(keys) {
            *index = (key.wrapping_sub(low) >> shift).min(inner).max(-1).wrapping_add(1) as u16;
        }
        indices
    }

    /// Bins whose indices fit 16 bits, the two end bins included.
    pub(crate) const NARROW: u32 = 1 << 16;

    /// Whether `index` is one of the two end bins.
    pub(crate) fn is_end(&self, index: usize) -> bool {
        index == 0 || index + 1 == self.len()
    }

    /// The lowest and highest key of an inner bin; none for an end bin.
    pub(crate) fn keys(&self, index: usize) -> Option<(i64, i64)> {
        let lowest = self.lowest(index);
        (!self.is_end(index)).then(|| (lowest, lowest + self.width() - 1))
    }

    /// The keys' width of an inner bin.
    pub(crate) fn width(&self) -> i64 {
        1 << self.shift
    }

    /// The lowest key of an inner bin; the range's border for an end bin.
    pub(crate) fn lowest(&self, index: usize) -> i64 {
        self.low + ((index.max(1) as i64 - 1) << self.shift)
    }
}

#[cfg(test)]
mod tests {
    use super::Bins;

    #[test]
    fn cover_their_range_and_catch_the_rest_at_the_ends() {
        let bins = Bins::spanning(-100, 155, 64);
        assert_eq!((bins.width(), bins.len()), (4, 66));
        assert_eq!([-101, -100, -97, -96, 155, 156].map(|key| bins.index(key)), [0, 1, 1, 2, 64, 65]);
        assert_eq!((bins.lowest(1), bins.lowest(64)), (-100, 152));
        assert!(bins.is_end(0) && bins.is_end(65) && !bins.is_end(1) && !bins.is_end(64));
        assert_eq!(Bins::spanning(7, 7, 64).len(), 3);
        assert_eq!(bins.index(crate::scale::RUIN_STEP), 0);
    }
}
