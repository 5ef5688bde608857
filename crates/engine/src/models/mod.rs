//! Index processes: which row of the table comes next; laws that are tables of their own; and what is fitted for either.

pub(crate) mod block_length;
mod circular;
#[cfg(test)]
mod draws;
mod iid;
mod law;
mod regimes;
mod reweight;
mod stationary;
mod worst_week;

pub(crate) use circular::Circular;
pub(crate) use iid::Iid;
pub(crate) use law::{LAW_ROWS, Law};
pub(crate) use regimes::{FittedChain, Regimes};
pub(crate) use reweight::Reweighting;
pub(crate) use stationary::{MAX_RANGE, Stationary};
pub(crate) use worst_week::{Around, WorstWeek};

use crate::random::{Stream, Streams, Words};

/// Says which row comes first and which follows.
pub(crate) trait IndexProcess {
    /// The first row of a path.
    fn first(&self, stream: &mut Stream) -> u32;
    /// The row after `row`, with which a path has done `done` rows.
    fn next(&self, stream: &mut Stream, row: u32, done: u32) -> u32;
    /// [`Self::first`] of paths side by side.
    fn first_each(&self, streams: &mut Streams) -> Words;
    /// [`Self::next`] of paths side by side.
    fn next_each(&self, streams: &mut Streams, rows: &Words, done: u32) -> Words;
    /// [`Self::next_each`] for several steps: `rows`, with which the paths have done `done` rows, go into the first place, the
    /// rows after them into the next, and those after the last place are the `rows` in the end.
    #[inline(always)]
    fn several_each(&self, streams: &mut Streams, rows: &mut Words, done: u32, places: &mut [Words]) {
        for (place, done) in places.iter_mut().zip(done + 1..) {
            *place = *rows;
            *rows = self.next_each(streams, rows, done);
        }
    }
}

/// The chosen process.
#[derive(Clone, Debug)]
pub(crate) enum Process {
    /// Every row anew.
    Iid(Iid),
    /// Blocks of geometric length.
    Stationary(Stationary),
    /// Blocks of one length.
    Circular(Circular),
    /// By the state of a hidden Markov chain.
    Regimes(Regimes),
    /// Any of these, and the history's worst week once on each path.
    WorstWeek(WorstWeek),
}
