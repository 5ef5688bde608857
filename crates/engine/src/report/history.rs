//! The error that comes from the history: the spread of a figure over histories weighted anew.

use super::levels::{self, Z95};
use super::shape::Estimate;
use crate::plan::REPLICATE_PATHS;
use crate::tally::{Draw, FanDraw, Figure, Histories};
use crate::{Plan, Tally};

/// Of the weighted histories, as many must have given a figure a value.
const PRESENT_MIN: f64 = 0.9;

/// What a history without a losing row leaves open: 1 − 95 %, a half at either end.
const TAIL: f64 = 0.025;

/// The weighted histories of a whole tally, or nothing to say.
pub(super) struct HistoryError<'a> {
    plan: &'a Plan,
    histories: Option<&'a Histories>,
}

impl<'a> HistoryError<'a> {
    /// Of a tally that holds all of the plan's weighted histories; else it says nothing.
    pub(super) fn new(plan: &'a Plan, tally: &'a Tally) -> Self {
        let is_whole = plan.histories > 0 && tally.histories.len() == plan.histories as usize;
        Self { plan, histories: is_whole.then_some(&tally.histories) }
    }

    /// The estimate with the history's interval beside the Monte Carlo one; `noise` is the standard error on each weighted
    /// history, where more is known of it than its few paths say.
    pub(super) fn beside(&self, figure: Figure, estimate: Estimate, noise: Option<f64>) -> Estimate {
        let less_noisy = |draw: Draw| Draw { error: noise.unwrap_or(draw.error), ..draw };
        let draws = self
            .histories
            .map(|histories| histories.draws(figure).map(|draw| draw.map(less_noisy)).collect());
        self.by_step(self.plan.steps(), figure, estimate, draws)
    }

    /// The fans at the `stop`-th of their steps; none where they are not told.
    pub(super) fn fans(&self, stop: usize) -> Option<Vec<FanDraw>> {
        self.histories?.fans(stop)
    }

    /// What is known for sure, whatever the history.
    pub(super) fn sure(&self, value: f64) -> Estimate {
        let ends = self.histories.map(|_| value);
        Estimate { history_lower: ends, history_upper: ends, ..Estimate::of(value) }
    }

    /// The same as [`Self::beside`] for a figure as it stands after so many steps, by its draws there.
    pub(super) fn by_step(
        &self,
        step: u32,
        figure: Figure,
        estimate: Estimate,
        draws: Option<Vec<Option<Draw>>>,
    ) -> Estimate {
        let (least, most) = figure.range();
        let estimate =
            Estimate { lower: estimate.lower.max(least), upper: estimate.upper.min(most), ..estimate };
        let Some((low, high)) =
            draws.and_then(|draws| interval(estimate.value, &draws, self.plan.weights(), figure.is_share()))
        else {
            return estimate;
        };
        let (low, mut high) = (low.min(estimate.value).max(least), high.max(estimate.value).min(most));
        if figure == Figure::Breach && self.plan.has_no_losing_row() {
            high = high.max(unseen_loss_bound(self.plan, step));
        }
        let width = estimate.upper - estimate.lower;
        let ratio = (high - low) / width;
        Estimate {
            history_lower: Some(low),
            history_upper: Some(high),
            error_ratio: ratio.is_finite().then_some(ratio),
            ..estimate
        }
    }
}

/// The 95 % interval of a figure over the weighted histories: order statistics of its draws, drawn towards their mean by
/// the share of their variance that is Monte Carlo noise of the few paths on each; `weights` units were weighted. Of a share of
/// paths (`is_share`), an end that rests on draws without any event is widened to what so many paths without an event leave
/// open.
fn interval(value: f64, draws: &[Option<Draw>], weights: u32, is_share: bool) -> Option<(f64, f64)> {
    let mut values: Vec<f64> = draws.iter().flatten().map(|draw| draw.value).collect();
    let count = values.len() as f64;
    if count < 2.0 || count < PRESENT_MIN * draws.len() as f64 {
        return None;
    }
    let mean = values.iter().sum::<f64>() / count;
    let total = values.iter().map(|value| (value - mean) * (value - mean)).sum::<f64>() / (count - 1.0);
    let noise = draws.iter().flatten().map(|draw| draw.error * draw.error).sum::<f64>() / count;
    let kept = if total > 0.0 { (1.0 - noise / total).max(0.0).sqrt() } else { 0.0 };
    values.sort_by(f64::total_cmp);
    let less = values.partition_point(|&draw| draw < value);
    let not_more = values.partition_point(|&draw| draw <= value);
    let (low_level, high_level) = levels::ends((less + not_more) as f64 / (2.0 * count), f64::from(weights));
    let quantile = |level: f64| values[(level * count).ceil().clamp(1.0, count) as usize - 1];
    let (lowest, highest) = (quantile(low_level), quantile(high_level));
    let drawn_in = |value: f64| mean + (value - mean) * kept;
    let (low, high) = (drawn_in(lowest), drawn_in(highest));
    let unseen = if is_share { unseen_share(count) } else { 0.0 };
    Some((
        if lowest == 1.0 { low.min(1.0 - unseen) } else { low },
        if highest == 0.0 { high.max(unseen) } else { high },
    ))
}

/// No event on any path of `count` weighted histories: their mean share is at most Wilson's bound, and a share that 2.5 % of them
/// pass is at most forty times their mean (Markov's inequality).
fn unseen_share(count: f64) -> f64 {
    let z2 = Z95 * Z95;
    z2 / (count * REPLICATE_PATHS as f64 + z2) / TAIL
}

/// No losing row among `n`: with 97.5 % confidence a row loses with a probability of at most `1 − 0.025^(1/n)` (Clopper and
/// Pearson, Biometrika 1934), and no account breaks without one in `steps` rows.
pub(crate) fn unseen_loss_bound(plan: &Plan, steps: u32) -> f64 {
    1.0 - libm::pow(TAIL, f64::from(steps) / f64::from(plan.past_rows))
}

impl Draw {
    /// What a weighted history gave for `figure`.
    pub(super) fn of(figure: Figure, estimate: Estimate, paths: u64) -> Self {
        let value = estimate.value;
        if figure.is_share() {
            return Self::of_share(value, paths);
        }
        Self { value, error: (estimate.upper - estimate.lower) / (2.0 * Z95) }
    }

    /// A share of `paths`.
    pub(super) fn of_share(value: f64, paths: u64) -> Self {
        Self { value, error: (value * (1.0 - value) / paths as f64).sqrt() }
    }
}

/// Which of a figure's two errors is the larger, as a sentence.
pub(super) fn larger_error(name: &str, estimate: &Estimate) -> Option<String> {
    let ratio = estimate.error_ratio?;
    Some(if ratio >= 1.0 {
        format!(
            "Of the two errors of {name} the history's is the larger: its interval is {ratio:.1} times as wide as the \
             Monte Carlo one. More paths would not make the figure more certain; a longer history would."
        )
    } else {
        format!(
            "Of the two errors of {name} the Monte Carlo error is the larger: the history's interval is {ratio:.2} times as \
             wide."
        )
    })
}

#[cfg(test)]
mod tests {
    use super::{Draw, interval};

    /// So many weights that none understate the spread.
    const MANY: u32 = u32::MAX;

    #[test]
    fn takes_the_noise_out_of_the_spread() {
        // Values −100 … 100, variance 3,383.5 with n − 1 = 200; half of it noise: the ends shrink by √½.
        let total = 2.0 * (1..=100).map(|v| f64::from(v * v)).sum::<f64>() / 200.0;
        let draws = |noise: f64| -> Vec<Option<Draw>> {
            (-100..=100).map(|v| Some(Draw { value: f64::from(v), error: (noise * total).sqrt() })).collect()
        };
        // Ranks ⌈0.025 · 201⌉ = 6 and ⌈0.975 · 201⌉ = 196.
        assert_eq!(interval(0.0, &draws(0.0), MANY, false), Some((-95.0, 95.0)));
        let (low, high) = interval(0.0, &draws(0.5), MANY, false).unwrap();
        assert!((low + 95.0 * 0.5_f64.sqrt()).abs() < 1e-9 && (high - 95.0 * 0.5_f64.sqrt()).abs() < 1e-9);
        assert_eq!(interval(0.0, &draws(2.0), MANY, false), Some((0.0, 0.0)), "nothing but noise");
    }

    #[test]
    fn shares_without_an_event_are_not_sure_to_be_0() {
        let none = vec![Some(Draw { value: 0.0, error: 0.0 }); 400];
        // 3.8415 / (204,800 + 3.8415) · 40.
        let (low, high) = interval(0.0, &none, MANY, true).unwrap();
        assert!(low == 0.0 && (high - 7.502_8e-4).abs() < 1e-7, "{high}");
        let all = vec![Some(Draw { value: 1.0, error: 0.0 }); 400];
        assert_eq!(interval(1.0, &all, MANY, true), Some((1.0 - high, 1.0)));
        assert_eq!(interval(0.0, &none, MANY, false), Some((0.0, 0.0)), "an amount may well be 0");
    }

    #[test]
    fn says_nothing_where_too_many_have_no_value() {
        let mut draws = vec![Some(Draw { value: 1.0, error: 0.0 }); 10];
        draws[0] = None;
        assert!(interval(1.0, &draws, MANY, false).is_some());
        draws[1] = None;
        assert!(interval(1.0, &draws, MANY, false).is_none());
    }
}
