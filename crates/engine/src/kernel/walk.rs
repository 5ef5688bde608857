//! One path from its start to its end.

use super::account::Close;
use super::{Account, Cause, Depth, End, Table};
use crate::models::IndexProcess;
use crate::random::Stream;
use crate::rules::{Limits, Pass};

/// Sees the account at the chosen steps.
pub(crate) trait Watch {
    /// The state at the `stop`-th chosen step.
    fn see(&mut self, stop: usize, x: i64);
}

/// What all paths of a plan have in common.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Course<'a, P, T> {
    /// Which row comes next.
    pub(crate) process: &'a P,
    /// What a row does.
    pub(crate) table: T,
    /// What ends a path.
    pub(crate) limits: &'a Limits,
    /// The steps at which the account is seen, ascending; the last is the horizon.
    pub(crate) stops: &'a [u32],
    /// The step after which the account is closed: the horizon, or the time limit before it.
    pub(crate) last_step: u32,
}

impl<P: IndexProcess, T: Table> Course<'_, P, T> {
    /// Walks one path. A broken, passed or closed account keeps its balance at the stops that remain.
    ///
    /// A breach beats a target in the same step; a pass is awarded at a row's close.
    #[inline(always)]
    pub(crate) fn walk<D: Depth>(
        &self,
        stream: &mut Stream,
        account: &mut Account<D>,
        watch: &mut impl Watch,
    ) -> End {
        let (end, stops_seen) = if account.x <= account.floor {
            (End { step: 0, cause: Some(self.cause_of_break(account)) }, 0)
        } else {
            match self.limits.pass {
                None => self.tread(stream, NothingToPass, account, watch),
                Some(pass) => self.tread(stream, Progress { pass, trades: 0 }, account, watch),
            }
        };
        for stop in stops_seen..self.stops.len() {
            watch.see(stop, account.x);
        }
        end
    }

    #[inline(always)]
    fn tread<D: Depth>(
        &self,
        stream: &mut Stream,
        mut gate: impl Gate,
        account: &mut Account<D>,
        watch: &mut impl Watch,
    ) -> (End, usize) {
        let mut row = self.process.first(stream);
        let mut done = 0;
        for (stop, &until) in self.stops.iter().enumerate() {
            for step in done + 1..=until.min(self.last_step) {
                if self.table.advance(row, account) == Close::Broken {
                    return (End { step, cause: Some(self.cause_of_break(account)) }, stop);
                }
                if gate.passes(&self.table, row, step, account.x) {
                    return (End { step, cause: Some(Cause::Pass) }, stop);
                }
                row = self.process.next(stream, row);
            }
            if until > self.last_step {
                return (End { step: self.last_step, cause: None }, stop);
            }
            watch.see(stop, account.x);
            done = until;
        }
        (End { step: done, cause: None }, self.stops.len())
    }

    /// When one move crosses the rule's floor and ruin, the higher is the cause.
    fn cause_of_break<D>(&self, account: &Account<D>) -> Cause {
        if account.floor > self.limits.floor.ruin { Cause::Drawdown } else { Cause::Ruin }
    }
}

/// Says at each close whether the path has passed.
trait Gate {
    fn passes<T: Table>(&mut self, table: &T, row: u32, step: u32, x: i64) -> bool;
}

struct NothingToPass;

impl Gate for NothingToPass {
    #[inline(always)]
    fn passes<T: Table>(&mut self, _table: &T, _row: u32, _step: u32, _x: i64) -> bool {
        false
    }
}

struct Progress {
    pass: Pass,
    trades: u64,
}

impl Gate for Progress {
    #[inline(always)]
    fn passes<T: Table>(&mut self, table: &T, row: u32, step: u32, x: i64) -> bool {
        self.trades += table.trades(row);
        x >= self.pass.at && self.trades >= self.pass.min_trades && step >= self.pass.min_rows
    }
}
