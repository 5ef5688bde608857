//! A run of rows that every path goes through once, at a step of its own.

use super::{Circular, Iid, IndexProcess, Process, Regimes, Stationary};
use crate::kernel::{LANES, mask};
use crate::random::bounded::Bounded;
use crate::random::{Stream, Streams, Words};

/// The rows of a week in the place of as many rows of the process around it. All steps at which the week may begin, so that
/// its last row is the path's last at the latest, are equally likely: before a step with `m` of them left, itself among
/// them, it begins with probability 1 / m where it has not yet.
///
/// A row says where the path is: `0 .. rows` are the process' own before the week, the next `week` the week's, and `rows` more
/// the process' own after it. After the week the process goes on as after its row `resume`.
#[derive(Clone, Debug)]
pub(crate) struct WorstWeek {
    around: Around,
    rows: u32,
    week: u32,
    resume: u32,
    /// For each row of the path at which the week may begin: the draw of which a 0 begins it.
    begins: Vec<Bounded>,
}

/// The process that draws the other rows.
#[derive(Clone, Debug)]
pub(crate) enum Around {
    /// Every row anew.
    Iid(Iid),
    /// Blocks of geometric length.
    Stationary(Stationary),
    /// Blocks of one length; the week does not move their ends.
    Circular(Circular),
    /// By the state of a hidden Markov chain.
    Regimes(Regimes),
}

impl WorstWeek {
    /// In paths of `steps` rows, at least as many as the `week` has, which is at least one; around it `around` draws from
    /// `rows` rows.
    pub(crate) fn new(around: Around, rows: u32, (week, resume): (u32, u32), steps: u32) -> Self {
        assert!((1..=steps).contains(&week) && resume < rows, "a week within the path");
        let begins = (1..=steps - week + 1).rev().map(Bounded::below).collect();
        Self { around, rows, week, resume, begins }
    }

    /// The process around it.
    pub(crate) fn around(&self) -> Process {
        match &self.around {
            Around::Iid(process) => Process::Iid(*process),
            Around::Stationary(process) => Process::Stationary(*process),
            Around::Circular(process) => Process::Circular(*process),
            Around::Regimes(process) => Process::Regimes(process.clone()),
        }
    }

    /// The process' own row after which its next one is drawn.
    #[inline(always)]
    fn own(&self, row: u32) -> u32 {
        let after_week = self.rows.wrapping_add(self.week);
        let (is_before, is_week) = (mask(row < self.rows), mask(row < after_week));
        let after = row.wrapping_sub(after_week);
        (row & is_before) | (self.resume & is_week & !is_before) | (after & !is_week)
    }

    /// The row after `row`, where the process' own next one would be `next` and `begins` is all ones where a week that has not
    /// come begins.
    #[inline(always)]
    fn follow(&self, row: u32, next: u32, begins: u32) -> u32 {
        let (next_row, after_week) = (row.wrapping_add(1), self.rows.wrapping_add(self.week));
        let is_before = mask(row < self.rows);
        let stays = mask(next_row < after_week) & !is_before;
        let before = (self.rows & begins) | (next & !begins);
        let after = next.wrapping_add(after_week);
        (before & is_before) | (next_row & stays) | (after & !stays & !is_before)
    }
}

impl IndexProcess for WorstWeek {
    #[inline(always)]
    fn first(&self, stream: &mut Stream) -> u32 {
        let begins = mask(self.begins[0].draw(stream) == 0);
        let first = self.around.first(stream);
        self.follow(0, first, begins)
    }

    #[inline(always)]
    fn next(&self, stream: &mut Stream, row: u32, done: u32) -> u32 {
        // Both are drawn wherever the path is, so that lanes draw what their paths draw.
        let begins = self.begins.get(done as usize).map_or(0, |draw| mask(draw.draw(stream) == 0));
        let next = self.around.next(stream, self.own(row), done);
        self.follow(row, next, begins)
    }

    #[inline(always)]
    fn first_each(&self, streams: &mut Streams) -> Words {
        let begins = streams.draw(&self.begins[0]);
        let first = self.around.first_each(streams);
        std::array::from_fn(|lane| self.follow(0, first[lane], mask(begins[lane] == 0)))
    }

    #[inline(always)]
    fn next_each(&self, streams: &mut Streams, rows: &Words, done: u32) -> Words {
        let begins = self.begins.get(done as usize).map_or([1; LANES], |draw| streams.draw(draw));
        let next = self.around.next_each(streams, &rows.map(|row| self.own(row)), done);
        std::array::from_fn(|lane| self.follow(rows[lane], next[lane], mask(begins[lane] == 0)))
    }
}

impl IndexProcess for Around {
    #[inline(always)]
    fn first(&self, stream: &mut Stream) -> u32 {
        match self {
            Self::Iid(process) => process.first(stream),
            Self::Stationary(process) => process.first(stream),
            Self::Circular(process) => process.first(stream),
            Self::Regimes(process) => process.first(stream),
        }
    }

    #[inline(always)]
    fn next(&self, stream: &mut Stream, row: u32, done: u32) -> u32 {
        match self {
            Self::Iid(process) => process.next(stream, row, done),
            Self::Stationary(process) => process.next(stream, row, done),
            Self::Circular(process) => process.next(stream, row, done),
            Self::Regimes(process) => process.next(stream, row, done),
        }
    }

    #[inline(always)]
    fn first_each(&self, streams: &mut Streams) -> Words {
        match self {
            Self::Iid(process) => process.first_each(streams),
            Self::Stationary(process) => process.first_each(streams),
            Self::Circular(process) => process.first_each(streams),
            Self::Regimes(process) => process.first_each(streams),
        }
    }

    #[inline(always)]
    fn next_each(&self, streams: &mut Streams, rows: &Words, done: u32) -> Words {
        match self {
            Self::Iid(process) => process.next_each(streams, rows, done),
            Self::Stationary(process) => process.next_each(streams, rows, done),
            Self::Circular(process) => process.next_each(streams, rows, done),
            Self::Regimes(process) => process.next_each(streams, rows, done),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Around, WorstWeek};
    use crate::models::{Circular, Iid, IndexProcess, Stationary};
    use crate::random::Stream;

    /// The rows of a path.
    fn path(process: &WorstWeek, id: u64, steps: u32) -> Vec<u32> {
        let mut stream = Stream::of_path(7, id);
        let mut row = process.first(&mut stream);
        let mut rows = vec![row];
        for done in 1..steps {
            row = process.next(&mut stream, row, done);
            rows.push(row);
        }
        rows
    }

    #[test]
    fn each_path_goes_through_the_week_once_and_begins_it_anywhere_as_often() {
        let arounds = [
            Around::Iid(Iid::new(9)),
            Around::Stationary(Stationary::new(9, 2.5)),
            Around::Circular(Circular::new(9, 4)),
        ];
        for around in arounds {
            // Eight places for a week of three in ten rows.
            let process = WorstWeek::new(around, 9, (3, 5), 10);
            let (mut begun, mut followed) = ([0_u32; 8], 0);
            for id in 0..80_000 {
                let rows = path(&process, id, 10);
                let at = rows.iter().position(|&row| row == 9).expect("a week");
                assert_eq!(rows[at..at + 3], [9, 10, 11]);
                assert!(rows[..at].iter().all(|&row| row < 9), "{rows:?}");
                assert!(rows[at + 3..].iter().all(|&row| (12..21).contains(&row)), "{rows:?}");
                begun[at] += 1;
                followed += u32::from(rows.get(at + 3) == Some(&(12 + 6)));
            }
            // √(80,000 · 7 / 64) ≈ 94.
            assert!(begun.iter().all(|&count| count.abs_diff(10_000) < 380), "{begun:?}");
            // Of the 70,000 that have a row after it: an even draw, blocks that end 4 times of 10, and those of which 2 (at the
            // ends of blocks of 4, after 4 and 8 rows) of 7 are drawn.
            let expected = match &process.around {
                Around::Iid(_) => 70_000.0 / 9.0,
                Around::Stationary(_) => 70_000.0 * (0.6 + 0.4 / 9.0),
                _ => 70_000.0 * (5.0 / 7.0 + 2.0 / 7.0 / 9.0),
            };
            assert!((f64::from(followed) - expected).abs() < 4.0 * 132.0, "{followed} {expected}");
        }
    }

    #[test]
    fn a_week_as_long_as_the_path_is_the_path() {
        let process = WorstWeek::new(Around::Iid(Iid::new(4)), 4, (5, 0), 5);
        assert!((0..50).all(|id| path(&process, id, 5) == [4, 5, 6, 7, 8]));
    }
}
