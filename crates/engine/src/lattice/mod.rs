//! Answers without sampling: the probabilities of a breach and of a pass, by dynamic programming.
//!
//! Under the IID and the stationary bootstrap an account's state (balance, peak, row) is a Markov chain. Put on a lattice
//! of balances it is a finite one, and the law of all paths is carried from step to step at once. [`problem`] reads a plan;
//! [`ladder`] lays the states out; [`grid`] puts rows on the lattice; [`chain`] carries the law; [`reach`] bounds how far
//! paths go; [`blur`] says what a lattice cannot see.
//!
//! Where all rows are multiples of one unit and their levels are few, the lattice is that unit and the answer is exact but
//! for rounding. Elsewhere the mass of each row is split over two levels, its mean kept by the split and the rows' variance
//! by drawing them together a little; barriers lie midway between levels. What is left is of second order in the spacing:
//! two spacings are solved and extrapolated (Richardson), and twice the whole of their difference is the stated error, or
//! more where a third spacing or [`blur`] says so. The lattice is made finer until that is little beside what sampling is off.

mod blur;
mod chain;
mod grid;
mod ladder;
mod problem;
mod reach;

use chain::Law;
use grid::Grid;
use ladder::Ladder;
use problem::{Floor, Problem};
use reach::Reach;

use crate::Plan;

/// Additions that all of one answer may take: about 50 ms of one core.
const WORK_MAX: f64 = 120_000_000.0;

/// The same for a weighted history, of which a result has hundreds: about half a millisecond.
const WORK_EACH: f64 = 1_200_000.0;

/// States times rows: 4 MiB.
const CELLS_MAX: usize = 1 << 19;

/// As many levels between the barriers, and as many in a row's deviation, are worth that work: then the stated error is
/// some 10⁻⁴.
const LEVELS_ENOUGH: (f64, f64) = (160.0, 8.0);

/// Additions that a finer lattice may take: about 10 ms. Few rows need it, whose law has steps that a lattice must not
/// blur.
const WORK_LITTLE: f64 = 30_000_000.0;

/// Nor is a lattice made finer whose stated error is this share of the sampled figure's standard error, beside which it stands.
const SAMPLED_SHARE: f64 = 0.1;

/// The finest lattice tried, where rows are no more than so many.
const LEVELS_MOST: f64 = 8_192.0;
const ROWS_FEW: usize = 2_000;

/// With more rows it takes too long to put them on a lattice.
const ROWS_MOST: usize = 50_000;

/// With fewer levels than these, between the barriers and in a row's deviation, there is nothing to extrapolate.
const LEVELS_FEWEST: (f64, f64) = (20.0, 2.0);

/// A lattice that is no surer than this says nothing.
const ERROR_MAX: f64 = 0.02;

/// How many times farther the wide lattice is off than the one between, beside the finest: (2² − 1) / ((4/3)² − 1).
const MIDDLE: f64 = 27.0 / 7.0;

/// Over 1,241 random histories twice the spacings' own differences held all errors but 4 (of 1,000 paths' lattices) to 9.
const SAFETY: f64 = 2.0;

/// Rounding of some 10⁷ additions of positive numbers.
const ROUNDING: f64 = 1e-12;

/// The law of the two ends of a path, step by step.
#[derive(Clone, Debug, PartialEq)]
pub struct ExactLaw {
    /// Probability that the account has broken by each step, from step 0 to the horizon.
    pub breached: Vec<f64>,
    /// Probability that it has passed by each step; zeros where there is nothing to pass.
    pub passed: Vec<f64>,
    /// Numerical error of the last of [`breached`](Self::breached), absolute.
    pub breached_error: f64,
    /// Numerical error of the last of [`passed`](Self::passed), absolute.
    pub passed_error: f64,
}

impl ExactLaw {
    /// The larger of the stated errors.
    fn error(&self) -> f64 {
        self.breached_error.max(self.passed_error)
    }
}

/// The exact law of a plan's paths, where a lattice applies: rows are trades, the floor is static or follows every close
/// at a distance (a fraction of a compounding balance, an amount of one that adds up), and the states are not too many.
pub fn exact_law(plan: &Plan) -> Option<ExactLaw> {
    let problem = Problem::of(plan)?;
    if problem.broken_at_start {
        return Some(settled(plan, 1.0));
    }
    if hopeless(&problem) {
        return None;
    }
    let reach = Reach::of(&problem);
    if problem.target.is_none() && reach.down < problem.start - problem.lowest_floor() {
        return Some(settled(plan, 0.0));
    }
    let law =
        on_the_rows_own_unit(&problem, &reach, WORK_MAX).or_else(|| between_spacings(&problem, &reach))?;
    Some(to_horizon(law, plan))
}

/// The law of the paths on a weighted history, where it takes little: rows that are drawn anew each, and have a unit. Blocks on its
/// thousands of rows take too much, and so do two spacings and what they cannot see.
pub(crate) fn law_of_history(plan: &Plan) -> Option<ExactLaw> {
    let problem = Problem::of(plan).filter(|problem| problem.jump.is_none() && !problem.broken_at_start)?;
    let law = on_the_rows_own_unit(&problem, &Reach::of(&problem), WORK_EACH)?;
    Some(to_horizon(law, plan))
}

/// So many rows, or blocks of so many rows and steps, that even the coarsest lattice is too much work; said before the
/// reach is looked for, which would take a while too.
fn hopeless(problem: &Problem) -> bool {
    let levels = match problem.floor {
        Floor::Trailing { distance, .. } if problem.deviation > 0.0 => {
            LEVELS_FEWEST.1 * distance / problem.deviation
        }
        _ => 0.0,
    };
    let levels = levels.max(LEVELS_FEWEST.0);
    let rows = problem.rows.len();
    rows > ROWS_MOST
        || problem.jump.is_some() && rows as f64 * f64::from(problem.steps) * levels > WORK_MAX / 2.0
}

/// Every path is broken from the start, or none ever breaks.
fn settled(plan: &Plan, breached: f64) -> ExactLaw {
    let points = plan.horizon.steps as usize + 1;
    ExactLaw {
        breached: vec![breached; points],
        passed: vec![0.0; points],
        breached_error: ROUNDING,
        passed_error: 0.0,
    }
}

/// The rows' greatest common divisor as the lattice.
fn on_the_rows_own_unit(problem: &Problem, reach: &Reach, work_max: f64) -> Option<ExactLaw> {
    let grid = Grid::of_unit(problem)?;
    let ladder = Ladder::new(problem, &grid, reach)?;
    if work(problem, &grid, &ladder) > work_max || cells(problem, &ladder) > CELLS_MAX {
        return None;
    }
    let Law { breached, passed } = chain::carry(problem, &grid, &ladder);
    Some(ExactLaw { breached, passed, breached_error: ROUNDING, passed_error: ROUNDING })
}

/// As many levels as are enough, and where rows are few more of them, until the law is as sure as it need be or the work is too
/// much.
fn between_spacings(problem: &Problem, reach: &Reach) -> Option<ExactLaw> {
    if problem.deviation == 0.0 {
        return None;
    }
    let deviations = problem.span(reach) / problem.deviation;
    let fewest = LEVELS_FEWEST.0.max(LEVELS_FEWEST.1 * deviations);
    let mut levels = LEVELS_ENOUGH.0.max(LEVELS_ENOUGH.1 * deviations).ceil();
    let mut surest = loop {
        if levels < fewest {
            return None;
        }
        if let Some(lattices) = lattices(problem, reach, levels, WORK_MAX) {
            break law_between(problem, &lattices);
        }
        levels = (0.8 * levels).floor();
    };
    while problem.rows.len() <= ROWS_FEW {
        let excess = excess(&surest, problem.paths);
        // The error is of second order; or of first, where few rows make it rough.
        let times = excess.sqrt().max(2.0);
        let finer = if excess > 1.0 { finer(problem, reach, levels, times) } else { None };
        let Some((more, lattices)) = finer else { break };
        levels = more;
        let law = law_between(problem, &lattices);
        if law.error() < surest.error() {
            surest = law;
        }
    }
    (surest.error() <= ERROR_MAX).then_some(surest)
}

/// Lattices of so many times as many levels, or of as many as take little work; `None` where that is hardly more.
fn finer(problem: &Problem, reach: &Reach, levels: f64, times: f64) -> Option<(f64, [(Grid, Ladder); 3])> {
    let mut more = (times * levels).floor().min(LEVELS_MOST);
    while more > 1.2 * levels {
        if let Some(lattices) = lattices(problem, reach, more, WORK_LITTLE) {
            return Some((more, lattices));
        }
        more = (0.8 * more).floor();
    }
    None
}

/// How many times the stated errors are what is little beside the error of `paths` sampled paths, by which a result is judged.
fn excess(law: &ExactLaw, paths: f64) -> f64 {
    let ends = [(&law.breached, law.breached_error), (&law.passed, law.passed_error)];
    let excess = ends.map(|(series, error)| {
        // With fewer events than one nothing is sampled of its chance.
        let rarest = 1.0 / (paths + 1.0);
        let chance = series.last().copied().unwrap_or(0.0).clamp(rarest, 1.0 - rarest);
        error / (SAMPLED_SHARE * (chance * (1.0 - chance) / paths).sqrt())
    });
    excess[0].max(excess[1])
}

/// What a fine lattice and one about twice as wide say of no spacing at all. Twice what they differ by at any step is the
/// stated error; a third between them makes it honest where rows are few, for there the error jumps with the spacing, and two
/// lattices may agree by chance.
fn law_between(problem: &Problem, [fine, middle, coarse]: &[(Grid, Ladder); 3]) -> ExactLaw {
    let blur = blur::error(problem, coarse.0.spacing);
    let ratio = coarse.0.spacing / fine.0.spacing;
    let gain = ratio * ratio - 1.0;
    let [fine, middle, coarse] =
        [fine, middle, coarse].map(|(grid, ladder)| chain::carry(problem, grid, ladder));
    let error = |of: fn(&Law) -> &[f64]| {
        let fine = of(&fine);
        SAFETY * farthest(fine, of(&coarse)).max(MIDDLE * farthest(fine, of(&middle))) + blur + ROUNDING
    };
    let (breached_error, passed_error) = (error(|law| &law.breached), error(|law| &law.passed));
    let breached = extrapolated(&fine.breached, &coarse.breached, gain);
    let mut passed = extrapolated(&fine.passed, &coarse.passed, gain);
    for (passed, breached) in passed.iter_mut().zip(&breached) {
        *passed = passed.min(1.0 - breached);
    }
    ExactLaw { breached, passed, breached_error, passed_error }
}

/// The lattices of so many levels, of three quarters and of half as many, where all are within the limits.
fn lattices(problem: &Problem, reach: &Reach, levels: f64, work_max: f64) -> Option<[(Grid, Ladder); 3]> {
    let mut all = 0.0;
    let mut lattice = |levels: f64| {
        let grid = Grid::of_levels(problem, reach, levels)?;
        let ladder = Ladder::new(problem, &grid, reach)?;
        all += work(problem, &grid, &ladder);
        (all <= work_max && cells(problem, &ladder) <= CELLS_MAX).then_some((grid, ladder))
    };
    Some([lattice(levels)?, lattice((0.75 * levels).floor())?, lattice((levels / 2.0).floor())?])
}

/// The most that two series differ by.
fn farthest(one: &[f64], other: &[f64]) -> f64 {
    one.iter().zip(other).map(|(one, other)| (one - other).abs()).fold(0.0, f64::max)
}

/// Additions.
fn work(problem: &Problem, grid: &Grid, ladder: &Ladder) -> f64 {
    (grid.atoms() * ladder.states) as f64 * f64::from(problem.steps)
}

/// Numbers held.
fn cells(problem: &Problem, ladder: &Ladder) -> usize {
    if problem.jump.is_some() { problem.rows.len().saturating_mul(ladder.states) } else { ladder.states }
}

/// `fine + (fine − coarse) / gain`, kept a cumulative probability.
fn extrapolated(fine: &[f64], coarse: &[f64], gain: f64) -> Vec<f64> {
    let mut so_far = 0.0_f64;
    fine.iter()
        .zip(coarse)
        .map(|(fine, coarse)| {
            so_far = so_far.max((fine + (fine - coarse) / gain).clamp(0.0, 1.0));
            so_far
        })
        .collect()
}

/// After a time limit nothing happens any more.
fn to_horizon(mut law: ExactLaw, plan: &Plan) -> ExactLaw {
    for series in [&mut law.breached, &mut law.passed] {
        series.resize(plan.horizon.steps as usize + 1, series.last().copied().unwrap_or(0.0));
    }
    law
}
