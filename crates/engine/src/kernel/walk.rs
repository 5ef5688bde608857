//! One path from its start to its end.

use super::account::Close;
use super::{Account, Cause, Depth, End, Table};
use crate::models::IndexProcess;
use crate::random::Stream;
use crate::rules::{ConsistencyRule, Limits, Pass, Stop};

/// Sees the account at its stops.
pub(crate) trait Watch {
    /// An unbroken account.
    fn see(&mut self, stop: Stop, x: i64);
    /// A broken one, with the balance at which it broke.
    fn see_broken(&mut self, stop: Stop, x: i64);
    /// What requests leave of an unbroken account; by value, so that its state stays in registers.
    #[inline(always)]
    fn after_requests<D: Depth>(&mut self, _stop: Stop, account: Account<D>) -> Account<D> {
        account
    }
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
    /// Where the account is seen, ascending; the last is the horizon.
    pub(crate) stops: &'a [Stop],
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
                Some(pass) => {
                    let progress = Progress { pass, trades: 0 };
                    match pass.consistency {
                        None => self.tread(stream, progress, account, watch),
                        Some(rule) => {
                            self.tread(stream, BestDay::before(progress, rule, account.x), account, watch)
                        }
                    }
                }
            }
        };
        for &stop in &self.stops[stops_seen..] {
            if end.broken() {
                watch.see_broken(stop, account.x);
            } else {
                watch.see(stop, account.x);
            }
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
        let mut memory = self.table.open();
        let mut done = 0;
        for (stop, &pause) in self.stops.iter().enumerate() {
            let until = pause.step;
            for step in done + 1..=until.min(self.last_step) {
                match self.table.advance(row, &mut memory, account) {
                    Close::Holds => {}
                    Close::Broken => {
                        return (End { step, cause: Some(self.cause_of_break(account)) }, stop);
                    }
                    Close::DayLost => return (End { step, cause: Some(Cause::DailyLoss) }, stop),
                }
                if gate.passes(&self.table, row, step, account.x) {
                    return (End { step, cause: Some(Cause::Pass) }, stop);
                }
                row = self.process.next(stream, row, step);
            }
            if until > self.last_step {
                return (End { step: self.last_step, cause: None }, stop);
            }
            watch.see(pause, account.x);
            *account = watch.after_requests(pause, *account);
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
pub(crate) trait Gate {
    /// After `row`, the `step`-th, which closed at `x`.
    fn passes<T: Table>(&mut self, table: &T, row: u32, step: u32, x: i64) -> bool;
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct NothingToPass;

impl Gate for NothingToPass {
    #[inline(always)]
    fn passes<T: Table>(&mut self, _table: &T, _row: u32, _step: u32, _x: i64) -> bool {
        false
    }
}

/// What a path has done towards a pass.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Progress {
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

/// [`Progress`] under a consistency rule; rows are days.
#[derive(Clone, Copy, Debug)]
pub(crate) struct BestDay {
    progress: Progress,
    rule: ConsistencyRule,
    /// The balance at the last close, units of 10⁻⁴ dollars.
    close: i64,
    /// The best day's profit so far, the same units.
    best: i64,
}

impl BestDay {
    /// Before the first day, which starts at the state `x`.
    fn before(progress: Progress, rule: ConsistencyRule, x: i64) -> Self {
        Self { progress, rule, close: rule.scale.balance_units(x), best: 0 }
    }
}

impl Gate for BestDay {
    fn passes<T: Table>(&mut self, table: &T, row: u32, step: u32, x: i64) -> bool {
        let close = self.rule.scale.balance_units(x);
        self.best = self.best.max(close - self.close);
        self.close = close;
        self.progress.passes(table, row, step, x) && self.rule.allows(self.best, close)
    }
}

/// Any of them, chosen as the program runs: for paths that stop and are copied on their way.
#[derive(Clone, Copy, Debug)]
pub(crate) enum AnyGate {
    /// Without a pass.
    Closed(NothingToPass),
    /// Without a consistency rule.
    Progress(Progress),
    /// With one.
    BestDay(BestDay),
}

impl AnyGate {
    /// Before the first row, which starts at the state `x`.
    pub(crate) fn before(pass: Option<Pass>, x: i64) -> Self {
        let Some(pass) = pass else { return Self::Closed(NothingToPass) };
        let progress = Progress { pass, trades: 0 };
        match pass.consistency {
            None => Self::Progress(progress),
            Some(rule) => Self::BestDay(BestDay::before(progress, rule, x)),
        }
    }
}

impl Gate for AnyGate {
    #[inline(always)]
    fn passes<T: Table>(&mut self, table: &T, row: u32, step: u32, x: i64) -> bool {
        match self {
            Self::Closed(gate) => gate.passes(table, row, step, x),
            Self::Progress(gate) => gate.passes(table, row, step, x),
            Self::BestDay(gate) => gate.passes(table, row, step, x),
        }
    }
}
