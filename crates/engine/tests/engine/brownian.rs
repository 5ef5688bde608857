//! What is known of a Brownian motion's drawdowns and barriers, for an account that is looked at once a day: log-equity
//! whose days are normal with a deviation of 0.01. The formulas are of a motion that is watched all the time, which falls
//! deeper than its closes show; so the law of the closes is computed here, and held to the formulas by the shift of
//! Broadie, Glasserman and Kou, "A continuity correction for discrete barrier options" (Mathematical Finance 1997).

use monte_carlo_engine::Report;
use serde_json::{Value, json};

use crate::support::{account, assessment, config, plan, result};

const DEVIATION: f64 = 0.01;
const PATHS: u64 = 200_000;

/// −ζ(1/2) / √(2π), deviations: how much farther away a barrier seems that is watched once a day.
const SHIFT: f64 = 0.582_597;

/// The chance that a standard normal variable is below `z`.
fn normal(z: f64) -> f64 {
    0.5 * libm::erfc(-z / std::f64::consts::SQRT_2)
}

/// Values of one day for each log-equity between two bounds: at 0, where a path begins, and at the midpoints of a grid.
#[derive(Clone)]
struct Values {
    at_0: f64,
    grid: Vec<f64>,
}

/// A day of a motion between two bounds: densities by the midpoint rule.
struct Day {
    /// The chances of ending below the lower bound and above the upper one; from 0, and from the grid.
    leave: Vec<(f64, f64)>,
    /// From 0 to the grid.
    from_0: Vec<f64>,
    /// By grid points moved, from eight deviations down to eight up.
    moves: Vec<f64>,
    reach: usize,
}

impl Day {
    /// About `per_deviation` points a deviation: twice as many where it is doubled.
    fn new(mean: f64, low: f64, high: f64, per_deviation: usize) -> Self {
        let points = ((high - low) / DEVIATION).round() as usize * per_deviation;
        let width = (high - low) / points as f64;
        let grid: Vec<f64> = (0..points).map(|point| low + (point as f64 + 0.5) * width).collect();
        let z = |step: f64| (step - mean) / DEVIATION;
        let mass = |step: f64| {
            libm::exp(-z(step) * z(step) / 2.0) / (2.0 * std::f64::consts::PI).sqrt() * width / DEVIATION
        };
        let leave = |from: f64| (normal(z(low - from)), normal(-z(high - from)));
        let reach = (8.0 * DEVIATION / width) as usize;
        Self {
            leave: [0.0].iter().chain(&grid).map(|&from| leave(from)).collect(),
            from_0: grid.iter().map(|&to| mass(to)).collect(),
            moves: (0..=2 * reach).map(|to| mass((to as f64 - reach as f64) * width)).collect(),
            reach,
        }
    }

    /// The expectation of what the day ends with: `values` within the bounds, `below` and `above` beyond them.
    fn before(&self, values: &Values, below: f64, above: f64) -> Values {
        let beyond = |&(down, up): &(f64, f64)| down * below + up * above;
        let inner = |weights: &[f64], values: &[f64]| -> f64 {
            weights.iter().zip(values).map(|(weight, value)| weight * value).sum()
        };
        let points = values.grid.len();
        let grid = (0..points).map(|from| {
            let (first, end) = (from.saturating_sub(self.reach), (from + self.reach + 1).min(points));
            let weights = &self.moves[first + self.reach - from..];
            beyond(&self.leave[from + 1]) + inner(weights, &values.grid[first..end])
        });
        Values { at_0: beyond(&self.leave[0]) + inner(&self.from_0, &values.grid), grid: grid.collect() }
    }

    fn all(&self, value: f64) -> Values {
        Values { at_0: value, grid: vec![value; self.from_0.len()] }
    }
}

/// That no close of the first 0, 1, … `days` days stands `depth` or more below the highest one before it. The state is the
/// log-equity less its highest so far, which a new highest close sets back to 0.
fn holds(mean: f64, depth: f64, days: usize, per_deviation: usize) -> Vec<f64> {
    let day = Day::new(mean, -depth, 0.0, per_deviation);
    let mut values = day.all(1.0);
    let mut holds = vec![1.0];
    for _ in 0..days {
        values = day.before(&values, 0.0, values.at_0);
        holds.push(values.at_0);
    }
    holds
}

/// What the midpoint rule says with infinitely many points, by what it says with 2, 4 and 8 of them a deviation: Richardson's
/// extrapolation, of an error in even powers of the width.
fn refined<const N: usize>(at: impl Fn(usize) -> [f64; N]) -> [f64; N] {
    let [coarse, middle, fine] = [2, 4, 8].map(at);
    std::array::from_fn(|n| {
        let (once, again) =
            (middle[n] + (middle[n] - coarse[n]) / 3.0, fine[n] + (fine[n] - middle[n]) / 3.0);
        again + (again - once) / 15.0
    })
}

/// An account whose returns are those normal days.
fn sampled(mean: f64, steps: u32, rules: &Value) -> Report {
    let mut balance = 100_000.0;
    let pnls: Vec<f64> = crate::closed_forms::normal_rows()
        .into_iter()
        .map(|z| {
            let pnl = balance * libm::expm1(mean + DEVIATION * z);
            balance += pnl;
            pnl
        })
        .collect();
    let asked = json!({"paths": PATHS, "steps": steps, "model": "iid", "seed": 31, "rules": rules});
    result(&plan(&assessment(), &account(100_000.0, &pnls, 4), &config(asked)))
}

fn assert_within_three_errors(seen: f64, expected: f64, deviation: f64) {
    let error = deviation / (PATHS as f64).sqrt();
    assert!((seen - expected).abs() < 3.0 * error, "{seen} is not {expected} ± 3 · {error}");
}

#[test]
fn the_mean_of_the_greatest_drawdown() {
    // Magdon-Ismail, Atiya, Pratap and Abu-Mostafa, "On the maximum drawdown of a Brownian motion" (J. Appl. Prob. 2004).
    for (mean, all_the_time) in [(0.0, 0.198_957), (0.000_5, 0.155_547), (-0.000_5, 0.261_563)] {
        // E[g(M)] = ∫ g′(h) P(M > h) dh by Simpson's rule: of M in log units, of 1 − e^−M, which is what the engine calls
        // a drawdown, and of its square.
        let [log, ratio, square] = refined(|per_deviation| {
            let steps = 40;
            let mut sums = [0.0; 3];
            for step in 0..=steps {
                let weight = if step == 0 || step == steps { 1.0 } else { f64::from(2 + step % 2 * 2) };
                let depth = 0.02 * f64::from(step);
                let deeper = if step == 0 { 1.0 } else { 1.0 - holds(mean, depth, 252, per_deviation)[252] };
                let left = libm::exp(-depth);
                let slopes = [1.0, left, 2.0 * (1.0 - left) * left];
                for (sum, slope) in sums.iter_mut().zip(slopes) {
                    *sum += 0.02 / 3.0 * weight * slope * deeper;
                }
            }
            sums
        });
        // The highest close is a shift below the highest point, the lowest one after it a shift above the lowest point.
        assert!((log - (all_the_time - 2.0 * SHIFT * DEVIATION)).abs() < 4e-4, "{log}");
        let seen = sampled(mean, 252, &json!({})).risk_metrics.max_drawdown;
        assert_within_three_errors(seen, ratio, (square - ratio * ratio).sqrt());
    }
}

#[test]
fn the_mean_time_to_the_first_drawdown_of_a_tenth() {
    // Taylor, "A stopped Brownian motion formula" (Annals of Probability 1975), in days.
    let all_the_time = |mean: f64, depth: f64| {
        let rate = 2.0 * mean / (DEVIATION * DEVIATION);
        if mean == 0.0 {
            (depth / DEVIATION).powi(2)
        } else {
            (libm::expm1(rate * depth) - rate * depth) / (rate * mean)
        }
    };
    let days = 2_000;
    for (mean, published) in [(0.0, 100.0), (0.000_5, 143.656_366), (-0.000_5, 73.575_888)] {
        assert!((all_the_time(mean, 0.1) - published).abs() < 1e-6);
        // E[min(T, n)] = Σ P(T > t), and of its square Σ (2t + 1) P(T > t), over t = 0 .. n.
        let [time, square] = refined(|per_deviation| {
            let holds = holds(mean, 0.1, days, per_deviation);
            let sum = |weight: fn(f64) -> f64| {
                holds[..days].iter().zip(0_u32..).map(|(holds, day)| weight(f64::from(day)) * holds).sum()
            };
            [sum(|_| 1.0), sum(|day| 2.0 * day + 1.0)]
        });
        let shifted = all_the_time(mean, 0.1 + 2.0 * SHIFT * DEVIATION);
        assert!((time / shifted - 1.0).abs() < 1e-4, "{time} is not near {shifted}");
        let rules = json!({"drawdown": {"kind": "trailing", "fraction": -libm::expm1(-0.1)}});
        let report = sampled(mean, days as u32, &rules);
        let broken = report.breach_probability.value;
        let seen =
            broken * report.time_to_breach.expect("a breach").mean_steps + (1.0 - broken) * days as f64;
        assert_within_three_errors(seen, time, (square - time * time).sqrt());
    }
}

#[test]
fn two_barriers_by_a_day() {
    let mean = 0.000_5;
    let ends = |bound: f64| {
        refined(|per_deviation| {
            let day = Day::new(mean, -bound, bound, per_deviation);
            let (mut up, mut down) = (day.all(0.0), day.all(0.0));
            for _ in 0..60 {
                (up, down) = (day.before(&up, 0.0, 1.0), day.before(&down, 1.0, 0.0));
            }
            [up.at_0, down.at_0]
        })
    };
    // Barriers a shift nearer, watched once a day, are about those watched all the time. That is good where a barrier is
    // many deviations away; here there are ten.
    let near = ends(0.1 - SHIFT * DEVIATION);
    for (seen, all_the_time) in near.into_iter().zip([0.309_706_75, 0.113_934_75]) {
        assert!((seen / all_the_time - 1.0).abs() < 0.005, "{seen} is not near {all_the_time}");
    }
    let [up, down] = ends(0.1);
    let rules = json!({
        "drawdown": {"kind": "static", "fraction": -libm::expm1(-0.1)}, "profitTarget": {"fraction": libm::expm1(0.1)},
    });
    let report = sampled(mean, 60, &rules);
    assert_within_three_errors(
        report.pass_probability.expect("a target").value,
        up,
        (up * (1.0 - up)).sqrt(),
    );
    assert_within_three_errors(report.breach_probability.value, down, (down * (1.0 - down)).sqrt());
}
