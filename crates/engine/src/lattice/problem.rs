//! What a lattice needs to know of a plan.

use super::reach::Reach;
use crate::models::Process;
use crate::rules::floor::{Drop, Follows};
use crate::scale::RUIN_LINE;
use crate::{Level, Plan};

/// Where an account breaks; in the units of the state.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Floor {
    /// At and below a balance.
    Static(f64),
    /// At a distance below the highest close, but never above a ceiling (which may be infinite).
    Trailing {
        /// How far below.
        distance: f64,
        /// The lock.
        ceiling: f64,
    },
}

/// Where an account passes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Target {
    /// At and above this state.
    pub(super) at: f64,
    /// And not before this step.
    pub(super) minimum: u64,
}

/// A plan as a random walk between barriers.
#[derive(Clone, Debug)]
pub(super) struct Problem {
    /// The step of each row; in ascending order, each once, where every row is drawn anew.
    pub(super) rows: Vec<f64>,
    /// The probability of each: together 1.
    pub(super) shares: Vec<f64>,
    /// The probability that a block ends with a row; `None` where every row is drawn anew.
    pub(super) jump: Option<f64>,
    /// Rows until the account is closed.
    pub(super) steps: u32,
    /// The state at the start.
    pub(super) start: f64,
    /// The highest close at the start; the start where no floor follows it.
    pub(super) peak: f64,
    /// Where it breaks.
    pub(super) floor: Floor,
    /// Where it passes, if anywhere.
    pub(super) target: Option<Target>,
    /// The start is at or below the floor.
    pub(super) broken_at_start: bool,
    /// Of one row.
    pub(super) mean: f64,
    /// Of one row.
    pub(super) deviation: f64,
    /// Sampled paths, beside which the law stands.
    pub(super) paths: f64,
}

impl Problem {
    /// Reads a plan; `None` where its paths are no walk between such barriers.
    pub(super) fn of(plan: &Plan) -> Option<Self> {
        let steps = &plan.rows.trades;
        if plan.horizon.level != Level::Trade
            || plan.filter.is_some()
            || steps.iter().any(|&step| step <= RUIN_LINE)
        {
            return None;
        }
        if plan.withdrawals().is_some() {
            return None;
        }
        let floor = floor(plan)?;
        let jump = match &plan.process {
            Process::Iid(_) => None,
            Process::Stationary(process) => Some(1.0 / process.length()),
            // Its chain would hold the place in the block, the state, or whether the week has been.
            Process::Circular(_) | Process::Regimes(_) | Process::WorstWeek(_) => return None,
        };
        let (rows, counts) = if jump.is_none() { each_once(steps) } else { each_alike(steps) };
        let start = plan.start.x as f64;
        let count = steps.len() as f64;
        // Divided at last, so that the mean of equal rows is theirs.
        let expected = |of: &dyn Fn(f64) -> f64| {
            rows.iter().zip(&counts).map(|(&row, count)| count * of(row)).sum::<f64>() / count
        };
        let mean = expected(&|row| row);
        let variance = expected(&|row| (row - mean) * (row - mean));
        Some(Self {
            shares: counts.iter().map(|times| times / count).collect(),
            jump,
            steps: plan.horizon.last_step,
            start,
            peak: if matches!(floor, Floor::Static(_)) { start } else { plan.start.peak as f64 },
            floor,
            target: plan.limits.pass.map(|pass| Target {
                at: pass.at as f64,
                minimum: pass.min_trades.max(pass.min_rows.into()),
            }),
            broken_at_start: plan.start.x <= plan.start.floor,
            mean,
            deviation: variance.sqrt(),
            paths: plan.paths() as f64,
            rows,
        })
    }

    /// The floor at the start: no later one is lower.
    pub(super) fn lowest_floor(&self) -> f64 {
        match self.floor {
            Floor::Static(at) => at,
            Floor::Trailing { distance, ceiling } => (self.peak - distance).min(ceiling),
        }
    }

    /// What the levels divide: the distance between the barriers, or where there is but one, that to what paths reach.
    pub(super) fn span(&self, reach: &Reach) -> f64 {
        match (self.floor, self.target) {
            (Floor::Trailing { distance, .. }, _) => distance,
            (Floor::Static(floor), Some(target)) if target.at > floor && self.start - floor <= reach.down => {
                target.at - floor
            }
            (Floor::Static(floor), _) => (self.start - floor).max(2.0 * self.deviation).min(reach.down),
        }
    }

    /// Whether a pass is looked for from the first close on.
    pub(super) fn passes_at_once(&self) -> bool {
        self.target.is_some_and(|target| target.minimum <= 1)
    }
}

/// All rows, and how often each comes: once.
fn each_alike(steps: &[i64]) -> (Vec<f64>, Vec<f64>) {
    steps.iter().map(|&step| (step as f64, 1.0)).unzip()
}

/// The values of rows whose order does not matter, and how often each comes.
fn each_once(steps: &[i64]) -> (Vec<f64>, Vec<f64>) {
    let mut sorted = steps.to_vec();
    sorted.sort_unstable();
    let same = sorted.chunk_by(|a, b| a == b);
    same.map(|same| (same[0] as f64, same.len() as f64)).unzip()
}

fn floor(plan: &Plan) -> Option<Floor> {
    let rule = plan.limits.floor;
    let (ceiling, peak) = (rule.ceiling.max(rule.ruin), plan.start.peak);
    match (rule.follows, rule.drop) {
        (Follows::Nothing, _) => Some(Floor::Static(ceiling as f64)),
        (Follows::EveryClose, Drop::Distance(distance)) => {
            let standing = peak.saturating_sub(distance);
            if standing >= ceiling {
                Some(Floor::Static(ceiling as f64))
            } else if standing < rule.ruin {
                None
            } else {
                let ceiling = if ceiling == i64::MAX { f64::INFINITY } else { ceiling as f64 };
                Some(Floor::Trailing { distance: distance as f64, ceiling })
            }
        }
        _ => None,
    }
}
