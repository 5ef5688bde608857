//! The streams of paths that walk side by side: each lane draws what its path's own [`Stream`] would draw.

use super::Stream;
use super::bounded::Bounded;
use super::philox;
use crate::kernel::LANES;

/// One word for each lane.
pub(crate) type Words = [u32; LANES];

/// What lies so that no vector of it crosses the border of two cache lines.
#[derive(Clone, Debug)]
#[repr(align(64))]
struct Aligned<T>(T);

/// [`LANES`] streams, their states side by side so that one instruction moves many.
#[derive(Clone, Debug)]
pub(crate) struct Streams {
    s: [Words; 4],
}

impl Streams {
    /// The streams of `first_path` and the paths after it.
    #[inline(always)]
    pub(crate) fn of_paths(seed: u64, first_path: u64) -> Self {
        let mut s = philox::block_each(seed, first_path);
        let [s0, s1, s2, s3] = &mut s;
        for lane in 0..LANES {
            // As in `Stream::of_path`.
            s0[lane] |= u32::from(s0[lane] | s1[lane] | s2[lane] | s3[lane] == 0);
        }
        Self { s }
    }

    /// The state of a lane's stream.
    #[inline(always)]
    pub(crate) fn lift(&self, lane: usize) -> [u32; 4] {
        self.s.each_ref().map(|words| words[lane])
    }

    /// Puts a stream into a lane.
    #[inline(always)]
    pub(crate) fn put(&mut self, lane: usize, state: [u32; 4]) {
        for (words, word) in self.s.iter_mut().zip(state) {
            words[lane] = word;
        }
    }

    /// The next 32 bits of each.
    #[inline(always)]
    pub(crate) fn next_u32(&mut self) -> Words {
        let [s0, s1, s2, s3] = &mut self.s;
        let mut out = [0; LANES];
        for lane in 0..LANES {
            let (a, b, c, d) = (s0[lane], s1[lane], s2[lane] ^ s0[lane], s3[lane] ^ s1[lane]);
            out[lane] = a.wrapping_add(s3[lane]).rotate_left(7).wrapping_add(a);
            s1[lane] = b ^ c;
            s0[lane] = a ^ d;
            s2[lane] = c ^ (b << 9);
            s3[lane] = d.rotate_left(11);
        }
        out
    }

    /// One draw of each. A lane whose word must be drawn again draws alone, as its path would.
    #[inline(always)]
    pub(crate) fn draw(&mut self, bounded: &Bounded) -> Words {
        let words = self.next_u32();
        let (mut drawn, rejects) = draw_pairs(&words, bounded);
        if any_rejected(&rejects) {
            // By value: a state whose address is known to others would not stay in registers.
            (*self, drawn) = self.clone().draw_again(bounded, words, drawn);
        }
        drawn
    }

    /// Several draws of each: `rows` go into the first place, the draws into the next ones, and the last into `rows`.
    ///
    /// Whether a word must be drawn again is asked once for all; where that happens, all are drawn anew one after the other.
    #[inline(always)]
    pub(crate) fn draw_several(&mut self, bounded: &Bounded, rows: &mut Words, places: &mut [Words]) {
        let before = Aligned((self.clone(), *rows));
        let mut now = Aligned((self.clone(), *rows));
        let mut rejected = [0; LANES / 2];
        let (streams, row) = &mut now.0;
        for place in &mut *places {
            *place = *row;
            let rejects;
            (*row, rejects) = draw_pairs(&streams.next_u32(), bounded);
            for pair in 0..LANES / 2 {
                rejected[pair] |= rejects[pair];
            }
        }
        (*self, *rows) = now.0;
        if any_rejected(&rejected) {
            (*self, *rows) = before.0;
            for place in places {
                *place = *rows;
                *rows = self.draw(bounded);
            }
        }
    }

    #[cold]
    #[inline(never)]
    fn draw_again(mut self, bounded: &Bounded, words: Words, mut drawn: Words) -> (Self, Words) {
        for lane in 0..LANES {
            if bounded.rejects(words[lane].wrapping_mul(bounded.range())) {
                let mut stream = Stream::from_state(self.lift(lane));
                drawn[lane] = bounded.draw(&mut stream);
                self.put(lane, stream.state());
            }
        }
        (self, drawn)
    }
}

/// The bit of what [`draw_pairs`] says of two words that tells whether one of them must be drawn again.
const REJECTED: u64 = 1 << 32;

/// What the words draw, and of two at a time whether they must be drawn again.
///
/// Two words that lie side by side are a word of 64 bits, of which each half is multiplied in its place: a compiler that
/// sees so much needs no shuffles. A product whose lower half is below what is rejected borrows, less that, from its upper.
#[inline(always)]
fn draw_pairs(words: &Words, bounded: &Bounded) -> (Words, [u64; LANES / 2]) {
    const LOWER: u64 = 0xFFFF_FFFF;
    let (range, reject_below) = (u64::from(bounded.range()), u64::from(bounded.reject_below()));
    // SAFETY: any bits are a number, and both arrays have the same size.
    let pairs: [u64; LANES / 2] = unsafe { std::mem::transmute(*words) };
    let (mut drawn, mut rejects) = ([0; LANES / 2], [0; LANES / 2]);
    for pair in 0..LANES / 2 {
        let one = (pairs[pair] & LOWER).wrapping_mul(range);
        let other = (pairs[pair] >> 32).wrapping_mul(range);
        drawn[pair] = (one >> 32) | (other & !LOWER);
        rejects[pair] = (one ^ one.wrapping_sub(reject_below)) | (other ^ other.wrapping_sub(reject_below));
    }
    // SAFETY: the same.
    (unsafe { std::mem::transmute::<[u64; LANES / 2], Words>(drawn) }, rejects)
}

/// Whether [`draw_pairs`] says so of any pair.
#[inline(always)]
fn any_rejected(rejects: &[u64; LANES / 2]) -> bool {
    let mut any = 0;
    for pair in rejects {
        any |= u32::from(pair & REJECTED != 0);
    }
    any != 0
}

#[cfg(test)]
mod tests {
    use super::{Bounded, LANES, Stream, Streams};

    #[test]
    fn each_lane_draws_what_its_path_draws() {
        // A quarter of the words is drawn again below the last range.
        for range in [1, 3, 250, 16_000_000, 3 << 30] {
            let bounded = Bounded::below(range);
            let mut streams = Streams::of_paths(9, u64::from(u32::MAX) - 5);
            let mut alone: Vec<Stream> =
                (0..LANES as u64).map(|lane| Stream::of_path(9, u64::from(u32::MAX) - 5 + lane)).collect();
            for _ in 0..200 {
                let drawn = streams.draw(&bounded);
                for (lane, stream) in alone.iter_mut().enumerate() {
                    assert_eq!(drawn[lane], bounded.draw(stream), "range {range}, lane {lane}");
                }
            }
        }
    }

    #[test]
    fn several_draws_are_one_after_the_other() {
        // A draw of each group is rejected never, in some groups, in all.
        for range in [256, 200_000, 16_000_000, 3 << 30] {
            let bounded = Bounded::below(range);
            let mut streams = Streams::of_paths(9, 5);
            let mut alone = streams.clone();
            let mut rows = streams.draw(&bounded);
            let mut row = alone.draw(&bounded);
            for count in (1..=8).cycle().take(400) {
                let mut places = vec![[0; LANES]; count];
                streams.draw_several(&bounded, &mut rows, &mut places);
                for place in places {
                    assert_eq!(place, row, "range {range}");
                    row = alone.draw(&bounded);
                }
                assert_eq!(rows, row, "range {range}");
            }
        }
    }
}
