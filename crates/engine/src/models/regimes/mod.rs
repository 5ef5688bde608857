//! Two regimes that take turns: rows are drawn by the state of a hidden Markov chain fitted to the history (`hidden`),
//! each as often as the history says that it belongs to that state.

mod alias;
mod hidden;

use alias::{Column, columns};
pub(crate) use hidden::{FittedChain, Hidden};

use super::IndexProcess;
use crate::kernel::{LANES, mask};
use crate::random::bounded::Bounded;
use crate::random::{Stream, Streams, Words};

/// Rows of the history twice: `0 .. rows` in the first state, `rows .. 2 · rows` in the second, so that a row says the state
/// as well. The next state and its row are one draw from a table for each state.
#[derive(Clone, Debug)]
pub(crate) struct Regimes {
    any: Bounded,
    rows: u32,
    /// Two columns a row for the first row of a path, then as many for those after a row in the first state, then in the
    /// second.
    columns: Vec<Column>,
}

/// The tables of [`Regimes::columns`].
const FIRST: u32 = 0;
const AFTER: u32 = 1;

impl Regimes {
    /// The chain that `fitted` found, from the state after the history's last row. Each row, and each step from it to the next,
    /// counts `weights` times: those of the history itself are all 1.
    pub(crate) fn new(fitted: &FittedChain, weights: &[f64]) -> Self {
        let seen = &fitted.seen;
        let least = 1.0 / weights.len() as f64;
        let mut leaves = fitted.hidden.leaves;
        let mut masses = [0.0; 2];
        for state in [0, 1] {
            let weighted = |of: &[[f64; 2]]| {
                of.iter().zip(weights).map(|(chances, weight)| weight * chances[state]).sum::<f64>()
            };
            masses[state] = weighted(&seen.states);
            let before_last = weighted(&seen.states[..seen.leaves.len()]);
            if before_last > 0.0 {
                leaves[state] = (weighted(&seen.leaves) / before_last).clamp(least, 1.0 - least);
            }
        }
        let hidden = Hidden { leaves, ..fitted.hidden };
        let by_row = |chances: [f64; 2]| {
            let of = |state: usize| {
                // A state that no row is in cannot be drawn from.
                let each = if masses[state] > 0.0 { chances[state] / masses[state] } else { 0.0 };
                seen.states.iter().zip(weights).map(move |(states, weight)| each * weight * states[state])
            };
            columns(&of(0).chain(of(1)).collect::<Vec<_>>())
        };
        let states = [hidden.after(seen.last), hidden.after([1.0, 0.0]), hidden.after([0.0, 1.0])];
        let rows = weights.len() as u32;
        Self { any: Bounded::below(2 * rows), rows, columns: states.into_iter().flat_map(by_row).collect() }
    }

    /// The table that follows a row.
    #[inline(always)]
    fn table_after(&self, row: u32) -> u32 {
        AFTER.wrapping_add(u32::from(row >= self.rows))
    }

    /// By a column and a word.
    #[inline(always)]
    fn drawn(&self, table: u32, column: u32, word: u32) -> u32 {
        let at = table.wrapping_mul(self.rows).wrapping_mul(2).wrapping_add(column);
        let Column { below, other } = self.columns[at as usize];
        let stays = mask(word < below);
        (column & stays) | (other & !stays)
    }

    #[inline(always)]
    fn draw(&self, stream: &mut Stream, table: u32) -> u32 {
        let column = self.any.draw(stream);
        self.drawn(table, column, stream.next_u32())
    }
}

impl IndexProcess for Regimes {
    #[inline(always)]
    fn first(&self, stream: &mut Stream) -> u32 {
        self.draw(stream, FIRST)
    }

    #[inline(always)]
    fn next(&self, stream: &mut Stream, row: u32, _done: u32) -> u32 {
        self.draw(stream, self.table_after(row))
    }

    #[inline(always)]
    fn first_each(&self, streams: &mut Streams) -> Words {
        let (columns, words) = (streams.draw(&self.any), streams.next_u32());
        std::array::from_fn(|lane| self.drawn(FIRST, columns[lane], words[lane]))
    }

    #[inline(always)]
    fn next_each(&self, streams: &mut Streams, rows: &Words, _done: u32) -> Words {
        let (columns, words) = (streams.draw(&self.any), streams.next_u32());
        let mut next = [0; LANES];
        for lane in 0..LANES {
            next[lane] = self.drawn(self.table_after(rows[lane]), columns[lane], words[lane]);
        }
        next
    }
}

#[cfg(test)]
mod tests {
    use super::hidden::Seen;
    use super::{AFTER, Column, FittedChain, Hidden, Regimes};
    use crate::models::IndexProcess;
    use crate::random::Stream;
    use crate::random::statistics::assert_drawn;

    /// Five rows that say little of their states; the step before the last row left the first state half of the time.
    fn chain() -> FittedChain {
        let states = vec![[1.0, 0.0], [0.75, 0.25], [0.5, 0.5], [0.25, 0.75], [0.0, 1.0]];
        let leaves = vec![[0.25, 0.0], [0.25, 0.0], [0.25, 0.0], [0.25, 0.0]];
        FittedChain {
            mean: 0.0,
            deviation: 1.0,
            hidden: Hidden { means: [0.0; 2], deviations: [1.0; 2], leaves: [0.4, 0.2], first: [0.5; 2] },
            seen: Seen { log_likelihood: 0.0, states, leaves, last: [0.1, 0.9] },
            log_likelihood_gain: 0.0,
            bic_gain: 0.0,
            bic_gain_over_mixture: 0.0,
        }
    }

    #[test]
    fn rows_and_states_come_as_often_as_the_chain_says() {
        // Leaves of 1 in 2.5 rows, and bounded below by 1 / 5 where none was seen.
        let leaves = [0.4, 0.2];
        let process = Regimes::new(&chain(), &[1.0; 5]);
        let rows = [[0.4, 0.3, 0.2, 0.1, 0.0], [0.0, 0.1, 0.2, 0.3, 0.4]];
        // The state after a row in the first, in the second, and after the history.
        let mut counts = [[0_u64; 10]; 3];
        let mut stream = Stream::of_path(3, 4);
        let mut row = process.first(&mut stream);
        for _ in 0..600_000 {
            let next = process.next(&mut stream, row, 1);
            counts[usize::from(row >= 5)][next as usize] += 1;
            row = next;
        }
        for path in 0..300_000 {
            counts[2][process.first(&mut Stream::of_path(5, path)) as usize] += 1;
        }
        let states = [[1.0 - leaves[0], leaves[0]], [leaves[1], 1.0 - leaves[1]], [0.24, 0.76]];
        for (counts, states) in counts.iter().zip(states) {
            // What cannot come does not, and the rest comes as often as it should.
            assert_eq!((counts[4], counts[5]), (0, 0));
            let possible: Vec<usize> = (0..10).filter(|&cell| cell != 4 && cell != 5).collect();
            let counts: Vec<u64> = possible.iter().map(|&cell| counts[cell]).collect();
            let shares = possible.iter().map(|&cell| states[cell / 5] * rows[cell / 5][cell % 5]);
            assert_drawn(&counts, shares, "rows of two states");
        }
    }

    #[test]
    fn a_stay_lasts_as_long_as_it_should() {
        let process = Regimes::new(&chain(), &[1.0; 5]);
        let mut stream = Stream::of_path(6, 4);
        let mut row = process.first(&mut stream);
        let (mut stays, mut rows) = ([0_u32; 2], [0_u32; 2]);
        for _ in 0..600_000 {
            let next = process.next(&mut stream, row, 1);
            let state = usize::from(row >= 5);
            rows[state] += 1;
            stays[state] += u32::from((next >= 5) != (row >= 5));
            row = next;
        }
        for (state, expected, error) in [(0, 2.5, 0.006), (1, 5.0, 0.015)] {
            let stay = f64::from(rows[state]) / f64::from(stays[state]);
            assert!((stay - expected).abs() < 4.0 * error, "{stay} is not {expected}");
        }
    }

    #[test]
    fn weights_count_rows_and_steps() {
        // The second row three times and the last not at all: 0.75 · 3 of 4, and 4 · 0.25 of those 4 rows left.
        let process = Regimes::new(&chain(), &[1.0, 3.0, 1.0, 1.0, 0.0]);
        let mut stream = Stream::of_path(8, 4);
        let (mut seconds, mut left) = (0_u32, 0_u32);
        for _ in 0..400_000 {
            let next = process.next(&mut stream, 0, 1);
            assert!(next != 4 && next != 9);
            seconds += u32::from(next == 1);
            left += u32::from(next >= 5);
        }
        // Steps: 1 · 0.25 + 3 · 0.25 + 0.25 + 0.25 of the weights 1 + 2.25 + 0.5 + 0.25 = 4.
        let chance_left = 1.5 / 4.0;
        assert!((f64::from(left) / 400_000.0 - chance_left).abs() < 4.0 * 0.000_8, "{left}");
        let chance = (1.0 - chance_left) * 2.25 / 4.0;
        assert!((f64::from(seconds) / 400_000.0 - chance).abs() < 4.0 * 0.000_8, "{seconds}");
    }

    #[test]
    fn rows_and_words_at_their_borders() {
        let process = Regimes::new(&chain(), &[1.0; 5]);
        // The fifth row is the first state's last, the sixth the history's first in the second state.
        assert_eq!([4, 5].map(|row| process.table_after(row)), [AFTER, AFTER + 1]);
        // A word at the share is the other item's, so that what has no share never comes.
        for (at, &Column { below, other }) in (0..).zip(&process.columns) {
            let (table, column) = (at / 10, at % 10);
            assert_eq!(process.drawn(table, column, below), other);
            assert!(below == 0 || process.drawn(table, column, below - 1) == column);
        }
    }

    #[test]
    fn the_last_row_is_left_by_no_step() {
        // Half a step leaves the second state of the 0.25 + 0.5 + 0.75 rows in it that a step follows: the last, which is in
        // it for sure, has none.
        let mut chain = chain();
        chain.seen.leaves = vec![[0.25, 0.0], [0.25, 0.125], [0.25, 0.25], [0.25, 0.125]];
        let process = Regimes::new(&chain, &[1.0; 5]);
        let mut stream = Stream::of_path(9, 4);
        let left = (0..400_000).filter(|_| process.next(&mut stream, 9, 1) < 5).count() as f64;
        assert!((left / 400_000.0 - 1.0 / 3.0).abs() < 4.0 * 0.000_75, "{left}");
    }

    #[test]
    fn a_row_goes_on_in_its_likelier_state() {
        assert_eq!([0, 1, 2, 3, 4].map(|row| chain().row_like(row)), [0, 1, 2, 8, 9]);
    }

    #[test]
    fn sums_of_rows_spread_by_stays_and_by_the_wider_state() {
        // Half of the rows in each, means 1 and −1, variances 1 and 4: 0.5 + 2 + 1 of a row; 4 + 2 · 1 / 0.5 a row of a sum.
        let hidden =
            Hidden { means: [1.0, -1.0], deviations: [1.0, 2.0], leaves: [0.25; 2], first: [0.5; 2] };
        let factor = FittedChain { hidden, ..chain() }.variance_factor();
        assert!((factor - 8.0 / 3.5).abs() < 1e-12, "{factor}");
    }
}
