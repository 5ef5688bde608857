//! What became of the paths, and when.

use super::estimates::about;
use super::levels::{Z95, student_quantile};
use super::shape::{BreachCauses, Estimate, EventTime, EventTimeErrors};
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

/// Fewer events tell no error of their mean time.
const EVENTS_MIN: u64 = 5;

/// When the event came, where it did.
pub(super) fn time(by_step: &[u64]) -> Option<EventTime> {
    let total: u64 = by_step.iter().sum();
    if total == 0 {
        return None;
    }
    let weighted: u128 = by_step.iter().zip(0_u128..).map(|(&count, step)| u128::from(count) * step).sum();
    let median_steps = step_of(by_step, total.div_ceil(2));
    Some(EventTime { mean_steps: weighted as f64 / total as f64, median_steps })
}

/// The same with its Monte Carlo intervals; none where the event came too seldom.
pub(super) fn time_errors(by_step: &[u64]) -> Option<EventTimeErrors> {
    let total: u64 = by_step.iter().sum();
    if total < EVENTS_MIN {
        return None;
    }
    let EventTime { mean_steps, median_steps } = time(by_step)?;
    let count = total as f64;
    let squares = by_step.iter().zip(0_u32..).map(|(&events, step)| {
        let apart = f64::from(step) - mean_steps;
        events as f64 * apart * apart
    });
    let variance = squares.sum::<f64>() / (count - 1.0);
    // The ranks between which the median lies: the normal approximation to the binomial distribution.
    let half = Z95 * count.sqrt() / 2.0;
    let at = |rank: f64| f64::from(step_of(by_step, rank.clamp(1.0, count) as u64));
    Some(EventTimeErrors {
        mean_steps: about(mean_steps, student_quantile(count - 1.0) * (variance / count).sqrt()),
        median_steps: Estimate {
            lower: at((count / 2.0 - half).floor()),
            upper: at((count / 2.0 + half).ceil()),
            ..Estimate::of(f64::from(median_steps))
        },
    })
}

/// The step of the `rank`-th event, the first being 1.
fn step_of(by_step: &[u64], rank: u64) -> u32 {
    let mut so_far = 0;
    let reached = by_step.iter().position(|&count| {
        so_far += count;
        so_far >= rank
    });
    reached.unwrap_or(0) as u32
}

/// Paths on which the event had come by each of `steps`.
pub(super) fn counts_by(by_step: &[u64], steps: &[u32]) -> impl Iterator<Item = u64> {
    let mut cumulated = by_step.to_vec();
    for step in 1..cumulated.len() {
        cumulated[step] += cumulated[step - 1];
    }
    steps.iter().map(move |&step| cumulated[step as usize])
}

#[cfg(test)]
mod tests {
    use super::time_errors;

    #[test]
    fn the_errors_of_times_by_hand() {
        // Step 2 ten times, step 4 thirty times, step 9 sixty times: mean 6.8, variance (230.4 + 235.2 + 290.4) / 99.
        let told = time_errors(&[0, 0, 10, 0, 30, 0, 0, 0, 0, 60]).unwrap();
        let half = 1.984_2 * (756.0_f64 / 99.0 / 100.0).sqrt();
        assert!((told.mean_steps.value - 6.8).abs() < 1e-12);
        assert!((told.mean_steps.upper - 6.8 - half).abs() < 1e-4, "{told:?}");
        // Ranks 50 ± 9.8: the 40th event is the last at step 4, the 60th came at step 9.
        let median = told.median_steps;
        assert_eq!((median.lower, median.value, median.upper), (4.0, 9.0, 9.0));
    }

    #[test]
    fn a_handful_of_events_tells_no_error() {
        assert_eq!(time_errors(&[1, 0, 3]), None);
        assert!(time_errors(&[1, 0, 4]).is_some());
    }
}
