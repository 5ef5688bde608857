//! What the paths of a shard add up to: integers only, and what was found on each weighted history, so merging commutes.

mod bins;
mod count;
mod each;
mod fan;
mod figure;
mod histogram;
mod histories;
mod layout;
mod moments;
mod repetitions;

use count::add_counts;

pub(crate) use bins::Bins;
pub(crate) use each::{EventCounts, FinishedEach, SumsEach};
pub(crate) use fan::{Fan, Place};
pub(crate) use figure::{Figure, PERCENTILES};
pub(crate) use histogram::{Filled, Histogram};
pub(crate) use histories::{Draw, FanDraw, Histories, Replicate};
pub(crate) use layout::{Layout, Moves};
pub(crate) use moments::{BATCHES, Batch, Moments};
pub(crate) use repetitions::{Repetition, Repetitions};

use crate::kernel::{Cause, End};
use crate::money::MAX_BALANCE;

/// Counts, histograms and sums of the paths simulated so far. Its size does not depend on the number of paths.
#[derive(Clone, Debug, PartialEq)]
pub struct Tally {
    pub(crate) final_state: Histogram,
    pub(crate) drawdown: Histogram,
    pub(crate) fan: Fan,
    pub(crate) events: Events,
    pub(crate) batches: Vec<Batch>,
    /// Paths whose final balance is 0 or less.
    pub(crate) ruined: u64,
    /// Paths whose final balance was clamped.
    pub(crate) clamped: u64,
    /// What weighted histories gave.
    pub(crate) histories: Histories,
    /// What the splitting for rare breaches gave.
    pub(crate) rare: Repetitions,
}

/// How many paths ended at each step, by cause; index 0 is the start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Events {
    /// By the total-drawdown rule.
    pub(crate) drawdown: Vec<u32>,
    /// By the daily-loss rule.
    pub(crate) daily_loss: Vec<u32>,
    /// By ruin alone.
    pub(crate) ruin: Vec<u32>,
    /// Passed.
    pub(crate) pass: Vec<u32>,
}

/// One finished path.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Finished {
    /// Its id.
    pub(crate) path: u64,
    /// How it ended.
    pub(crate) end: End,
    /// The final state.
    pub(crate) x: i64,
    /// The final balance, units of 10⁻⁴ dollars.
    pub(crate) balance: i64,
    /// That less the balance at the start.
    pub(crate) profit: i64,
    /// The greatest drawdown, units of 10⁻⁹.
    pub(crate) drawdown: u64,
    /// The payouts by the rules' schedule, units of 10⁻⁴ dollars.
    pub(crate) payout: i64,
    /// The payouts by the week, the same units.
    pub(crate) weekly_payout: i64,
}

impl Tally {
    pub(crate) fn new(layout: &Layout) -> Self {
        let steps = layout.steps as usize + 1;
        let none = || vec![0; steps];
        let events = Events { drawdown: none(), daily_loss: none(), ruin: none(), pass: none() };
        Self {
            final_state: Histogram::new(layout.final_state),
            drawdown: Histogram::new(layout.drawdown),
            fan: Fan::new(&layout.fan),
            events,
            batches: vec![Batch::default(); BATCHES],
            ruined: 0,
            clamped: 0,
            histories: Histories::default(),
            rare: Repetitions::default(),
        }
    }

    /// Adds a finished path; the fan has seen it already.
    #[inline(always)]
    pub(crate) fn add(&mut self, path: &Finished) {
        self.final_state.add(path.x, path.balance);
        self.drawdown.add(path.drawdown as i64, path.drawdown as i64);
        let step = path.end.step as usize;
        match path.end.cause {
            None => {}
            Some(Cause::Drawdown) => self.events.drawdown[step] += 1,
            Some(Cause::DailyLoss) => self.events.daily_loss[step] += 1,
            Some(Cause::Ruin) => self.events.ruin[step] += 1,
            Some(Cause::Pass) => self.events.pass[step] += 1,
        }
        let batch = (path.path % BATCHES as u64) as usize;
        self.batches[batch].add(path);
        self.ruined += u64::from(path.balance <= 0);
        self.clamped += u64::from(path.balance.abs() == MAX_BALANCE);
    }

    /// Adds another shard's tally of the same plan; any order gives the same bits.
    ///
    /// # Panics
    /// Where the tallies are of different plans.
    pub fn merge(&mut self, other: &Self) {
        self.final_state.merge(&other.final_state);
        self.drawdown.merge(&other.drawdown);
        self.fan.merge(&other.fan);
        add_counts(&mut self.events.drawdown, &other.events.drawdown);
        add_counts(&mut self.events.daily_loss, &other.events.daily_loss);
        add_counts(&mut self.events.ruin, &other.events.ruin);
        add_counts(&mut self.events.pass, &other.events.pass);
        for (batch, more) in self.batches.iter_mut().zip(&other.batches) {
            batch.merge(more);
        }
        self.ruined += other.ruined;
        self.clamped += other.clamped;
        self.histories.merge(&other.histories);
        self.rare.merge(&other.rare);
    }

    /// Paths that broke.
    pub(crate) fn broken(&self) -> u64 {
        let causes = [&self.events.drawdown, &self.events.daily_loss, &self.events.ruin];
        causes.into_iter().flatten().map(|&count| u64::from(count)).sum()
    }

    /// Paths in it, those on weighted histories apart.
    pub fn paths(&self) -> u64 {
        self.batches.iter().map(|batch| batch.paths).sum()
    }
}
