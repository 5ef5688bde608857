//! An account on its way, which can be copied at any row.

use super::closeness::{BROKEN, Closeness};
use crate::Plan;
use crate::kernel::{Account, AnyGate, Close, Depth, Gate, Table};
use crate::models::IndexProcess;
use crate::random::Stream;
use crate::rules::Withdrawals;
use crate::watch::after_request;

/// Drawdowns are not asked for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Undrawn;

impl Depth for Undrawn {
    const NONE: Self = Self;

    #[inline(always)]
    fn deepened(self, _peak: i64, _x: i64) -> Self {
        self
    }

    #[inline(always)]
    fn may_deepen(self, _peak: i64, _fall: i64) -> bool {
        false
    }

    fn fraction(self) -> u64 {
        0
    }
}

/// What all particles of a plan have in common.
#[derive(Clone, Copy, Debug)]
pub(super) struct Field<'a, P, T> {
    /// Which row comes next.
    pub(super) process: &'a P,
    /// What a row does.
    pub(super) table: T,
    /// How close an account is.
    pub(super) closeness: Closeness,
    /// The step after which the account is closed.
    pub(super) last_step: u32,
    /// What payouts take out of accounts, where they take anything, and the steps at which they do, ascending.
    pub(super) withdrawals: Option<(&'a Withdrawals, &'a [u32])>,
}

/// A path after some of its rows, and the stream that it goes on with.
#[derive(Clone, Debug)]
pub(super) struct Particle<M> {
    account: Account<Undrawn>,
    memory: M,
    gate: AnyGate,
    /// The row done last, where one was.
    row: u32,
    /// Rows done.
    done: u32,
    stream: Stream,
    state: State,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Walks,
    Broken,
    /// Passed, closed or at the horizon.
    Over,
}

impl<M: Clone> Particle<M> {
    /// At the start of a path that holds.
    pub(super) fn open(plan: &Plan, table: &impl Table<Memory = M>, stream: Stream) -> Self {
        let (account, gate) = (Account::open(plan.start), AnyGate::before(plan.limits.pass, plan.start.x));
        Self { account, memory: table.open(), gate, row: 0, done: 0, stream, state: State::Walks }
    }

    /// The same account at the same row, with another future.
    pub(super) fn with_stream(self, stream: Stream) -> Self {
        Self { stream, ..self }
    }

    /// Whether the account broke.
    pub(super) fn is_broken(&self) -> bool {
        self.state == State::Broken
    }

    /// How close it is now.
    #[inline(always)]
    pub(super) fn closeness<P: IndexProcess, T: Table<Memory = M>>(&self, field: &Field<'_, P, T>) -> f64 {
        match self.state {
            State::Broken => BROKEN,
            State::Walks => {
                field.closeness.of(self.account.x - self.account.floor, field.last_step - self.done)
            }
            // It can come no closer than it was before.
            State::Over => f64::NEG_INFINITY,
        }
    }

    /// Walks until it is closer than `level`, or its path is over; says how close it came.
    pub(super) fn walk_above<P: IndexProcess, T: Table<Memory = M>>(
        &mut self,
        field: &Field<'_, P, T>,
        level: f64,
    ) -> f64 {
        let mut closest = self.closeness(field);
        while closest <= level && self.state == State::Walks {
            self.step(field);
            closest = closest.max(self.closeness(field));
        }
        closest
    }

    /// One row: what [`Course::walk`](crate::kernel::Course::walk) does.
    #[inline(always)]
    fn step<P: IndexProcess, T: Table<Memory = M>>(&mut self, field: &Field<'_, P, T>) {
        self.row = match self.done {
            0 => field.process.first(&mut self.stream),
            done => field.process.next(&mut self.stream, self.row, done),
        };
        self.done += 1;
        self.state = match field.table.advance(self.row, &mut self.memory, &mut self.account) {
            Close::Broken | Close::DayLost => State::Broken,
            Close::Holds if self.gate.passes(&field.table, self.row, self.done, self.account.x) => {
                State::Over
            }
            Close::Holds if self.done == field.last_step => State::Over,
            Close::Holds => State::Walks,
        };
        if let Some((withdrawals, steps)) = field.withdrawals
            && self.state == State::Walks
            && steps.binary_search(&self.done).is_ok()
        {
            self.account = after_request(withdrawals, self.account);
        }
    }
}
