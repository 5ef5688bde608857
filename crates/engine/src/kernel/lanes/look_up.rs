//! What a table holds at the rows that lanes drew: by loads, or by permutations of bytes where the table has few rows.

use super::lane::{LANES, Numbers};
use super::rounds::ROUND;
use crate::instructions::Kind;
use crate::random::Words;

/// Rows that a byte tells apart: the most of a table that permutations serve.
const FEW: usize = 256;

/// One number a row.
#[derive(Clone, Debug)]
pub(super) struct Column {
    /// The numbers, and zeros up to a power of two.
    numbers: Vec<i32>,
    /// The same by bytes, where there are few.
    planes: Option<Box<Planes>>,
}

/// The first, second, third and fourth byte of each number.
#[derive(Clone, Debug)]
#[repr(align(64))]
struct Planes([[u8; FEW]; 4]);

impl Column {
    /// Of the numbers, held within 32 bits.
    pub(super) fn new(numbers: impl Iterator<Item = i64>) -> Self {
        let narrow = |number: i64| number.clamp(i64::from(i32::MIN), i64::from(i32::MAX)) as i32;
        let mut numbers: Vec<i32> = numbers.map(narrow).collect();
        let planes = (numbers.len() <= FEW).then(|| Box::new(Planes::of(&numbers)));
        numbers.resize(numbers.len().next_power_of_two(), 0);
        Self { numbers, planes }
    }

    /// The number of a row.
    pub(super) fn at(&self, row: u32) -> i32 {
        self.numbers[row as usize]
    }

    /// The numbers of the rows drawn for the first `steps` steps of a round.
    #[inline(always)]
    pub(super) fn each(
        &self,
        kind: impl Kind,
        steps: usize,
        drawn: &[Words; ROUND],
        found: &mut [Numbers; ROUND],
    ) {
        #[cfg(target_arch = "x86_64")]
        if let Some(planes) = &self.planes
            && kind.permutes()
        {
            for (drawn, found) in
                drawn.as_chunks::<2>().0.iter().zip(found.as_chunks_mut::<2>().0).take(steps.div_ceil(2))
            {
                // SAFETY: of this kind is only what `Instructions` runs where the machine has the instructions.
                unsafe { permute(planes, drawn.as_flattened(), found.as_flattened_mut()) };
            }
            return;
        }
        let last = self.numbers.len().wrapping_sub(1);
        for (drawn, found) in drawn.iter().zip(found).take(steps) {
            for lane in 0..LANES {
                let row = drawn[lane] as usize & last;
                // SAFETY: the table is not empty, so what is at most its last row is in it.
                found[lane] = unsafe { *self.numbers.get_unchecked(row) };
            }
        }
    }
}

impl Planes {
    fn of(numbers: &[i32]) -> Self {
        let mut planes = [[0; FEW]; 4];
        for (row, number) in numbers.iter().enumerate() {
            for (plane, byte) in planes.iter_mut().zip(number.to_le_bytes()) {
                plane[row] = byte;
            }
        }
        Self(planes)
    }
}

/// Looks up the rows of two steps: they are packed to bytes; of each plane two permutations of 128 bytes give what the
/// rows' lower seven bits mean, and the upper bit chooses; and the planes' bytes are put together again. Packing and
/// putting together work within each 128 bits, so that the one undoes the order of the other.
///
/// # Safety
/// The machine has AVX-512F, BW and VBMI; there are 2 · [`LANES`] `rows`, all below [`FEW`], and as many `found`. (And
/// this is inlined into what is compiled for these instructions, or it is slow.)
#[cfg(target_arch = "x86_64")]
#[inline(always)]
unsafe fn permute(planes: &Planes, rows: &[u32], found: &mut [i32]) {
    use std::arch::x86_64::{
        __m512i, _mm512_load_si512, _mm512_loadu_si512, _mm512_mask_blend_epi8, _mm512_movepi8_mask,
        _mm512_packus_epi16, _mm512_packus_epi32, _mm512_permutex2var_epi8, _mm512_storeu_si512,
        _mm512_unpackhi_epi8, _mm512_unpackhi_epi16, _mm512_unpacklo_epi8, _mm512_unpacklo_epi16,
    };

    const WIDE: usize = 16;
    const { assert!(2 * LANES == 4 * WIDE) };
    // SAFETY: the caller has the instructions, and whole vectors are read and written.
    unsafe {
        let words = |at: usize| _mm512_loadu_si512(rows.as_ptr().add(at * WIDE).cast());
        let low = _mm512_packus_epi32(words(0), words(1));
        let high = _mm512_packus_epi32(words(2), words(3));
        let rows = _mm512_packus_epi16(low, high);
        let is_upper = _mm512_movepi8_mask(rows);
        let part = |plane: usize, at: usize| _mm512_load_si512(planes.0[plane].as_ptr().add(at * 64).cast());
        let plane = |plane: usize| {
            let lower = _mm512_permutex2var_epi8(part(plane, 0), rows, part(plane, 1));
            let upper = _mm512_permutex2var_epi8(part(plane, 2), rows, part(plane, 3));
            _mm512_mask_blend_epi8(is_upper, lower, upper)
        };
        // One by one: what an array's `map` calls is not inlined.
        let (first, second, third, fourth) = (plane(0), plane(1), plane(2), plane(3));
        let (low01, high01) = (_mm512_unpacklo_epi8(first, second), _mm512_unpackhi_epi8(first, second));
        let (low23, high23) = (_mm512_unpacklo_epi8(third, fourth), _mm512_unpackhi_epi8(third, fourth));
        let mut store = |at: usize, numbers: __m512i| {
            _mm512_storeu_si512(found.as_mut_ptr().add(at * WIDE).cast(), numbers);
        };
        store(0, _mm512_unpacklo_epi16(low01, low23));
        store(1, _mm512_unpackhi_epi16(low01, low23));
        store(2, _mm512_unpacklo_epi16(high01, high23));
        store(3, _mm512_unpackhi_epi16(high01, high23));
    }
}

#[cfg(test)]
mod tests {
    use super::{Column, LANES, ROUND};
    use crate::Instructions;
    use crate::instructions::{Kind, Work};

    /// Looks up the rows of a round.
    struct LookUp<'a>(&'a Column, &'a [[u32; LANES]; ROUND], usize, &'a mut [[i32; LANES]; ROUND]);

    impl Work for LookUp<'_> {
        #[inline(always)]
        fn run(self, kind: impl Kind) {
            self.0.each(kind, self.2, self.1, self.3);
        }
    }

    #[test]
    fn finds_what_each_row_holds() {
        let number = |row: u32| i64::from(row.wrapping_mul(2_654_435_761).cast_signed());
        for rows in [1, 2, 127, 128, 129, 250, 256, 257, 4_096] {
            let column = Column::new((0..rows).map(number));
            for steps in 1..=ROUND {
                let drawn = std::array::from_fn(|step| {
                    std::array::from_fn(|lane| (step * 37 + lane * 11) as u32 % rows)
                });
                for kind in Instructions::ALL.into_iter().filter(|kind| kind.are_there()) {
                    let mut found = [[0; LANES]; ROUND];
                    kind.run(LookUp(&column, &drawn, steps, &mut found));
                    let expected = drawn.map(|rows| rows.map(|row| number(row) as i32));
                    assert_eq!(found[..steps], expected[..steps], "{kind:?}, {rows} rows");
                }
            }
        }
        let clamped = Column::new([i64::MIN, -5, i64::MAX].into_iter());
        assert_eq!([0, 1, 2].map(|row| clamped.at(row)), [i32::MIN, -5, i32::MAX]);
    }
}
