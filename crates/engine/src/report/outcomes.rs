//! What became of the paths, and when.

use super::shape::{BreachCauses, EventTime};
use crate::tally::Events;

/// Paths that broke, by step.
pub(super) fn breaches(events: &Events) -> Vec<u64> {
    let mut broken = vec![0; events.drawdown.len()];
    for by_step in [&events.drawdown, &events.daily_loss, &events.ruin] {
        broken.iter_mut().zip(by_step).for_each(|(broken, &count)| *broken += u64::from(count));
    }
    broken
}

/// What broke them.
pub(super) fn causes(events: &Events) -> BreachCauses {
    let total = |by_step: &[u32]| by_step.iter().map(|&count| u64::from(count)).sum();
    BreachCauses {
        drawdown: total(&events.drawdown),
        daily_loss: total(&events.daily_loss),
        ruin: total(&events.ruin),
    }
}

/// Paths that passed, by step.
pub(super) fn passes(events: &Events) -> Vec<u64> {
    events.pass.iter().map(|&count| u64::from(count)).collect()
}

/// When the event came, where it did.
pub(super) fn time(by_step: &[u64]) -> Option<EventTime> {
    let total: u64 = by_step.iter().sum();
    if total == 0 {
        return None;
    }
    let weighted: u128 = by_step.iter().zip(0_u128..).map(|(&count, step)| u128::from(count) * step).sum();
    let mut so_far = 0;
    let median = by_step.iter().position(|&count| {
        so_far += count;
        2 * so_far >= total
    });
    Some(EventTime { mean_steps: weighted as f64 / total as f64, median_steps: median.unwrap_or(0) as u32 })
}

/// The share of `paths` on which the event came by each of `steps` (ascending).
pub(super) fn share_by(by_step: &[u64], steps: &[u32], paths: u64) -> Vec<f64> {
    let mut cumulated = by_step.to_vec();
    for step in 1..cumulated.len() {
        cumulated[step] += cumulated[step - 1];
    }
    steps.iter().map(|&step| cumulated[step as usize] as f64 / paths as f64).collect()
}
