//! The fan chart.

use super::outcomes;
use super::shape::{FanChart, Percentiles};
use crate::{Plan, Tally};

/// The balance's percentiles and the shares of broken and passed paths at the watched steps. `last` gives the last
/// step's percentiles from the final balances, which are known more exactly.
pub(super) fn chart(plan: &Plan, tally: &Tally, last: impl Fn(u64) -> f64) -> FanChart {
    let paths = tally.paths();
    let steps: Vec<u32> = std::iter::once(0).chain(plan.layout.stops.iter().copied()).collect();
    let balance = Percentiles::each(|permille| {
        let permille = u64::from(permille);
        let between = 0..plan.layout.stops.len() - 1;
        let states = between.map(|stop| tally.fan.quantile(stop, permille, paths));
        let balances = std::iter::once(plan.start.x).chain(states).map(|x| plan.scale.balance(x));
        balances.chain(std::iter::once(last(permille))).collect()
    });
    let passed =
        plan.limits.pass.map(|_| outcomes::share_by(&outcomes::passes(&tally.events), &steps, paths));
    FanChart {
        balance,
        floor: vec![plan.applied.floor_at_start().unwrap_or(0.0).max(0.0); steps.len()],
        breached: outcomes::share_by(&outcomes::breaches(&tally.events), &steps, paths),
        passed,
        steps,
    }
}
