//! Whether the rows that paths draw are drawn: evenly, independently, in blocks of the length asked for.

use super::{Iid, IndexProcess, Stationary};
use crate::random::Stream;
use crate::random::statistics::{
    NEIGHBOURS, assert_drawn, assert_even, assert_gaps, assert_geometric, assert_independent,
};

/// Rows done: these processes do not ask.
const ANY: u32 = 1;

/// Counts of rows: few, powers of two, primes, and those of common histories.
const ROWS: [u32; 8] = [2, 3, 7, 64, 250, 1_009, 1_024, 4_096];

/// The first `count` rows of a path.
fn rows(process: &impl IndexProcess, (seed, path): (u64, u64), count: usize) -> Vec<u32> {
    let mut stream = Stream::of_path(seed, path);
    let first = process.first(&mut stream);
    let after = |row: &u32| Some(process.next(&mut stream, *row, ANY));
    std::iter::successors(Some(first), after).take(count).collect()
}

/// The blocks of a path whose ends can be seen, as (rows, leap): a block of which the next one goes on where it ended
/// cannot be told from one long block. The leap, from the row that would have followed to the row that did, is one of
/// `1 .. rows`, all equally likely.
fn blocks(rows_in_all: u32, path: &[u32]) -> Vec<(usize, u32)> {
    let mut blocks = Vec::new();
    let mut length = 1;
    for pair in path.windows(2) {
        let leap = (pair[1] + rows_in_all - (pair[0] + 1) % rows_in_all) % rows_in_all;
        if leap == 0 {
            length += 1;
        } else {
            blocks.push((length, leap));
            length = 1;
        }
    }
    blocks
}

/// The chance that a step begins a block and that it is seen.
fn chance_seen(rows: u32, length: f64) -> f64 {
    (1.0 - 1.0 / f64::from(rows)) / length
}

fn pairs<T: Copy>(values: &[T]) -> impl Iterator<Item = (T, T)> {
    values.chunks_exact(2).map(|pair| (pair[0], pair[1]))
}

#[test]
fn every_row_is_drawn_as_often_as_any() {
    for count in ROWS {
        let process = Iid::new(count);
        let what = format!("{count} rows");
        assert_even(rows(&process, (1, 2), 200_000), count, &what);
        assert_even((0..3_125).flat_map(|path| rows(&process, (1, path), 64)), count, &what);
        // Of a path its first row alone, and its 20th alone.
        assert_even((0..200_000).map(|path| rows(&process, (2, path), 1)[0]), count, &what);
        if count < 1_000 {
            assert_even((0..20_000).map(|path| rows(&process, (2, path), 20)[19]), count, &what);
        }
    }
}

#[test]
fn a_row_says_nothing_of_the_next() {
    for count in [2, 3, 16, 31] {
        let (process, what) = (Iid::new(count), format!("{count} rows"));
        assert_independent(pairs(&rows(&process, (3, 4), 400_000)), count, &what);
        assert_gaps(rows(&process, (5, 6), 400_000), count, &what);
        // The first rows of paths in a row.
        let first: Vec<u32> = (0..200_000).map(|path| rows(&process, (7, path), 1)[0]).collect();
        assert_independent(pairs(&first), count, &what);
        assert_gaps(first, count, &what);
    }
}

#[test]
fn a_path_says_nothing_of_its_neighbours() {
    for (what, neighbours) in NEIGHBOURS {
        for count in [16, 31] {
            let process = Iid::new(count);
            let together = |draws: usize| {
                move |i: u64| {
                    let [one, other] = neighbours(i).map(|path| rows(&process, path, draws));
                    one.into_iter().zip(other)
                }
            };
            assert_independent((0..10_000).flat_map(together(12)), count, what);
            // As far as the beginnings go, for there a weak seeding would show.
            assert_independent((0..60_000).flat_map(together(1)), count, what);
            // One draw late: a stream that runs behind another.
            let late = (0..30_000).map(|i| {
                let [one, other] = neighbours(i).map(|path| rows(&process, path, 2));
                (one[1], other[0])
            });
            assert_independent(late, count, what);
        }
    }
}

#[test]
fn blocks_are_geometric_with_the_length_asked_for() {
    for (count, length, longest) in [(7, 2.0, 12), (64, 3.7, 24), (250, 5.0, 35), (1_009, 12.5, 80)] {
        let process = Stationary::new(count, length);
        let what = format!("{count} rows, blocks of {length}");
        let path = rows(&process, (8, 9), (100_000.0 * length) as usize);
        let within = blocks(count, &path).into_iter().map(|(length, _)| length - 1);
        assert_geometric(within, chance_seen(count, length), longest, &what);
        // The first block of each path that is long enough to see nearly every one of them end.
        let first = (0..20_000).map(|id| {
            let path = rows(&process, (8, id), longest + 2);
            blocks(count, &path).first().map_or(longest, |&(length, _)| length - 1)
        });
        assert_geometric(first, chance_seen(count, length), (4.0 * length) as usize, &what);
    }
}

#[test]
fn blocks_begin_anywhere_and_say_nothing_of_the_next() {
    for (count, length) in [(3, 2.0), (17, 2.0), (101, 3.7), (128, 5.0)] {
        let process = Stationary::new(count, length);
        let what = format!("{count} rows, blocks of {length}");
        let path = rows(&process, (10, 11), (400_000.0 * length) as usize);
        let seen = blocks(count, &path);
        // Where blocks begin; every row also comes as often as any, which dependent steps make less even.
        let mut row = path[0];
        let begins = seen.iter().map(|&(length, leap)| {
            row = (row + length as u32 % count + leap) % count;
            row
        });
        assert_even(begins, count, &what);
        let leaps: Vec<u32> = seen.iter().map(|&(_, leap)| leap - 1).collect();
        assert_even(leaps.iter().copied(), count - 1, &what);
        assert_independent(pairs(&leaps), count - 1, &what);
        // How long a block is, against the next: lengths of one row, of two, and longer ones.
        let class = |length: usize| length.min(3) - 1;
        let mut table = [0_u64; 9];
        for ((one, _), (next, _)) in pairs(&seen) {
            table[3 * class(one) + class(next)] += 1;
        }
        let chance = chance_seen(count, length);
        let share = [chance, chance * (1.0 - chance), (1.0 - chance).powi(2)];
        assert_drawn(&table, (0..9).map(|cell| share[cell / 3] * share[cell % 3]), &what);
    }
}

#[test]
fn blocks_of_a_path_say_nothing_of_its_neighbours() {
    let (count, length) = (17, 2.0);
    let process = Stationary::new(count, length);
    for (what, neighbours) in NEIGHBOURS {
        let leaps = (0..20_000).flat_map(|i| {
            let [one, other] = neighbours(i).map(|path| blocks(count, &rows(&process, path, 60)));
            // Whether a path has so many depends on lengths alone.
            one.into_iter().zip(other).take(8).map(|((_, one), (_, other))| (one - 1, other - 1))
        });
        assert_independent(leaps, count - 1, what);
        let firsts = (0..60_000).map(|i| {
            let [one, other] = neighbours(i).map(|path| rows(&process, path, 1)[0]);
            (one, other)
        });
        assert_independent(firsts, count, what);
    }
}

/// A table so large and blocks so long that a draw's range is three quarters of all words.
#[test]
fn long_blocks_of_a_large_table_break_off_as_often_as_asked() {
    let (count, length) = (200_000, 16_106.127_36);
    let process = Stationary::new(count, length);
    let mut stream = Stream::of_path(12, 13);
    let mut row = process.first(&mut stream);
    let (steps, mut seen) = (20_000_000_u32, 0_u32);
    for _ in 0..steps {
        let next = process.next(&mut stream, row, ANY);
        seen += u32::from(next != (row + 1) % count);
        row = next;
    }
    let chance = chance_seen(count, length);
    let expected = f64::from(steps) * chance;
    assert!((f64::from(seen) - expected).abs() < 3.0 * expected.sqrt(), "{seen} is not {expected}");
}
