//! Philox4x32-10: Salmon, Moraes, Dror and Shaw, "Parallel random numbers: as easy as 1, 2, 3" (SC 2011).

use super::Words;
use crate::kernel::LANES;

const MULTIPLIERS: [u32; 2] = [0xD251_1F53, 0xCD9E_8D57];
const WEYL: [u32; 2] = [0x9E37_79B9, 0xBB67_AE85];
const ROUNDS: u32 = 10;

/// The block of four words at `counter` under `key`.
pub(super) fn block(mut counter: [u32; 4], mut key: [u32; 2]) -> [u32; 4] {
    for round in 0..ROUNDS {
        if round > 0 {
            key = [key[0].wrapping_add(WEYL[0]), key[1].wrapping_add(WEYL[1])];
        }
        let (high0, low0) = multiply(MULTIPLIERS[0], counter[0]);
        let (high1, low1) = multiply(MULTIPLIERS[1], counter[2]);
        counter = [high1 ^ counter[1] ^ key[0], low1, high0 ^ counter[3] ^ key[1], low0];
    }
    counter
}

/// [`block`] of [`LANES`] paths in a row, from `first_path` on: words by lanes.
#[inline(always)]
pub(super) fn block_each(seed: u64, first_path: u64) -> [Words; 4] {
    let mut counter = [[0; LANES]; 4];
    let [low, high, ..] = &mut counter;
    for lane in 0..LANES {
        let path = first_path.wrapping_add(lane as u64);
        (low[lane], high[lane]) = (path as u32, (path >> 32) as u32);
    }
    let mut key = [seed as u32, (seed >> 32) as u32];
    for _ in 0..ROUNDS {
        let [c0, c1, c2, c3] = &mut counter;
        for lane in 0..LANES {
            let (high0, low0) = multiply(MULTIPLIERS[0], c0[lane]);
            let (high1, low1) = multiply(MULTIPLIERS[1], c2[lane]);
            (c0[lane], c1[lane]) = (high1 ^ c1[lane] ^ key[0], low1);
            (c2[lane], c3[lane]) = (high0 ^ c3[lane] ^ key[1], low0);
        }
        key = [key[0].wrapping_add(WEYL[0]), key[1].wrapping_add(WEYL[1])];
    }
    counter
}

#[inline(always)]
fn multiply(a: u32, b: u32) -> (u32, u32) {
    let product = u64::from(a).wrapping_mul(u64::from(b));
    ((product >> 32) as u32, product as u32)
}

#[cfg(test)]
mod tests {
    use super::{block, block_each};

    #[test]
    fn gives_each_path_its_own_block() {
        for first in [0, 7, u64::from(u32::MAX) - 9, u64::MAX - 40] {
            let blocks = block_each(11 << 33 | 5, first);
            for lane in 0..crate::kernel::LANES {
                let path = first + lane as u64;
                let expected = block([path as u32, (path >> 32) as u32, 0, 0], [5, 22]);
                assert_eq!(blocks.map(|words| words[lane]), expected, "{path}");
            }
        }
    }

    #[test]
    fn gives_the_published_known_answers() {
        assert_eq!(block([0; 4], [0; 2]), [0x6627_e8d5, 0xe169_c58d, 0xbc57_ac4c, 0x9b00_dbd8]);
        assert_eq!(block([u32::MAX; 4], [u32::MAX; 2]), [0x408f_276d, 0x41c8_3b0e, 0xa20b_c7c6, 0x6d54_51fd]);
        assert_eq!(
            block([0x243f_6a88, 0x85a3_08d3, 0x1319_8a2e, 0x0370_7344], [0xa409_3822, 0x299f_31d0]),
            [0xd16c_fe09, 0x94fd_cceb, 0x5001_e420, 0x2412_6ea1]
        );
    }
}
