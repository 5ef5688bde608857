//! The stationary bootstrap: Politis and Romano, "The stationary bootstrap" (JASA 1994).

use std::hint;

use super::IndexProcess;
use crate::kernel::{LANES, mask};
use crate::random::bounded::Bounded;
use crate::random::{Stream, Streams, Words};

/// Draws are bounded by a 32-bit range, so rows × mean block length stays below it.
pub(crate) const MAX_RANGE: f64 = 4_294_967_295.0;

/// Below this range a draw is refined by a power of two, so that the mean block length is met to 2⁻²⁴ of itself.
const FINE_RANGE: f64 = 16_777_216.0;

/// Blocks of geometric length on the circle of rows; one draw a step.
///
/// A draw `v` is uniform on `0 .. range`. Where `v < rows · 2^shift` the path jumps to row `v >> shift`, else it goes on
/// to the next row: each row is jumped to with probability `2^shift / range` exactly, and the mean block length
/// is `range / (rows · 2^shift)` exactly. That rational is the nearest to the length asked for, so the relative error
/// of the mean block length is at most `1 / (2 · range)`: below 2⁻²⁴ unless the table has fewer than two rows.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Stationary {
    any: Bounded,
    first: Bounded,
    rows: u32,
    range: u32,
    jump_below: u32,
    shift: u32,
}

impl Stationary {
    /// Over `rows` rows with blocks of `length` rows on average; `rows · length` is at most [`MAX_RANGE`].
    pub(crate) fn new(rows: u32, length: f64) -> Self {
        let wanted = f64::from(rows) * length;
        let mut shift = 0;
        while wanted * f64::from(1_u32 << (shift + 1)) <= FINE_RANGE {
            shift += 1;
        }
        let jump_below = rows << shift;
        let range = ((wanted * f64::from(1_u32 << shift)).round() as u32).max(jump_below);
        Self { any: Bounded::below(range), first: Bounded::below(rows), rows, range, jump_below, shift }
    }

    /// The mean block length, in rows, that the integers above give.
    pub(crate) fn length(&self) -> f64 {
        f64::from(self.range) / f64::from(self.jump_below)
    }
}

impl IndexProcess for Stationary {
    #[inline(always)]
    fn first(&self, stream: &mut Stream) -> u32 {
        self.first.draw(stream)
    }

    #[inline(always)]
    fn next(&self, stream: &mut Stream, row: u32, _done: u32) -> u32 {
        let v = self.any.draw(stream);
        let after = row.wrapping_add(1);
        let following = if after == self.rows { 0 } else { after };
        // Whether a block ends is what a predictor cannot know.
        hint::select_unpredictable(v < self.jump_below, v >> self.shift, following)
    }

    #[inline(always)]
    fn first_each(&self, streams: &mut Streams) -> Words {
        streams.draw(&self.first)
    }

    #[inline(always)]
    fn next_each(&self, streams: &mut Streams, rows: &Words, _done: u32) -> Words {
        let drawn = streams.draw(&self.any);
        let mut next = [0; LANES];
        let shift = self.shift & 31;
        for lane in 0..LANES {
            let after = rows[lane].wrapping_add(1);
            let following = after & mask(after != self.rows);
            let v = drawn[lane];
            let jumps = mask(v < self.jump_below);
            next[lane] = ((v >> shift) & jumps) | (following & !jumps);
        }
        next
    }
}

#[cfg(test)]
mod tests {
    use super::Stationary;
    use crate::models::IndexProcess;
    use crate::random::Stream;

    #[test]
    fn meets_the_length_asked_for() {
        for (rows, length) in
            [(1, 1.0), (2, 1.2), (3, 7.0), (250, 3.7), (200_000, 1_341.6), (200_000, 21_000.0)]
        {
            let process = Stationary::new(rows, length);
            let error = (process.length() / length - 1.0).abs();
            assert!(error <= 1.0 / 16_777_216.0, "{rows} rows, length {length}: off by {error}");
        }
        assert_eq!(Stationary::new(40, 5.0).length(), 5.0);
    }

    #[test]
    fn jumps_once_in_a_block_and_else_goes_on_round_the_circle() {
        let process = Stationary::new(5, 4.0);
        let mut stream = Stream::of_path(3, 4);
        let mut row = process.first(&mut stream);
        let (steps, mut followed, mut visits) = (400_000, 0_u32, [0_u32; 5]);
        for _ in 0..steps {
            let next = process.next(&mut stream, row, 1);
            followed += u32::from(next == (row + 1) % 5);
            visits[next as usize] += 1;
            row = next;
        }
        // P(next = following) = 3/4 + 1/4 · 1/5 = 0.8, deviation √(0.16 · 400,000) ≈ 253.
        assert!(followed.abs_diff(320_000) < 1_000, "{followed}");
        assert!(visits.iter().all(|&count| count.abs_diff(80_000) < 2_500), "{visits:?}");
    }
}
