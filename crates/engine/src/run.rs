//! Simulates one shard.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use crate::kernel::{Account, Course, DayTable, Depth, LogDepth, MoneyDepth, Table, TradeTable};
use crate::models::{IndexProcess, Process};
use crate::money::units;
use crate::random::Stream;
use crate::rules::floor::{Behind, Drop, Follows, Still};
use crate::scale::Scale;
use crate::tally::Finished;
use crate::{Level, Plan, Shard, Tally};

/// Path-steps between two looks at [`Control`]: about a millisecond.
const BLOCK_PATH_STEPS: u64 = 1 << 18;

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

/// Simulates the paths of `shard`.
///
/// # Errors
/// [`Cancelled`] once [`Control::cancel`] is seen, within a few milliseconds.
pub fn run_shard(plan: &Plan, shard: Shard, control: &Control) -> Result<Tally, Cancelled> {
    match &plan.process {
        Process::Iid(process) => with_process(plan, process, shard, control),
        Process::Stationary(process) => with_process(plan, process, shard, control),
    }
}

fn with_process<P: IndexProcess>(
    plan: &Plan,
    process: &P,
    shard: Shard,
    control: &Control,
) -> Result<Tally, Cancelled> {
    let (rows, floor) = (&plan.rows, plan.limits.floor);
    if plan.horizon.level == Level::Day {
        return with_table(plan, process, DayTable::new(rows, floor), shard, control);
    }
    match (floor.follows, floor.drop) {
        (Follows::Nothing, _) => with_table(plan, process, TradeTable::new(rows, Still), shard, control),
        (_, Drop::Distance(distance)) => {
            let behind = Behind { distance, ceiling: floor.ceiling, ruin: floor.ruin };
            with_table(plan, process, TradeTable::new(rows, behind), shard, control)
        }
        _ => with_table(plan, process, TradeTable::new(rows, floor), shard, control),
    }
}

fn with_table<P: IndexProcess, T: Table>(
    plan: &Plan,
    process: &P,
    table: T,
    shard: Shard,
    control: &Control,
) -> Result<Tally, Cancelled> {
    let course = Course {
        process,
        table,
        limits: &plan.limits,
        stops: &plan.layout.stops,
        last_step: plan.horizon.last_step,
    };
    match plan.scale {
        Scale::Log { .. } => walk_paths::<P, T, LogDepth>(plan, &course, shard, control),
        Scale::Money => walk_paths::<P, T, MoneyDepth>(plan, &course, shard, control),
    }
}

fn walk_paths<P: IndexProcess, T: Table, D: Depth>(
    plan: &Plan,
    course: &Course<'_, P, T>,
    shard: Shard,
    control: &Control,
) -> Result<Tally, Cancelled> {
    let mut tally = Tally::new(&plan.layout);
    let opening: Account<D> = Account::open(plan.start);
    let opening_balance = units(plan.applied.balance);
    let block = (BLOCK_PATH_STEPS / u64::from(plan.steps())).max(1);
    let mut first = shard.first_path;
    let end = shard.first_path + shard.paths;
    while first < end {
        if control.cancel.load(Ordering::Relaxed) {
            return Err(Cancelled);
        }
        let next = (first + block).min(end);
        for path in first..next {
            let mut stream = Stream::of_path(plan.seed, path);
            let mut account = opening;
            let end = course.walk(&mut stream, &mut account, &mut tally.fan);
            let balance = plan.scale.balance_units(account.x);
            tally.add(&Finished {
                path,
                end,
                x: account.x,
                balance,
                profit: balance - opening_balance,
                drawdown: account.depth.fraction(),
                payout: if end.broken() { 0 } else { plan.applied.payout_units(balance) },
            });
        }
        control.paths_done.fetch_add(next - first, Ordering::Relaxed);
        first = next;
    }
    Ok(tally)
}
