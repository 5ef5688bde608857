//! The streams of paths that walk side by side: each lane draws what its path's own [`Stream`] would draw.

use super::Stream;
use super::bounded::Bounded;
use crate::kernel::LANES;

/// One word for each lane.
pub(crate) type Words = [u32; LANES];

/// [`LANES`] streams, their states side by side so that one instruction moves many.
#[derive(Clone, Debug)]
pub(crate) struct Streams {
    s: [Words; 4],
}

impl Streams {
    /// The streams of `first_path` and the paths after it.
    #[inline(always)]
    pub(crate) fn of_paths(seed: u64, first_path: u64) -> Self {
        let mut s = [[0; LANES]; 4];
        for lane in 0..LANES {
            let state = Stream::of_path(seed, first_path + lane as u64).state();
            for (words, word) in s.iter_mut().zip(state) {
                words[lane] = word;
            }
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
    fn next_u32(&mut self) -> Words {
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
        let mut drawn = [0; LANES];
        let mut rejected = 0;
        for lane in 0..LANES {
            let product = u64::from(words[lane]).wrapping_mul(u64::from(bounded.range()));
            drawn[lane] = (product >> 32) as u32;
            rejected |= u32::from(bounded.rejects(product as u32));
        }
        if rejected != 0 {
            // By value: a state whose address is known to others would not stay in registers.
            (*self, drawn) = self.clone().draw_again(bounded, words, drawn);
        }
        drawn
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
}
