//! Index processes: which row of the table comes next; laws that are tables of their own; and what is fitted for either.

pub(crate) mod block_length;
mod circular;
#[cfg(test)]
mod draws;
mod filter;
mod iid;
mod law;
mod regimes;
mod reweight;
mod stationary;
mod worst_week;

pub(crate) use circular::Circular;
pub(crate) use filter::{Filter, FittedFilter};
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

/// Whichever it is, looked at with each row: for the models whose rows cost more than that, so that the kernels are not compiled
/// for each of them.
impl IndexProcess for Process {
    #[inline(always)]
    fn first(&self, stream: &mut Stream) -> u32 {
        match self {
            Self::Iid(process) => process.first(stream),
            Self::Stationary(process) => process.first(stream),
            Self::Circular(process) => process.first(stream),
            Self::Regimes(process) => process.first(stream),
            Self::WorstWeek(process) => process.first(stream),
        }
    }

    #[inline(always)]
    fn next(&self, stream: &mut Stream, row: u32, done: u32) -> u32 {
        match self {
            Self::Iid(process) => process.next(stream, row, done),
            Self::Stationary(process) => process.next(stream, row, done),
            Self::Circular(process) => process.next(stream, row, done),
            Self::Regimes(process) => process.next(stream, row, done),
            Self::WorstWeek(process) => process.next(stream, row, done),
        }
    }

    #[inline(always)]
    fn first_each(&self, streams: &mut Streams) -> Words {
        match self {
            Self::Iid(process) => process.first_each(streams),
            Self::Stationary(process) => process.first_each(streams),
            Self::Circular(process) => process.first_each(streams),
            Self::Regimes(process) => process.first_each(streams),
            Self::WorstWeek(process) => process.first_each(streams),
        }
    }

    #[inline(always)]
    fn next_each(&self, streams: &mut Streams, rows: &Words, done: u32) -> Words {
        match self {
            Self::Iid(process) => process.next_each(streams, rows, done),
            Self::Stationary(process) => process.next_each(streams, rows, done),
            Self::Circular(process) => process.next_each(streams, rows, done),
            Self::Regimes(process) => process.next_each(streams, rows, done),
            Self::WorstWeek(process) => process.next_each(streams, rows, done),
        }
    }
}
