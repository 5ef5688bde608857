//! xoshiro128++ 1.0: Blackman and Vigna, "Scrambled linear pseudorandom number generators" (ACM TOMS 2021).

use super::philox;

/// The stream of one path.
#[derive(Clone, Debug)]
pub(crate) struct Stream {
    s: [u32; 4],
}

impl Stream {
    /// The stream of `path` under `seed`: its state is the Philox block at counter `path`, key `seed`.
    pub(crate) fn of_path(seed: u64, path: u64) -> Self {
        let s = philox::block([path as u32, (path >> 32) as u32, 0, 0], [seed as u32, (seed >> 32) as u32]);
        // An all-zero state would stay zero for ever; it is one block in 2¹²⁸.
        if s == [0; 4] { Self { s: [1, 0, 0, 0] } } else { Self { s } }
    }

    /// The stream that goes on from `s`, which is not all zero.
    pub(super) fn from_state(s: [u32; 4]) -> Self {
        Self { s }
    }

    /// What it goes on from.
    pub(super) fn state(&self) -> [u32; 4] {
        self.s
    }

    /// The next 32 bits.
    #[inline(always)]
    pub(crate) fn next_u32(&mut self) -> u32 {
        let s = &mut self.s;
        let out = s[0].wrapping_add(s[3]).rotate_left(7).wrapping_add(s[0]);
        let t = s[1] << 9;
        s[2] ^= s[0];
        s[3] ^= s[1];
        s[1] ^= s[2];
        s[0] ^= s[3];
        s[2] ^= t;
        s[3] = s[3].rotate_left(11);
        out
    }
}

#[cfg(test)]
mod tests {
    use super::Stream;

    #[test]
    fn gives_the_reference_sequence() {
        let mut stream = Stream { s: [1, 2, 3, 4] };
        let drawn: Vec<u32> = (0..4).map(|_| stream.next_u32()).collect();
        assert_eq!(drawn, [641, 1_573_767, 3_222_811_527, 3_517_856_514]);
    }

    #[test]
    fn differs_by_path_and_by_seed() {
        let first = |seed, path| Stream::of_path(seed, path).next_u32();
        assert_eq!(first(7, 9), first(7, 9));
        assert_ne!(first(7, 9), first(7, 10));
        assert_ne!(first(7, 9), first(8, 9));
        assert_ne!(first(7, 9), first(7, 9 + (1 << 32)));
        assert_ne!(first(7, 9), first(7 + (1 << 32), 9));
    }
}
