//! Carries the law of an account from step to step.

use super::grid::{Atom, Grid};
use super::ladder::{Ladder, Plane};
use super::problem::Problem;
use crate::Instructions;
use crate::instructions::{Kind, Work};

/// Sums are of this many columns, so that they can be added side by side; part of what the bits are.
const COLUMNS: usize = 8;

/// Cumulative probabilities, from step 0 to the problem's last.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Law {
    /// Of a breach.
    pub(super) breached: Vec<f64>,
    /// Of a pass.
    pub(super) passed: Vec<f64>,
}

/// The law of `problem` on `grid`.
pub(super) fn carry(problem: &Problem, grid: &Grid, ladder: &Ladder) -> Law {
    carry_by(Instructions::best(), problem, grid, ladder)
}

/// The law by given instructions: the same bits by all.
fn carry_by(instructions: Instructions, problem: &Problem, grid: &Grid, ladder: &Ladder) -> Law {
    let mut law = Law::default();
    instructions.run(Carrying { problem, grid, ladder, law: &mut law });
    law
}

struct Carrying<'a> {
    problem: &'a Problem,
    grid: &'a Grid,
    ladder: &'a Ladder,
    law: &'a mut Law,
}

impl Work for Carrying<'_> {
    /// `all` holds the mass of each place. Where blocks go on, `blocks` holds it by the row that came last, and a block's
    /// masses stay where they are while its row moves on: so what goes on needs no move, and what jumps is `all`, spread
    /// once over every row.
    #[inline(always)]
    fn run(self, _kind: impl Kind) {
        let Self { problem, grid, ladder, law } = self;
        let states = ladder.states;
        let count = grid.rows.len();
        let mut all = vec![0.0; states];
        for &(place, share) in &ladder.opening {
            all[place] += share;
        }
        let mut blocks = vec![0.0; if problem.jump.is_some() { count * states } else { 0 }];
        let (mut moving, mut next) = (vec![0.0; states], vec![0.0; states]);
        let (mut breached, mut passed) = (0.0, 0.0);
        law.breached.push(breached);
        law.passed.push(passed);
        for step in 1..=problem.steps {
            let step_index = step as usize - 1;
            let target = problem.target.map(|target| target.minimum);
            // Accounts at the target have left from the minimum's step on.
            let gone = target.is_some_and(|minimum| u64::from(step) > minimum && step > 1);
            let passing = target.is_some_and(|minimum| u64::from(step) >= minimum);
            next.fill(0.0);
            match problem.jump {
                None => breached += spread(ladder, &grid.rows[0], gone, &all, &mut next),
                Some(jump) => {
                    // Every path jumps to its first row.
                    let (stay, jump) = if step == 1 { (0.0, 1.0) } else { (1.0 - jump, jump) };
                    let share = jump / count as f64;
                    for (block, masses) in blocks.chunks_exact_mut(states).enumerate() {
                        let row = &grid.rows[(block + step_index) % count];
                        for ((moving, mass), all) in moving.iter_mut().zip(masses.iter_mut()).zip(&all) {
                            *moving = stay * *mass + share * *all;
                            *mass = 0.0;
                        }
                        breached += spread(ladder, row, gone, &moving, masses);
                        if passing {
                            passed += take_passing(ladder, masses);
                        }
                        for (next, mass) in next.iter_mut().zip(masses.iter()) {
                            *next += mass;
                        }
                    }
                }
            }
            if passing && problem.jump.is_none() {
                passed += take_passing(ladder, &mut next);
            }
            std::mem::swap(&mut all, &mut next);
            law.breached.push(breached);
            law.passed.push(passed);
        }
    }
}

/// Moves the masses `from` by a row, adds them `to` their new places, and returns what broke.
#[inline(always)]
fn spread(ladder: &Ladder, row: &[Atom], gone: bool, from: &[f64], to: &mut [f64]) -> f64 {
    let mut broken = 0.0;
    let top = ladder.planes.len() - 1;
    for (peak, plane) in ladder.planes.iter().enumerate() {
        let Plane { first, len, passing } = *plane;
        let masses = &from[first..first + len];
        let begin = if gone { passing } else { 0 };
        for atom in row {
            let (up, down) = (atom.levels.max(0) as usize, (-atom.levels).max(0) as usize);
            // Places `begin .. leaves` rise above the peak, `stays .. breaks` stay below it, the rest breaks.
            let leaves = up.clamp(begin, len);
            let breaks = len.saturating_sub(down).max(leaves);
            if leaves < breaks {
                let into = &mut to[first + leaves + down - up..first + breaks + down - up];
                for (to, mass) in into.iter_mut().zip(&masses[leaves..breaks]) {
                    *to += atom.weight * mass;
                }
            }
            if breaks < len {
                broken += atom.weight * sum(&masses[breaks..]);
            }
            if begin < leaves {
                if peak == top {
                    to[first] += atom.weight * sum(&masses[begin..leaves]);
                } else {
                    for (place, mass) in masses[..leaves].iter().enumerate().skip(begin) {
                        let level = (peak + up - place) as i64;
                        to[ladder.place(level, level)] += atom.weight * mass;
                    }
                }
            }
        }
    }
    broken
}

/// Takes out the masses at or above the target.
#[inline(always)]
fn take_passing(ladder: &Ladder, masses: &mut [f64]) -> f64 {
    let mut passed = 0.0;
    for plane in &ladder.planes {
        let passing = &mut masses[plane.first..plane.first + plane.passing];
        passed += sum(passing);
        passing.fill(0.0);
    }
    passed
}

#[inline(always)]
fn sum(masses: &[f64]) -> f64 {
    let mut columns = [0.0; COLUMNS];
    let rows = masses.chunks_exact(COLUMNS);
    let rest = rows.remainder();
    for row in rows {
        for (column, mass) in columns.iter_mut().zip(row) {
            *column += mass;
        }
    }
    columns.iter().sum::<f64>() + rest.iter().sum::<f64>()
}

#[cfg(test)]
mod tests {
    use super::carry_by;
    use crate::Instructions;
    use crate::lattice::ROUNDING;
    use crate::lattice::grid::Grid;
    use crate::lattice::ladder::Ladder;
    use crate::lattice::problem::{Floor, Problem, Target};
    use crate::lattice::reach::Reach;

    /// Three rows, +2, −1 and −1, in blocks of 1.6 on average; a floor 4 below the peak, a target 5 above the start.
    fn problem() -> Problem {
        Problem {
            rows: vec![2.0, -1.0, -1.0],
            shares: vec![1.0 / 3.0; 3],
            jump: Some(0.625),
            steps: 9,
            start: 100.0,
            peak: 101.0,
            floor: Floor::Trailing { distance: 4.0, ceiling: 99.0 },
            target: Some(Target { at: 105.0, minimum: 4 }),
            broken_at_start: false,
            mean: 0.0,
            deviation: 2.0_f64.sqrt(),
            paths: 1e6,
        }
    }

    /// Every path of `problem`, row by row: the probabilities of a breach and of a pass by its last step.
    fn every_path(problem: &Problem) -> (f64, f64) {
        fn from(problem: &Problem, step: u64, row: usize, (x, peak): (f64, f64), weight: f64) -> (f64, f64) {
            let x = x + problem.rows[row];
            let peak = peak.max(x);
            let floor = match problem.floor {
                Floor::Static(at) => at,
                Floor::Trailing { distance, ceiling } => (peak - distance).min(ceiling),
            };
            if x <= floor {
                return (weight, 0.0);
            }
            if problem.target.is_some_and(|target| x >= target.at && step >= target.minimum) {
                return (0.0, weight);
            }
            let (mut ends, count) = ((0.0, 0.0), problem.rows.len());
            if step < u64::from(problem.steps) {
                let jump = problem.jump.unwrap_or(1.0);
                for next in 0..count {
                    let goes_on = if next == (row + 1) % count { 1.0 - jump } else { 0.0 };
                    let weight = weight * (goes_on + jump / count as f64);
                    let (breached, passed) = from(problem, step + 1, next, (x, peak), weight);
                    ends = (ends.0 + breached, ends.1 + passed);
                }
            }
            ends
        }
        let each = (0..problem.rows.len())
            .map(|row| from(problem, 1, row, (problem.start, problem.peak), 1.0 / problem.rows.len() as f64));
        each.fold((0.0, 0.0), |sum, ends| (sum.0 + ends.0, sum.1 + ends.1))
    }

    fn assert_is_the_sum_over_all_paths(problem: &Problem) {
        let grid = Grid::of_unit(problem).expect("a unit");
        assert_eq!(grid.spacing, 1.0);
        let ladder = Ladder::new(problem, &grid, &Reach::of(problem)).expect("few states");
        let law = carry_by(Instructions::Scalar, problem, &grid, &ladder);
        let (breached, passed) = every_path(problem);
        let last = problem.steps as usize;
        let off = (law.breached[last] - breached).abs().max((law.passed[last] - passed).abs());
        assert!(off < ROUNDING, "{problem:?}: {law:?} is not {breached}, {passed}");
    }

    #[test]
    fn a_small_chain_is_the_sum_over_all_its_paths() {
        let trailing = [99.0, 103.0, f64::INFINITY].map(|ceiling| Floor::Trailing { distance: 4.0, ceiling });
        for floor in trailing.into_iter().chain([Floor::Static(97.0)]) {
            let peak = if matches!(floor, Floor::Static(_)) { 100.0 } else { 101.0 };
            for jump in [None, Some(0.625)] {
                let targets = [99.0, 101.0, 103.0, 105.0]
                    .into_iter()
                    .flat_map(|at| [0, 1, 2, 4, 9, 10].map(|minimum| Some(Target { at, minimum })));
                for target in targets.chain([None]) {
                    let problem = Problem { jump, peak, floor, target, ..problem() };
                    assert_is_the_sum_over_all_paths(&problem);
                }
            }
        }
    }

    #[test]
    fn has_the_same_bits_by_all_instructions() {
        let rows: Vec<f64> = (0..50).map(|n| f64::from((n * 37) % 101) - 49.3).collect();
        let mean = rows.iter().sum::<f64>() / 50.0;
        let deviation = (rows.iter().map(|row| (row - mean) * (row - mean)).sum::<f64>() / 50.0).sqrt();
        let floor = Floor::Trailing { distance: 200.0, ceiling: 50.0 };
        let problem = Problem {
            shares: vec![0.02; 50],
            rows,
            floor,
            mean,
            deviation,
            steps: 30,
            start: 80.0,
            ..problem()
        };
        let reach = Reach::of(&problem);
        let grid = Grid::of_levels(&problem, &reach, 60.0).expect("a grid");
        let ladder = Ladder::new(&problem, &grid, &reach).expect("few states");
        let scalar = carry_by(Instructions::Scalar, &problem, &grid, &ladder);
        assert!(scalar.breached[30] > 0.01 && scalar.passed[30] > 0.01, "{scalar:?}");
        for kind in Instructions::ALL.into_iter().filter(|kind| kind.are_there()) {
            assert_eq!(carry_by(kind, &problem, &grid, &ladder), scalar, "{kind:?}");
        }
    }
}
