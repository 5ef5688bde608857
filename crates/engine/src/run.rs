//! Simulates one shard.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use crate::instructions::{Kind, Work};
use crate::kernel::{
    Account, Batch, Course, DayTable, Depth, End, LANES, LaneCourse, LogDepth, MoneyDepth, OwnPeak, Steps,
    Table, TradeTable,
};
use crate::lattice::law_of_history;
use crate::models::{IndexProcess, Process};
use crate::plan::REPLICATE_PATHS;
use crate::random::Stream;
use crate::rare::run_repetitions;
use crate::report;
use crate::rules::daily_loss::Unlimited;
use crate::rules::floor::{Behind, Drop, Follows, Still};
use crate::rules::{Paid, Withdrawals};
use crate::scale::Scale;
use crate::tally::{Fan, Finished, Replicate};
use crate::watch::{FanAndTill, FanAndWithdrawals};
use crate::{Instructions, Level, Plan, Shard, Tally};

/// Path-steps, one by one, between two looks at [`Control`]: a few milliseconds.
const BLOCK_PATH_STEPS: u64 = 1 << 19;

/// The same side by side: about a millisecond.
const BLOCK_LANE_STEPS: u64 = 1 << 21;

/// Paths side by side between two looks, however long they are: with fewer, too many lanes would stand empty.
const BLOCK_PATHS_MIN: u64 = 512;

/// How the caller watches and stops a running shard; shared by the shards of one job.
#[derive(Debug, Default)]
pub struct Control {
    /// Set to stop soon.
    pub cancel: AtomicBool,
    /// Paths done so far.
    pub paths_done: AtomicU64,
}

/// The shard was stopped by [`Control::cancel`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the simulation was cancelled")]
pub struct Cancelled;

/// Simulates the paths of `shard`, as fast as this machine can.
///
/// # Errors
/// [`Cancelled`] once [`Control::cancel`] is seen, within a few milliseconds.
pub fn run_shard(plan: &Plan, shard: Shard, control: &Control) -> Result<Tally, Cancelled> {
    run_shard_by(Instructions::best(), plan, shard, control)
}

/// Simulates the paths of `shard` by given instructions; the tally has the same bits by all.
///
/// # Errors
/// [`Cancelled`] once [`Control::cancel`] is seen, within a few milliseconds.
///
/// # Panics
/// Where this machine has not these instructions, or the shard is not of the plan: see [`Plan::has`].
pub fn run_shard_by(
    instructions: Instructions,
    plan: &Plan,
    shard: Shard,
    control: &Control,
) -> Result<Tally, Cancelled> {
    assert!(instructions.are_there(), "this machine has no {instructions:?}");
    assert!(plan.has(shard), "a shard of the plan holds whole weighted histories and repetitions");
    let mut tally = run_paths(instructions, plan, plan.own_paths_of(shard), control)?;
    for index in plan.replicates_of(shard) {
        tally.histories.add(run_replicate(instructions, plan, index, control)?);
    }
    tally.rare = run_repetitions(plan, plan.repetitions_of(shard), control)?;
    Ok(tally)
}

/// Simulates a weighted history.
fn run_replicate(
    instructions: Instructions,
    plan: &Plan,
    index: u32,
    control: &Control,
) -> Result<Replicate, Cancelled> {
    let replicate = plan.replicate(index);
    let paths = Shard { first_path: Plan::first_path_of_replicate(index), paths: REPLICATE_PATHS };
    let tally = run_paths(instructions, &replicate, paths, control)?;
    Ok(report::replicate(&replicate, &tally, law_of_history(&replicate).as_ref(), index))
}

fn run_paths(
    instructions: Instructions,
    plan: &Plan,
    shard: Shard,
    control: &Control,
) -> Result<Tally, Cancelled> {
    let mut run = Run { plan, control, tally: Tally::new(&plan.layout) };
    let lanes = if instructions == Instructions::Scalar { None } else { LaneCourse::of(plan) };
    let one_by_one = match &lanes {
        None => shard,
        Some(course) => run.side_by_side(instructions, course, shard)?,
    };
    if let Some(filter) = &plan.filter {
        run.trades(&plan.process, filter, one_by_one)?;
    } else {
        match &plan.process {
            Process::Iid(process) => run.one_by_one(process, one_by_one)?,
            Process::Stationary(process) => run.one_by_one(process, one_by_one)?,
            Process::Circular(process) => run.one_by_one(process, one_by_one)?,
            process @ (Process::Regimes(_) | Process::WorstWeek(_)) => run.one_by_one(process, one_by_one)?,
        }
    }
    run.tally.fan.close();
    Ok(run.tally)
}

/// A shard that is being simulated.
struct Run<'a> {
    plan: &'a Plan,
    control: &'a Control,
    tally: Tally,
}

impl Run<'_> {
    /// Walks whole lanes, and says which paths are left over.
    fn side_by_side(
        &mut self,
        instructions: Instructions,
        course: &LaneCourse<'_>,
        shard: Shard,
    ) -> Result<Shard, Cancelled> {
        let end = shard.first_path + shard.paths / LANES as u64 * LANES as u64;
        let block = (BLOCK_LANE_STEPS / u64::from(self.plan.steps())).clamp(BLOCK_PATHS_MIN, Batch::PATHS);
        let block = block.next_multiple_of(LANES as u64);
        let mut batch = Batch::new(self.plan.steps());
        let mut first = shard.first_path;
        while first < end {
            self.look()?;
            let next = (first + block).min(end);
            match &self.plan.process {
                Process::Iid(process) => {
                    instructions.run(Lanes { run: self, batch: &mut batch, course, process, first, next });
                }
                Process::Circular(process) => {
                    instructions.run(Lanes { run: self, batch: &mut batch, course, process, first, next });
                }
                Process::Stationary(process) => {
                    instructions.run(Lanes { run: self, batch: &mut batch, course, process, first, next });
                }
                process @ (Process::Regimes(_) | Process::WorstWeek(_)) => {
                    instructions.run(Lanes { run: self, batch: &mut batch, course, process, first, next });
                }
            }
            self.control.paths_done.fetch_add(next - first, Ordering::Relaxed);
            first = next;
        }
        batch.close(&mut self.tally);
        Ok(Shard { first_path: end, paths: shard.first_path + shard.paths - end })
    }

    fn one_by_one<P: IndexProcess>(&mut self, process: &P, shard: Shard) -> Result<(), Cancelled> {
        let (rows, floor) = (&self.plan.rows, self.plan.limits.floor);
        if self.plan.horizon.level == Level::Day {
            return match &self.plan.daily_loss {
                None => self.table(process, DayTable::new(rows, floor, Unlimited), shard),
                Some(limited) => self.table(process, DayTable::new(rows, floor, limited), shard),
            };
        }
        self.trades(process, rows.trades.as_slice(), shard)
    }

    fn trades<P: IndexProcess, S: Steps>(
        &mut self,
        process: &P,
        steps: S,
        shard: Shard,
    ) -> Result<(), Cancelled> {
        let floor = self.plan.limits.floor;
        match (floor.follows, floor.drop) {
            (Follows::Nothing, _) => self.table(process, TradeTable::new(steps, Still), shard),
            // (It would raise a floor that a payout has locked.)
            (_, Drop::Distance(distance)) if self.plan.withdrawals().is_none() => {
                let behind = Behind { distance, ceiling: floor.ceiling, ruin: floor.ruin };
                self.table(process, TradeTable::new(steps, behind), shard)
            }
            _ => self.table(process, TradeTable::new(steps, floor), shard),
        }
    }

    fn table<P: IndexProcess, T: Table>(
        &mut self,
        process: &P,
        table: T,
        shard: Shard,
    ) -> Result<(), Cancelled> {
        let plan = self.plan;
        let course = Course {
            process,
            table,
            limits: &plan.limits,
            stops: &plan.stops,
            last_step: plan.horizon.last_step,
        };
        match (plan.scale, plan.withdrawals()) {
            (Scale::Log { .. }, None) => self.paths(shard, paid_apart::<P, T, LogDepth>(plan, &course)),
            (Scale::Money, None) => self.paths(shard, paid_apart::<P, T, MoneyDepth>(plan, &course)),
            (Scale::Log { .. }, Some(taken)) => {
                self.paths(shard, paid_from::<P, T, OwnPeak<LogDepth>>(plan, taken, &course))
            }
            (Scale::Money, Some(taken)) => {
                self.paths(shard, paid_from::<P, T, OwnPeak<MoneyDepth>>(plan, taken, &course))
            }
        }
    }

    /// Walks the paths by themselves, each by `walk`.
    #[inline(always)]
    fn paths(&mut self, shard: Shard, walk: impl Fn(u64, &mut Fan) -> Finished) -> Result<(), Cancelled> {
        let block = (BLOCK_PATH_STEPS / u64::from(self.plan.steps())).max(1);
        let mut first = shard.first_path;
        let end = shard.first_path + shard.paths;
        while first < end {
            self.look()?;
            let next = (first + block).min(end);
            for path in first..next {
                let finished = walk(path, &mut self.tally.fan);
                self.tally.add(&finished);
            }
            self.control.paths_done.fetch_add(next - first, Ordering::Relaxed);
            first = next;
        }
        Ok(())
    }

    fn look(&self) -> Result<(), Cancelled> {
        if self.control.cancel.load(Ordering::Relaxed) { Err(Cancelled) } else { Ok(()) }
    }
}

/// Paths from `first` up to `next`, whole lanes of them.
struct Lanes<'r, 'a, 'c, P> {
    run: &'r mut Run<'a>,
    batch: &'r mut Batch,
    course: &'c LaneCourse<'c>,
    process: &'c P,
    first: u64,
    next: u64,
}

impl<P: IndexProcess> Work for Lanes<'_, '_, '_, P> {
    #[inline(always)]
    fn run(self, kind: impl Kind) {
        let Self { run, batch, course, process, first, next } = self;
        batch.walk(course, process, kind, (run.plan.seed, first..next), &mut run.tally);
    }
}

#[inline(always)]
fn finished(plan: &Plan, opening: i64, path: u64, end: End, x: i64, drawdown: u64, paid: Paid) -> Finished {
    let balance = plan.scale.balance_units(x);
    Finished {
        path,
        end,
        x,
        balance,
        profit: balance - opening,
        drawdown,
        payout: paid.scheduled as i64,
        weekly_payout: paid.weekly as i64,
    }
}

/// Walks a path whose payouts leave its balance as it is.
#[inline(always)]
fn paid_apart<'a, P: IndexProcess, T: Table, D: Depth + 'a>(
    plan: &'a Plan,
    course: &'a Course<'a, P, T>,
) -> impl Fn(u64, &mut Fan) -> Finished + 'a {
    let (start, opening): (Account<D>, _) = (Account::open(plan.start), plan.opening());
    move |path, fan| {
        let mut account = start;
        let mut watch = FanAndTill { plan, fan, paid: Paid::default() };
        let end = course.walk(&mut Stream::of_path(plan.seed, path), &mut account, &mut watch);
        let paid = watch.paid;
        finished(plan, opening, path, end, account.x, account.depth.fraction(), paid)
    }
}

/// Walks a path whose payouts are taken from its balance.
fn paid_from<'a, P: IndexProcess, T: Table, D: Depth + 'a>(
    plan: &'a Plan,
    withdrawals: &'a Withdrawals,
    course: &'a Course<'a, P, T>,
) -> impl Fn(u64, &mut Fan) -> Finished + 'a {
    let (start, opening): (Account<D>, _) = (Account::open(plan.start), plan.opening());
    move |path, fan| {
        let mut account = start;
        let mut watch = FanAndWithdrawals { withdrawals, fan, paid: Paid::default(), taken: 0.0 };
        let end = course.walk(&mut Stream::of_path(plan.seed, path), &mut account, &mut watch);
        let ((x, balance), paid) = (watch.whole(account.x), watch.paid);
        let drawdown = account.depth.fraction();
        Finished {
            balance,
            profit: balance - opening,
            ..finished(plan, opening, path, end, x, drawdown, paid)
        }
    }
}
