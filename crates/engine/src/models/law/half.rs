//! The half of a symmetric law of variance 1 on the right of 0, in equiprobable bins: Student's t, or with infinitely many
//! degrees of freedom the normal law.

use std::f64::consts::PI;
use std::sync::OnceLock;

use super::{DEGREES, SIXTEENTHS};

/// Bins of the half of a symmetric law.
pub(super) const BINS: u32 = 2_048;

/// Bins more for each sixteenth of asymmetry.
const BINS_PER_SIXTEENTH: i32 = BINS as i32 / 16;

/// Newton's steps to a border. They start on its left and the integral is concave, so they never pass it, and each doubles
/// the digits; the first needs no integral.
const NEWTON_STEPS: u32 = 6;

/// Gauss and Legendre's rule of five points on −1 ..= 1.
const NODES: [(f64, f64); 5] = [
    (-0.906_179_845_938_664, 0.236_926_885_056_189_08),
    (-0.538_469_310_105_683_1, 0.478_628_670_499_366_47),
    (0.0, 0.568_888_888_888_888_9),
    (0.538_469_310_105_683_1, 0.478_628_670_499_366_47),
    (0.906_179_845_938_664, 0.236_926_885_056_189_08),
];

/// The density at 0: `c = Γ((ν + 1) / 2) / (√(π (ν − 2)) Γ(ν / 2))`.
pub(super) fn height(degrees: f64) -> f64 {
    if degrees.is_infinite() {
        return 1.0 / (2.0 * PI).sqrt();
    }
    let gammas = libm::lgamma((degrees + 1.0) / 2.0) - libm::lgamma(degrees / 2.0);
    libm::exp(gammas) / (PI * (degrees - 2.0)).sqrt()
}

/// The mean of the half: `2 c (ν − 2) / (ν − 1)`.
pub(super) fn mean(degrees: f64) -> f64 {
    beyond(degrees, 2.0 * height(degrees), 0.0)
}

/// The means of the bins of the side that holds `1 + sixteenths / 16` of a half's bins, ascending. A table is made once in
/// a process: weighted histories ask for the same ones again and again.
pub(super) fn means(degrees: usize, sixteenths: i32) -> &'static [f64] {
    const SIDES: usize = 2 * SIXTEENTHS as usize + 1;
    static TABLES: [[OnceLock<Vec<f64>>; SIDES]; DEGREES.len()] =
        [const { [const { OnceLock::new() }; SIDES] }; DEGREES.len()];
    TABLES[degrees][(sixteenths + SIXTEENTHS) as usize].get_or_init(|| {
        let bins = BINS as i32 + sixteenths * BINS_PER_SIXTEENTH;
        table(DEGREES[degrees], bins as u32)
    })
}

/// Border by border from 0 on, each one bin's mass after the one before.
fn table(degrees: f64, bins: u32) -> Vec<f64> {
    let height = 2.0 * height(degrees);
    let mass = 1.0 / f64::from(bins);
    let mut border = 0.0;
    let mut rest = beyond(degrees, height, border);
    let mut means = Vec::with_capacity(bins as usize);
    for _ in 1..bins {
        let mut next = border;
        for _ in 0..NEWTON_STEPS {
            next += (mass - between(degrees, height, border, next)) / density(degrees, height, next);
        }
        border = next;
        let rest_after = beyond(degrees, height, border);
        means.push((rest - rest_after) / mass);
        rest = rest_after;
    }
    means.push(rest / mass);
    means
}

fn density(degrees: f64, height: f64, y: f64) -> f64 {
    let log = if degrees.is_infinite() {
        y * y / 2.0
    } else {
        (degrees + 1.0) / 2.0 * libm::log1p(y * y / (degrees - 2.0))
    };
    height * libm::exp(-log)
}

/// `∫ density` from `low` to `high`.
fn between(degrees: f64, height: f64, low: f64, high: f64) -> f64 {
    let (middle, reach) = (f64::midpoint(low, high), (high - low) / 2.0);
    let sum: f64 =
        NODES.iter().map(|(node, weight)| weight * density(degrees, height, middle + reach * node)).sum();
    sum * reach
}

/// `∫ y · density` from `low` on: `2 c (ν − 2) / (ν − 1) · (1 + low² / (ν − 2))^(−(ν − 1) / 2)`.
fn beyond(degrees: f64, height: f64, low: f64) -> f64 {
    if degrees.is_infinite() {
        return height * libm::exp(-low * low / 2.0);
    }
    let free = degrees - 2.0;
    let power = (degrees - 1.0) / 2.0 * libm::log1p(low * low / free);
    height * free / (degrees - 1.0) * libm::exp(-power)
}
