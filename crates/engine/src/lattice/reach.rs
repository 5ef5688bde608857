//! How far paths go: bounds by Chernoff, "A measure of asymptotic efficiency for tests of a hypothesis based on the sum of
//! observations" (Annals of Mathematical Statistics 1952), from any row and over any number of steps up to the last.

use super::problem::Problem;

/// The probability that a path goes farther than its bound; far below what rounding leaves.
const MISSED: f64 = 1e-14;

/// Exponents tried, each twice the one before, about the one that suits a normal sum.
const EXPONENTS: i32 = 5;

/// The farthest that any path moves from any of its points, but for [`MISSED`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Reach {
    /// Downwards.
    pub(super) down: f64,
    /// Upwards.
    pub(super) up: f64,
}

impl Reach {
    /// By the rows and the steps of `problem`.
    pub(super) fn of(problem: &Problem) -> Self {
        Self { down: bound(problem, -1.0), up: bound(problem, 1.0) }
    }
}

/// `P(max_k sign · S_k ≥ r) ≤ Σ_k E exp(θ (sign · S_k − r))`, so `r = (ln Σ_k E exp(θ sign · S_k) − ln MISSED) / θ` at the
/// best `θ`; and never farther than all steps of the largest row.
fn bound(problem: &Problem, sign: f64) -> f64 {
    let steps = f64::from(problem.steps);
    let farthest = steps * problem.rows.iter().map(|row| sign * row).fold(0.0, f64::max);
    if farthest == 0.0 {
        return 0.0;
    }
    let drift = problem.mean * problem.mean * steps;
    let scale = ((problem.deviation * problem.deviation + drift) * steps).sqrt();
    let middle = (2.0 * -libm::log(MISSED)).sqrt() / scale;
    (0..EXPONENTS)
        .map(|i| middle * libm::ldexp(1.0, i - EXPONENTS / 2))
        .map(|theta| (log_growth(problem, theta * sign) - libm::log(MISSED)) / theta)
        .fold(farthest, f64::min)
}

/// `ln Σ_k E exp(θ S_k)` over `k = 0 ..= steps`, from the row that gives the most; for independent rows a bound on it.
fn log_growth(problem: &Problem, theta: f64) -> f64 {
    let (count, steps) = (problem.rows.len() as f64, f64::from(problem.steps));
    let most = problem.rows.iter().map(|row| theta * row).fold(0.0, f64::max);
    // Each scaled by the largest, so that nothing overflows.
    let factors: Vec<f64> = problem.rows.iter().map(|row| libm::exp(theta * row - most)).collect();
    let Some(jump) = problem.jump else {
        let one = factors.iter().zip(&problem.shares).map(|(factor, share)| factor * share).sum();
        let one = most + libm::log(one);
        return libm::log(steps + 1.0) + (steps * one).max(0.0);
    };
    // What the steps ahead multiply by, by the row before them, as multiples of their mean.
    let mut ahead = vec![1.0; problem.rows.len()];
    let (mut log_scale, mut log_sum) = (0.0, 0.0);
    for _ in 0..problem.steps {
        let first = ahead[0];
        let (mut sum, mut largest) = (0.0, 0.0_f64);
        for row in 0..ahead.len() {
            let following = ahead.get(row + 1).copied().unwrap_or(first);
            ahead[row] = factors[row] * ((1.0 - jump) * following + jump);
            sum += ahead[row];
            largest = largest.max(ahead[row]);
        }
        let mean = sum / count;
        log_sum = log_of_sum(log_sum, log_scale + most + libm::log(largest));
        log_scale += most + libm::log(mean);
        ahead.iter_mut().for_each(|value| *value /= mean);
    }
    log_sum
}

/// `ln(eᵃ + eᵇ)`.
fn log_of_sum(a: f64, b: f64) -> f64 {
    a.max(b) + libm::log1p(libm::exp(-(a - b).abs()))
}
