//! Which steps are watched and over which ranges: decided from the rows alone, so that all shards agree.

use super::Bins;
use crate::FieldError;
use crate::scale::RUIN_LINE;

/// Steps of a fan chart; more than a chart shows.
const MAX_STOPS: u32 = 64;
/// Counters of a finer fan, all stops together: 64 MiB a tally.
const MAX_FAN_COUNTERS: u32 = 1 << 24;
/// Bins of the final state: a thousandth of its deviation at the widths below.
const FINAL_BINS: u32 = 1 << 14;
/// Bins of the state at one stop.
const FAN_BINS: u32 = 512;
/// The same on a weighted history, whose few paths leave a percentile less certain than a bin is wide.
const REPLICATE_FAN_BINS: u32 = 512;
/// Bins of the final state on a weighted history, whose few paths need no finer ones.
const REPLICATE_BINS: u32 = 1 << 11;
/// Bins of the greatest drawdown, over 1 ..= 10⁹; no drawdown has the bin below to itself.
const DRAWDOWN_BINS: u32 = 1 << 12;
/// How many deviations of the sum of rows a range covers to either side.
const DEVIATIONS: f64 = 8.0;

/// The shape of a plan's tallies.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Layout {
    /// Rows in one path.
    pub(crate) steps: u32,
    /// The steps watched, ascending; the last is `steps`.
    pub(crate) stops: Vec<u32>,
    /// The state's bins at each.
    pub(crate) fan: Vec<Bins>,
    /// The final state's bins.
    pub(crate) final_state: Bins,
    /// The greatest drawdown's bins.
    pub(crate) drawdown: Bins,
}

/// What paths add up.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Moves<'a> {
    /// The steps that they draw from.
    pub(crate) rows: &'a [i64],
    /// Rows that move together, on average.
    pub(crate) block: f64,
    /// How far down and up from where it begins a run of rows goes that every path has once; 0 where there is none.
    pub(crate) once: (i64, i64),
}

impl Layout {
    /// For paths of `steps` rows from the state `start`.
    pub(crate) fn new(steps: u32, moves: Moves<'_>, start: i64) -> Self {
        Self::with(steps, moves, start, steps.min(MAX_STOPS), (FAN_BINS, FINAL_BINS))
    }

    /// The same for the few paths on a weighted history.
    pub(crate) fn of_replicate(&self, moves: Moves<'_>, start: i64) -> Self {
        let stops = self.stops_of_replicates() + 1;
        Self::with(self.steps, moves, start, stops as u32, (REPLICATE_FAN_BINS, REPLICATE_BINS))
    }

    /// Stops before the last at which weighted histories are seen: those of a fan no finer than a chart shows, or none.
    pub(crate) fn stops_of_replicates(&self) -> usize {
        if self.stops.len() <= MAX_STOPS as usize { self.stops.len() - 1 } else { 0 }
    }

    fn with(
        steps: u32,
        moves: Moves<'_>,
        start: i64,
        count: u32,
        (fan_bins, final_bins): (u32, u32),
    ) -> Self {
        let stops = stops_of(steps, count);
        let spread = Spread::of(moves);
        let bins = |step: u32, most| {
            let (low, high) = spread.after(step);
            Bins::spanning(start + low, start + high, most)
        };
        Self {
            steps,
            fan: stops.iter().map(|&step| bins(step, fan_bins)).collect(),
            stops,
            final_state: bins(steps, final_bins),
            drawdown: Bins::spanning(1, crate::kernel::DEPTH_ONE as i64, DRAWDOWN_BINS),
        }
    }

    /// The same, with a fan of `stops` steps evenly spaced, of at most `most` bins each, the same for all of them.
    pub(crate) fn with_fan(self, stops: u32, most: u32) -> Result<Self, FieldError> {
        if !(1..=self.steps).contains(&stops) {
            return Err(fault("stops", format!("must be 1 to {}, the steps of a path", self.steps)));
        }
        let limit = (MAX_FAN_COUNTERS / stops).min(Bins::NARROW - 2);
        if !(1..=limit).contains(&most) {
            return Err(fault("bins", format!("must be 1 to {limit} for a fan of {stops} stops")));
        }
        let (low, high) = self
            .fan
            .iter()
            .map(Bins::range)
            .fold((i64::MAX, i64::MIN), |(low, high), (least, most)| (low.min(least), high.max(most)));
        let bins = Bins::spanning(low, high, most);
        Ok(Self { stops: stops_of(self.steps, stops), fan: vec![bins; stops as usize], ..self })
    }
}

/// `count` of `steps` steps, evenly spaced; the last is `steps`.
fn stops_of(steps: u32, count: u32) -> Vec<u32> {
    (1..=u64::from(count)).map(|i| (i * u64::from(steps) / u64::from(count)) as u32).collect()
}

fn fault(field: &str, message: String) -> FieldError {
    FieldError { field: format!("fan.{field}"), message }
}

/// How sums of rows spread, ruin apart.
struct Spread {
    mean: f64,
    deviation: f64,
    block: f64,
    once: (f64, f64),
    least: f64,
    most: f64,
}

impl Spread {
    fn of(Moves { rows, block, once }: Moves<'_>) -> Self {
        let kept: Vec<f64> = rows.iter().filter(|&&step| step > RUIN_LINE).map(|&step| step as f64).collect();
        let count = kept.len().max(1) as f64;
        let mean = kept.iter().sum::<f64>() / count;
        let variance = kept.iter().map(|step| (step - mean) * (step - mean)).sum::<f64>() / count;
        Self {
            mean,
            deviation: variance.sqrt(),
            block,
            once: (once.0 as f64, once.1 as f64),
            least: kept.iter().copied().fold(0.0, f64::min),
            most: kept.iter().copied().fold(0.0, f64::max),
        }
    }

    /// Where the sum of `steps` rows lies, or of fewer where a path ends early: within its exact bounds, and within
    /// some deviations of the mean, with whole blocks moving together.
    fn after(&self, steps: u32) -> (i64, i64) {
        let steps = f64::from(steps);
        let reach = DEVIATIONS * self.deviation * (steps * self.block.min(steps)).sqrt();
        let low = (self.mean * steps - reach + self.once.0).min(self.least).max(self.least * steps);
        let high = (self.mean * steps + reach + self.once.1).max(self.most).min(self.most * steps);
        (low.floor() as i64, high.ceil() as i64)
    }
}
