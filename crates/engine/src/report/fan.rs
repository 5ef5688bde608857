//! The fan chart.

use super::outcomes;
use super::shape::{FanChart, Percentiles};
use crate::{Plan, Tally};

/// The balance's percentiles and the shares of broken and passed paths at the watched steps.
pub(super) fn chart(plan: &Plan, tally: &Tally) -> FanChart {
    let paths = tally.paths();
    let steps: Vec<u32> = std::iter::once(0).chain(plan.layout.stops.iter().copied()).collect();
    let balance = Percentiles::each(|permille| {
        let later = 0..plan.layout.stops.len();
        let states = later.map(|stop| tally.fan.quantile(stop, permille, paths));
        std::iter::once(plan.start.x).chain(states).map(|x| plan.scale.balance(x)).collect()
    });
    FanChart {
        balance,
        floor: vec![plan.scale.balance(plan.start.floor); steps.len()],
        breached: outcomes::share_by(&outcomes::breaches(&tally.events), &steps, paths),
        passed: plan.limits.pass.map(|_| outcomes::share_by(&outcomes::passes(&tally.events), &steps, paths)),
        steps,
    }
}
