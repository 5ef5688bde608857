//! The circular block bootstrap: Politis and Romano, "A circular block-resampling procedure for stationary data" (in LePage and
//! Billard, eds., Exploring the Limits of Bootstrap, 1992).

use super::IndexProcess;
use crate::kernel::{LANES, mask};
use crate::random::bounded::Bounded;
use crate::random::{Stream, Streams, Words};

/// Blocks of one length on the circle of rows, one draw a block. All paths are at the same place in their blocks, so the
/// step alone says where blocks end.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Circular {
    first: Bounded,
    rows: u32,
    length: u32,
}

impl Circular {
    /// Over `rows` rows with blocks of `length` rows, at least one.
    pub(crate) fn new(rows: u32, length: u32) -> Self {
        Self { first: Bounded::below(rows), rows, length }
    }

    /// The block length that is best for it where `stationary` is for the stationary bootstrap, in whole rows: its estimate
    /// varies 4/3 for 2, so its blocks are `(3/2)^(1/3)` times as long (Patton, Politis & White 2009).
    pub(crate) fn length_for(stationary: f64, rows: u32) -> f64 {
        if stationary == 1.0 {
            return 1.0;
        }
        let most = f64::from(rows / 3).max(1.0);
        (stationary * libm::cbrt(1.5)).round().clamp(1.0, most)
    }
}

impl IndexProcess for Circular {
    #[inline(always)]
    fn first(&self, stream: &mut Stream) -> u32 {
        self.first.draw(stream)
    }

    #[inline(always)]
    fn next(&self, stream: &mut Stream, row: u32, done: u32) -> u32 {
        if done.is_multiple_of(self.length) {
            return self.first.draw(stream);
        }
        let after = row.wrapping_add(1);
        if after == self.rows { 0 } else { after }
    }

    #[inline(always)]
    fn first_each(&self, streams: &mut Streams) -> Words {
        streams.draw(&self.first)
    }

    #[inline(always)]
    fn next_each(&self, streams: &mut Streams, rows: &Words, done: u32) -> Words {
        if done.is_multiple_of(self.length) {
            return streams.draw(&self.first);
        }
        let mut next = [0; LANES];
        for lane in 0..LANES {
            let after = rows[lane].wrapping_add(1);
            next[lane] = after & mask(after != self.rows);
        }
        next
    }
}

#[cfg(test)]
mod tests {
    use super::Circular;
    use crate::models::IndexProcess;
    use crate::random::Stream;

    #[test]
    fn goes_on_round_the_circle_and_jumps_at_the_end_of_each_block() {
        let process = Circular::new(50, 3);
        let mut stream = Stream::of_path(3, 4);
        let mut row = process.first(&mut stream);
        let (mut jumps, mut visits) = (0_u32, [0_u32; 50]);
        for done in 1..=300_000 {
            let next = process.next(&mut stream, row, done);
            if done % 3 == 0 {
                jumps += u32::from(next != (row + 1) % 50);
            } else {
                assert_eq!(next, (row + 1) % 50);
            }
            visits[next as usize] += 1;
            row = next;
        }
        // 49 of 50 jumps lead elsewhere: 98,000 of 100,000, deviation 44. Visits 6,000 each, in blocks of 3: deviation below 140.
        assert!(jumps.abs_diff(98_000) < 140, "{jumps}");
        assert!(visits.iter().all(|&count| count.abs_diff(6_000) < 600), "{visits:?}");
    }

    #[test]
    fn the_length_that_suits_it() {
        assert_eq!(Circular::length_for(1.0, 90), 1.0);
        assert_eq!(Circular::length_for(4.0, 90), 5.0, "4 · 1.1447 = 4.58");
        assert_eq!(Circular::length_for(30.0, 90), 30.0);
    }
}
