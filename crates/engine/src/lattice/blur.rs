//! What a lattice cannot see: rows that come in few sizes keep a walk on points of its own, and a split blurs them.

use super::problem::Problem;

/// Rows looked at.
const ROWS_MAX: usize = 512;

/// Frequencies looked at, in tenths of one over a row's deviation. Lower ones the kept variance takes care of; those
/// above move a barrier by less than the spacing does.
const FREQUENCIES: std::ops::RangeInclusive<u32> = 20..=160;

/// About how far off the split puts a probability where the walk's law keeps a ripple that the split wipes out.
///
/// After `t` steps, as many as it takes to meet a barrier or more, a ripple of frequency `θ` has the height `|φ(θ)|ᵗ`, and
/// the split's variance (`spacing² / 6` a step, on average) leaves `exp(−t θ² spacing² / 12)` of it. A ripple moves where
/// a barrier is met by up to its length, `1/θ`, which is a share of the distance to the barrier, or of the walk's spread
/// where a target waits for a minimum of steps.
pub(super) fn error(problem: &Problem, spacing: f64) -> f64 {
    let (rows, jump) = (sample(problem), problem.jump.unwrap_or(1.0));
    let split = spacing * spacing / 12.0;
    let farthest = problem.rows.iter().fold(0.0_f64, |farthest, row| farthest.max(row.abs()));
    let most = f64::from(problem.steps).max(1.0);
    // The distance of each barrier and the fewest steps that meet it.
    let barrier = |distance: f64, fewest: f64| {
        (
            distance.max(problem.deviation * fewest.sqrt()),
            (distance / farthest).ceil().max(fewest).clamp(1.0, most),
        )
    };
    let mut barriers = vec![barrier(problem.start - problem.lowest_floor(), 1.0)];
    if let Some(target) = problem.target {
        barriers.push(barrier(target.at - problem.start, (target.minimum as f64).max(1.0)));
    }
    FREQUENCIES
        .flat_map(|tenths| {
            let theta = f64::from(tenths) / (10.0 * problem.deviation);
            // Of a row, of which a block has 1/jump.
            let decay = -jump * libm::log(height_of_block(&rows, jump, theta)).min(0.0);
            let off = move |&(distance, fewest): &(f64, f64)| {
                lost(decay, theta * theta * split, (fewest, most)) / (theta * distance)
            };
            barriers.iter().map(off).collect::<Vec<_>>()
        })
        .fold(0.0, f64::max)
}

/// The latest rows, where blocks keep their order; else rows spread evenly over their sizes.
fn sample(problem: &Problem) -> Vec<f64> {
    let rows = &problem.rows;
    if problem.jump.is_some() {
        return rows[rows.len().saturating_sub(ROWS_MAX)..].to_vec();
    }
    // Where none comes twice these are the rows themselves.
    let wanted = (1.0 / problem.shares.iter().fold(1.0, |least: f64, &share| least.min(share))).round();
    let wanted = wanted.min(ROWS_MAX as f64);
    let (mut index, mut below) = (0, problem.shares[0]);
    (0..wanted as u32)
        .map(|place| {
            while (f64::from(place) + 0.5) / wanted > below && index + 1 < rows.len() {
                index += 1;
                below += problem.shares[index];
            }
            rows[index]
        })
        .collect()
}

/// `|E exp(i θ S)|` for the sum `S` of a block: from a row `r` on it is `bᵣ = exp(i θ r) (jump + (1 − jump) bᵣ₊₁)`, on a
/// circle of rows.
fn height_of_block(rows: &[f64], jump: f64, theta: f64) -> f64 {
    let turns: Vec<Complex> = rows.iter().map(|row| Complex::turn(theta * row)).collect();
    // Once round the circle: b₀ = once + round · b₀.
    let (mut once, mut round) = (Complex::ZERO, Complex::turn(0.0));
    for turn in turns.iter().rev() {
        once = turn.times(once.scaled(1.0 - jump).plus(Complex::turn(0.0).scaled(jump)));
        round = turn.times(round.scaled(1.0 - jump));
    }
    let mut ahead = once.over(Complex::turn(0.0).plus(round.scaled(-1.0)));
    let mut sum = Complex::ZERO;
    for turn in turns.iter().rev() {
        ahead = turn.times(ahead.scaled(1.0 - jump).plus(Complex::turn(0.0).scaled(jump)));
        sum = sum.plus(ahead);
    }
    sum.square().sqrt() / rows.len() as f64
}

/// The most of a ripple that is lost after so many steps: `max_t e^(−decay t) (1 − e^(−split t))`.
fn lost(decay: f64, split: f64, (fewest, most): (f64, f64)) -> f64 {
    let at = if decay > 0.0 { libm::log1p(split / decay) / split } else { most };
    let at = at.clamp(fewest, most);
    libm::exp(-decay * at) * -libm::expm1(-split * at)
}

#[derive(Clone, Copy)]
struct Complex {
    real: f64,
    imaginary: f64,
}

impl Complex {
    const ZERO: Self = Self { real: 0.0, imaginary: 0.0 };

    fn turn(angle: f64) -> Self {
        let (imaginary, real) = libm::sincos(angle);
        Self { real, imaginary }
    }

    fn scaled(self, by: f64) -> Self {
        Self { real: by * self.real, imaginary: by * self.imaginary }
    }

    fn plus(self, other: Self) -> Self {
        Self { real: self.real + other.real, imaginary: self.imaginary + other.imaginary }
    }

    fn times(self, other: Self) -> Self {
        Self {
            real: self.real * other.real - self.imaginary * other.imaginary,
            imaginary: self.real * other.imaginary + self.imaginary * other.real,
        }
    }

    fn square(self) -> f64 {
        self.real * self.real + self.imaginary * self.imaginary
    }

    fn over(self, other: Self) -> Self {
        let square = other.square();
        self.times(Self { imaginary: -other.imaginary, ..other }).scaled(1.0 / square)
    }
}

#[cfg(test)]
mod tests {
    use super::{Complex, height_of_block};

    #[test]
    fn a_block_is_the_sum_over_its_lengths() {
        let (rows, jump, theta) = ([0.3, -1.1, 0.7], 0.4, 1.3);
        let mut sum = Complex::ZERO;
        for start in 0..3 {
            let (mut angle, mut chance) = (0.0, jump);
            for row in (start..start + 200).map(|row| rows[row % 3]) {
                angle += theta * row;
                sum = sum.plus(Complex::turn(angle).scaled(chance / 3.0));
                chance *= 1.0 - jump;
            }
        }
        assert!((height_of_block(&rows, jump, theta) - sum.square().sqrt()).abs() < 1e-12);
    }
}
