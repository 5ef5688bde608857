//! Bounded draws without bias: Lemire, "Fast random integer generation in an interval" (ACM TOMACS 2019).

use super::Stream;

/// The integers `0 .. range`, equally likely, exactly.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Bounded {
    range: u32,
    /// `2³² mod range`: products whose low half is below it are drawn again.
    reject_below: u32,
}

impl Bounded {
    /// Draws below `range`, which is at least 1.
    pub(crate) fn below(range: u32) -> Self {
        assert!(range > 0, "an empty range has nothing to draw");
        Self { range, reject_below: range.wrapping_neg() % range }
    }

    /// The number of integers.
    #[inline(always)]
    pub(super) fn range(&self) -> u32 {
        self.range
    }

    /// See [`Self::rejects`].
    #[inline(always)]
    pub(super) fn reject_below(&self) -> u32 {
        self.reject_below
    }

    /// Whether a word is drawn again, by the low half of its product with the range.
    #[inline(always)]
    pub(super) fn rejects(&self, low: u32) -> bool {
        low < self.reject_below
    }

    /// One draw.
    #[inline(always)]
    pub(crate) fn draw(&self, stream: &mut Stream) -> u32 {
        loop {
            let product = u64::from(stream.next_u32()) * u64::from(self.range);
            if !self.rejects(product as u32) {
                return (product >> 32) as u32;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Bounded;
    use crate::random::Stream;

    #[test]
    fn rejects_exactly_the_remainder() {
        for range in [1, 2, 3, 7, 1_000, 1 << 20, 3_000_000_000, u32::MAX] {
            let expected = ((1_u64 << 32) % u64::from(range)) as u32;
            assert_eq!(Bounded::below(range).reject_below, expected, "{range}");
        }
    }

    #[test]
    fn a_quarter_of_the_words_is_drawn_again_where_the_range_asks_for_it() {
        // Of four words in a row three stay: without rejection a draw would be a multiple of 3 half of the time.
        let mut stream = Stream::of_path(5, 6);
        let bounded = Bounded::below(3 << 30);
        let multiples = (0..90_000).filter(|_| bounded.draw(&mut stream).is_multiple_of(3)).count();
        assert!(multiples.abs_diff(30_000) < 600, "{multiples}");
    }

    #[test]
    fn fills_a_range_evenly() {
        let mut stream = Stream::of_path(1, 2);
        let bounded = Bounded::below(3);
        let mut counts = [0_u32; 3];
        for _ in 0..300_000 {
            counts[bounded.draw(&mut stream) as usize] += 1;
        }
        // Standard deviation of one count: √(300,000 · 2/9) ≈ 258.
        assert!(counts.iter().all(|&count| count.abs_diff(100_000) < 1_000), "{counts:?}");
    }
}
