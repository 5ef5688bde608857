//! Whether drawn numbers look drawn: for tests, here and in `models`.

use super::Stream;
use super::bounded::Bounded;

/// The upper 10⁻⁴ quantile of the standard normal distribution.
const Z: f64 = 3.719_016_485;

/// The `z` quantile of χ² with `freedom` degrees: Wilson and Hilferty, "The distribution of chi-square" (PNAS 1931).
fn chi_square_quantile(freedom: f64, z: f64) -> f64 {
    let spread = 2.0 / (9.0 * freedom);
    freedom * (1.0 - spread + z * spread.sqrt()).max(0.0).powi(3)
}

/// Pearson's χ² of counts against shares that add up to 1 lies between its two 10⁻⁴ quantiles: counts that are too even
/// were not drawn either.
pub(crate) fn assert_drawn(counts: &[u64], shares: impl IntoIterator<Item = f64>, what: &str) {
    let total = counts.iter().sum::<u64>() as f64;
    let (mut cells, mut chi_square) = (0_u32, 0.0);
    for (&count, share) in counts.iter().zip(shares) {
        let expected = share * total;
        assert!(expected >= 10.0, "{what}: {expected} expected in a cell are too few for χ²");
        chi_square += (count as f64 - expected).powi(2) / expected;
        cells += 1;
    }
    assert_eq!(cells as usize, counts.len());
    let [low, high] = [-Z, Z].map(|z| chi_square_quantile(f64::from(cells) - 1.0, z));
    assert!(chi_square > low && chi_square < high, "{what}: χ² {chi_square}, not in {low} .. {high}");
}

/// All cells are equally likely.
pub(crate) fn assert_even(values: impl IntoIterator<Item = u32>, cells: u32, what: &str) {
    let mut counts = vec![0_u64; cells as usize];
    values.into_iter().for_each(|value| counts[value as usize] += 1);
    assert_drawn(&counts, counts.iter().map(|_| 1.0 / f64::from(cells)), what);
}

/// All pairs of two numbers below `cells` are equally likely: the serial test of Knuth (TAOCP 2, 3.3.2 B), of pairs that
/// do not overlap.
pub(crate) fn assert_independent(pairs: impl IntoIterator<Item = (u32, u32)>, cells: u32, what: &str) {
    assert_even(pairs.into_iter().map(|(one, other)| one * cells + other), cells * cells, what);
}

/// How long it lasts until something of probability `chance` comes, counted from 0: geometric, the lengths from `longest`
/// on in one cell.
pub(crate) fn assert_geometric(
    lengths: impl IntoIterator<Item = usize>,
    chance: f64,
    longest: usize,
    what: &str,
) {
    let mut counts = vec![0_u64; longest + 1];
    lengths.into_iter().for_each(|length| counts[length.min(longest)] += 1);
    let shares = (0..longest as i32).map(|length| chance * (1.0 - chance).powi(length));
    assert_drawn(&counts, shares.chain([(1.0 - chance).powi(longest as i32)]), what);
}

/// The gap test of Knuth (TAOCP 2, 3.3.2 D): how many of `values`, each below `cells`, lie between two that are 0.
pub(crate) fn assert_gaps(values: impl IntoIterator<Item = u32>, cells: u32, what: &str) {
    let mut gaps = vec![0];
    for value in values {
        if value == 0 {
            gaps.push(0);
        } else {
            *gaps.last_mut().expect("a gap") += 1;
        }
    }
    // The last is not over.
    gaps.pop();
    assert_geometric(gaps, 1.0 / f64::from(cells), 3 * cells as usize, what);
}

/// Two paths whose streams should have nothing to do with each other, as (seed, path): for each number another two.
pub(crate) type Neighbours = fn(u64) -> [(u64, u64); 2];

/// What paths have in common with others: ids in a row, ids that differ in the high word, in the highest bit of the low
/// one, seeds in a row, seeds that differ in the high word, a seed and an id that change places, paths of the
/// weighted histories.
pub(crate) const NEIGHBOURS: [(&str, Neighbours); 7] = [
    ("paths i and i + 1", |i| [(7, 2 * i), (7, 2 * i + 1)]),
    ("paths i and i + 2³²", |i| [(7, i), (7, i + (1 << 32))]),
    ("paths i and i + 2³¹", |i| [(7, i), (7, i + (1 << 31))]),
    ("seeds s and s + 1", |i| [(2 * i, 5), (2 * i + 1, 5)]),
    ("seeds s and s + 2³²", |i| [(i, 5), (i + (1 << 32), 5)]),
    ("seed s of path i and seed i of path s", |i| [(i, i + 1_000_000), (i + 1_000_000, i)]),
    ("paths i and i + 2⁴⁸", |i| [(7, i), (7, i + (1 << 48))]),
];

#[test]
fn the_quantiles_are_the_tabled_ones() {
    // The 95 %, 99 % and 99.99 % quantiles; the approximation is within 2 % for 10 degrees and more.
    for (freedom, z, tabled) in
        [(10.0, 1.644_854, 18.307), (100.0, 2.326_348, 135.807), (10.0, Z, 35.564), (255.0, 0.0, 254.334)]
    {
        let seen = chi_square_quantile(freedom, z);
        assert!((seen / tabled - 1.0).abs() < 0.02, "{freedom}: {seen} is not {tabled}");
    }
}

#[test]
fn words_fill_every_byte_evenly() {
    for byte in 0..4 {
        let mut stream = Stream::of_path(11, 12);
        let within = (0..200_000).map(|_| stream.next_u32() >> (8 * byte) & 255);
        assert_even(within, 256, "a byte within a path");
        let first = (0..200_000).map(|path| Stream::of_path(11, path).next_u32() >> (8 * byte) & 255);
        assert_even(first, 256, "a byte of the first words of paths");
    }
}

/// In sixteen parts and, within each, by the rest of a division by 3: of 2³² words for a range of 3 · 2³⁰, a remainder would
/// fill the lowest part twice and a product without rejection every third number.
#[test]
fn a_range_that_words_do_not_fill_is_filled_evenly() {
    let range = 3 << 30;
    let bounded = Bounded::below(range);
    let mut stream = Stream::of_path(13, 14);
    let cells = (0..200_000).map(|_| {
        let drawn = bounded.draw(&mut stream);
        3 * (drawn / (range / 16)) + drawn % 3
    });
    assert_even(cells, 48, "3 · 2³⁰");
}
