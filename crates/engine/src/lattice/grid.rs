//! Rows on a lattice of equal spacing.

use super::problem::{Floor, Problem};
use super::reach::Reach;

/// Rounds of the search for the factor that keeps the variance; each gains about two digits.
const ROUNDS: usize = 8;

/// Spacings tried where three barriers want to lie midway between levels.
const TRIES: u32 = 16;

/// A move by so many levels, upwards where positive, with a probability.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Atom {
    /// Levels.
    pub(super) levels: i64,
    /// Its share.
    pub(super) weight: f64,
}

/// How the lattice lies.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Grid {
    /// The state at level 0; the peak at the start is within `0 .. 1` levels.
    pub(super) origin: f64,
    /// Between levels, in the units of the state.
    pub(super) spacing: f64,
    /// What each row does, or the one row that stands for all where each is drawn anew.
    pub(super) rows: Vec<Vec<Atom>>,
}

impl Grid {
    /// On the greatest common divisor of the rows (and of the drawdown at the start).
    pub(super) fn of_unit(problem: &Problem) -> Option<Self> {
        let trailing = matches!(problem.floor, Floor::Trailing { .. });
        let drawdown = if trailing { problem.peak - problem.start } else { 0.0 };
        let unit =
            problem.rows.iter().chain([&drawdown]).fold(0_u64, |unit, &row| gcd(unit, row.abs() as u64));
        let spacing = unit.max(1) as f64;
        let rows = problem.rows.iter().map(|row| vec![Atom { levels: (row / spacing) as i64, weight: 1.0 }]);
        let origin = if trailing { problem.peak } else { problem.start };
        Some(Self {
            origin,
            spacing,
            rows: if problem.jump.is_some() { rows.collect() } else { vec![merged(rows, &problem.shares)] },
        })
    }

    /// On `levels` levels in the problem's span, with the barriers midway between levels; `None` where one level is
    /// wider than the rows spread.
    pub(super) fn of_levels(problem: &Problem, reach: &Reach, levels: f64) -> Option<Self> {
        let span = problem.span(reach);
        let half = span / (levels + 0.5);
        let (spacing, anchor) = match (problem.floor, problem.target) {
            (Floor::Trailing { ceiling, .. }, None) => (half, ceiling.is_finite().then_some(ceiling)),
            (Floor::Trailing { ceiling, .. }, Some(target)) if ceiling.is_finite() => {
                (three_barriers(span, (target.at - ceiling).abs(), levels), Some(target.at))
            }
            (Floor::Trailing { .. }, Some(target)) => (half, Some(target.at)),
            (Floor::Static(floor), _) if problem.start - floor <= reach.down => (span / levels, Some(floor)),
            (Floor::Static(_), target) => (span / levels, target.map(|target| target.at)),
        };
        let origin = anchor.map_or(problem.peak, |anchor| {
            let offset = (problem.peak - anchor) / spacing + 0.5;
            problem.peak - (offset - offset.floor()) * spacing
        });
        let drawn = drawn_together(problem, spacing)?;
        let rows = drawn.iter().map(|&levels| split(levels));
        Some(Self {
            origin,
            spacing,
            rows: if problem.jump.is_some() { rows.collect() } else { vec![merged(rows, &problem.shares)] },
        })
    }

    /// A state in levels.
    pub(super) fn level(&self, state: f64) -> f64 {
        (state - self.origin) / self.spacing
    }

    /// How many moves one step takes.
    pub(super) fn atoms(&self) -> usize {
        self.rows.iter().map(Vec::len).sum()
    }
}

/// The spacing of about `levels` levels in `span` at which `between` is nearest to a whole number of levels.
fn three_barriers(span: f64, between: f64, levels: f64) -> f64 {
    let off = |spacing: f64| {
        let between = between / spacing;
        (between - between.round()).abs()
    };
    let tried = (0..TRIES.min((levels / 4.0) as u32)).map(|less| span / (levels - f64::from(less) + 0.5));
    tried.min_by(|a, b| off(*a).total_cmp(&off(*b))).unwrap_or(span / (levels + 0.5))
}

/// The rows in levels, each drawn towards their mean by the one factor at which the split's own variance makes up for it.
fn drawn_together(problem: &Problem, spacing: f64) -> Option<Vec<f64>> {
    let (mean, deviation) = (problem.mean / spacing, problem.deviation / spacing);
    let at = |factor: f64| problem.rows.iter().map(move |row| mean + factor * (row / spacing - mean));
    let mut factor = 1.0;
    for _ in 0..ROUNDS {
        let split = at(factor).map(|row| row - row.floor()).map(|part| part * (1.0 - part));
        let added: f64 = split.zip(&problem.shares).map(|(variance, share)| variance * share).sum();
        let left = 1.0 - added / (deviation * deviation);
        if left.is_nan() || left <= 0.0 {
            return None;
        }
        factor = left.sqrt();
    }
    Some(at(factor).collect())
}

/// Over the two nearest levels, the mean kept.
fn split(levels: f64) -> Vec<Atom> {
    let below = levels.floor();
    let part = levels - below;
    [(below, 1.0 - part), (below + 1.0, part)]
        .into_iter()
        .filter(|&(_, weight)| weight > 0.0)
        .map(|(levels, weight)| Atom { levels: levels as i64, weight })
        .collect()
}

/// One row that stands for all.
fn merged(rows: impl Iterator<Item = Vec<Atom>>, shares: &[f64]) -> Vec<Atom> {
    let shared = |(row, share): (Vec<Atom>, &f64)| {
        let share = *share;
        row.into_iter().map(move |atom| Atom { weight: atom.weight * share, ..atom })
    };
    let mut all: Vec<Atom> = rows.zip(shares).flat_map(shared).collect();
    // Equal levels in the order of their weights, so that the order of the rows changes no bit.
    all.sort_by(|a, b| a.levels.cmp(&b.levels).then(a.weight.total_cmp(&b.weight)));
    all.chunk_by(|a, b| a.levels == b.levels)
        .map(|same| Atom { levels: same[0].levels, weight: same.iter().map(|atom| atom.weight).sum() })
        .collect()
}

fn gcd(a: u64, b: u64) -> u64 {
    if b == 0 { a } else { gcd(b, a % b) }
}

#[cfg(test)]
mod tests {
    use super::{Atom, drawn_together, split, three_barriers};
    use crate::lattice::problem::{Floor, Problem};

    #[test]
    fn a_lattice_keeps_the_rows_mean_and_variance() {
        let rows = vec![3.1, -2.7, 0.4, 5.9, -4.45, 1.0, -0.2, -1.3];
        let mean = rows.iter().sum::<f64>() / 8.0;
        let deviation = (rows.iter().map(|row| (row - mean) * (row - mean)).sum::<f64>() / 8.0).sqrt();
        let problem = Problem {
            rows,
            shares: vec![0.125; 8],
            jump: None,
            steps: 1,
            start: 0.0,
            peak: 0.0,
            floor: Floor::Static(-10.0),
            target: None,
            broken_at_start: false,
            mean,
            deviation,
            paths: 1e6,
        };
        for spacing in [0.3, 0.7, 1.0, 1.9] {
            let drawn = drawn_together(&problem, spacing).expect("a fine lattice");
            let atoms: Vec<Atom> = drawn.iter().flat_map(|&levels| split(levels)).collect();
            let moment = |of: &dyn Fn(f64) -> f64| {
                atoms.iter().map(|atom| atom.weight * of(atom.levels as f64 * spacing)).sum::<f64>() / 8.0
            };
            assert!((moment(&|x| x) - mean).abs() < 1e-12);
            let variance = moment(&|x| (x - mean) * (x - mean));
            assert!((variance / deviation / deviation - 1.0).abs() < 1e-3, "{spacing}: {variance}");
        }
        assert_eq!(drawn_together(&problem, 100.0), None, "one level is wider than all rows");
    }

    #[test]
    fn a_lock_finds_its_place_between_levels() {
        // 0.35 is 7 levels of 0.05, and 1.025 are 20.5 of them.
        assert!((three_barriers(1.025, 0.35, 21.0) - 0.05).abs() < 1e-12);
    }
}
