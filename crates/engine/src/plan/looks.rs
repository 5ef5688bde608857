//! At which counts of paths a plan with a tolerance looks whether its figure is sure enough.

use super::{PlanError, WORK_MAX, replicate};
use crate::config::{Metric, Tolerance};
use crate::rules::{Limits, Payouts};
use crate::{FieldError, Plan, Tally, report};

/// Paths at the first look: 512 in each of the 32 sub-batches, so that their means are near normal; and few enough that one
/// who wants little waits for little.
const FIRST_LOOK: u64 = 1 << 14;

/// The budget unless the caller gives one: ten doublings of the first look, with which a probability's standard error is at
/// most 0.00013. More is seldom meant, for the error of the history itself does not shrink.
const DEFAULT_MAX_PATHS: u64 = 1 << 24;

/// What decides the number of paths, where it is not fixed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Looks {
    /// As asked for.
    pub(crate) tolerance: Tolerance,
    /// Weighted histories, where the caller said how many.
    histories: Option<u32>,
}

impl Looks {
    pub(super) fn new(tolerance: Tolerance, histories: Option<u32>) -> Self {
        Self { tolerance, histories }
    }

    /// Weighted histories beside `paths` paths.
    pub(super) fn histories(&self, paths: u64) -> u32 {
        self.histories.unwrap_or_else(|| replicate::default_count(paths))
    }
}

/// The most paths that a tolerance may take, of `steps` rows each.
pub(super) fn budget(tolerance: &Tolerance, steps: u32) -> Result<u64, PlanError> {
    let most = WORK_MAX / u64::from(steps);
    match tolerance.max_paths {
        Some(paths) if paths > most => Err(fault(
            "maxPaths",
            format!("must be at most {most} for paths of {steps} steps; it is {paths}"),
        )
        .into()),
        Some(paths) => Ok(paths),
        None => Ok(DEFAULT_MAX_PATHS.min(most)),
    }
}

/// Refuses a figure that the result will not have.
pub(super) fn check_metric(
    tolerance: &Tolerance,
    limits: &Limits,
    payouts: Option<&Payouts>,
) -> Result<(), FieldError> {
    let lacks = match tolerance.metric {
        Metric::PassProbability if limits.pass.is_none() => "there is nothing to pass under these rules",
        Metric::ExpectedPayout | Metric::ExpectedPayoutWeekly if payouts.is_none() => {
            "nothing is paid out under these rules"
        }
        Metric::ExpectedPayoutWeekly if payouts.is_some_and(|payouts| payouts.withdrawals.is_some()) => {
            "payouts leave the account under these rules, so none are told by the week"
        }
        _ => return Ok(()),
    };
    Err(fault("metric", format!("must be a figure that the result has: {lacks}")))
}

impl Plan {
    /// The count of paths at the next look, where more are needed than the tally holds.
    pub(super) fn next_look(&self, merged: &Tally) -> Option<u64> {
        let done = merged.paths();
        if done >= self.paths || self.looks.is_some() && report::is_sure_enough(self, merged) {
            return None;
        }
        Some(self.look_after(done))
    }

    /// The smallest count above `done` at which the plan looks; the last is all of its paths.
    pub(super) fn look_after(&self, done: u64) -> u64 {
        self.looks_at().find(|&count| count > done).unwrap_or(self.paths)
    }

    /// How many looks were taken by `done` paths.
    pub(crate) fn looks_by(&self, done: u64) -> u32 {
        self.looks_at().filter(|&count| count <= done).count() as u32
    }

    /// The counts at which the plan looks, ascending.
    fn looks_at(&self) -> impl Iterator<Item = u64> {
        let first = if self.looks.is_some() { FIRST_LOOK } else { self.paths };
        let doubled = move |&count: &u64| Some(count.saturating_mul(2));
        let before = std::iter::successors(Some(first), doubled).take_while(|&count| count < self.paths);
        before.chain([self.paths])
    }
}

fn fault(field: &str, message: String) -> FieldError {
    FieldError { field: format!("config.tolerance.{field}"), message }
}
