//! What a table holds at the rows of all lanes, the slowest part of a step: loads one by one, or a table in registers.

use super::lane::{LANES, Numbers};
use crate::random::Words;

/// Rows of a table that lies in registers.
pub(super) const ROWS: usize = 256;

/// A table, and a way to look up in it.
pub(super) trait LookUp: Copy {
    /// What it holds at `rows`.
    fn at(self, rows: &Words) -> Numbers;
}

/// A table of any length that is a power of two.
#[derive(Clone, Copy)]
pub(super) struct Loaded<'a>(pub(super) &'a [i32]);

impl LookUp for Loaded<'_> {
    #[inline(always)]
    fn at(self, rows: &Words) -> Numbers {
        let last = self.0.len().wrapping_sub(1);
        let mut found = [0; LANES];
        for lane in 0..LANES {
            let row = rows[lane] as usize & last;
            // SAFETY: the table is not empty, so what is at most its last row is in it.
            found[lane] = unsafe { *self.0.get_unchecked(row) };
        }
        found
    }
}

/// A table of [`ROWS`] rows for AVX-512.
#[cfg(target_arch = "x86_64")]
#[derive(Clone, Copy)]
pub(super) struct Permuted<'a>(&'a [i32; ROWS]);

#[cfg(target_arch = "x86_64")]
impl<'a> Permuted<'a> {
    /// # Safety
    /// The machine has AVX-512F.
    #[inline(always)]
    pub(super) unsafe fn new(table: &'a [i32; ROWS]) -> Self {
        Self(table)
    }
}

#[cfg(target_arch = "x86_64")]
impl LookUp for Permuted<'_> {
    #[inline(always)]
    fn at(self, rows: &Words) -> Numbers {
        // SAFETY: whoever made it knew that the machine has the instructions.
        unsafe { permuted(self.0, rows) }
    }
}

/// A table of 256 rows: a permutation finds a row among 32, and its upper three bits choose among eight of them.
///
/// # Safety
/// The machine has AVX-512F. (And this is inlined into what is compiled for it, or it is slow.)
#[cfg(target_arch = "x86_64")]
#[inline(always)]
unsafe fn permuted(table: &[i32; ROWS], rows: &Words) -> Numbers {
    use std::arch::x86_64::{
        _mm512_loadu_si512, _mm512_mask_blend_epi32, _mm512_permutex2var_epi32, _mm512_set1_epi32,
        _mm512_storeu_si512, _mm512_test_epi32_mask,
    };

    const WIDE: usize = 16;
    let mut found = [0; LANES];
    for (found, rows) in found.as_chunks_mut::<WIDE>().0.iter_mut().zip(rows.as_chunks::<WIDE>().0) {
        // SAFETY: the caller has the instructions; loads and stores are of whole chunks.
        unsafe {
            let rows = _mm512_loadu_si512(rows.as_ptr().cast());
            let bit = |bit| _mm512_test_epi32_mask(rows, _mm512_set1_epi32(bit));
            let (bit5, bit6, bit7) = (bit(32), bit(64), bit(128));
            let part = |at: usize| _mm512_loadu_si512(table.as_chunks::<WIDE>().0[at].as_ptr().cast());
            let of32 = |at: usize| _mm512_permutex2var_epi32(part(2 * at), rows, part(2 * at + 1));
            let of64 = |at: usize| _mm512_mask_blend_epi32(bit5, of32(2 * at), of32(2 * at + 1));
            let of128 = |at: usize| _mm512_mask_blend_epi32(bit6, of64(2 * at), of64(2 * at + 1));
            let of256 = _mm512_mask_blend_epi32(bit7, of128(0), of128(1));
            _mm512_storeu_si512(found.as_mut_ptr().cast(), of256);
        }
    }
    found
}
