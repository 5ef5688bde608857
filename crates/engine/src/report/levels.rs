//! At which quantiles of its draws a bootstrap interval ends.

/// The normal distribution's 97.5 % quantile.
pub(super) const Z95: f64 = 1.959_963_984_540_054;

/// How far a median may lie from the value, in deviations, before the draws say nothing of a bias.
const BIAS_MAX: f64 = 1.0;

/// The two levels, below which the lower and the upper end of a 95 % interval lie, for a value of which `below` is the share
/// of the draws that are less (ties count half), drawn by weights on `weights` units.
///
/// Bias-corrected: Efron, "Better bootstrap confidence intervals" (JASA 1987, without the acceleration). Expanded, because few
/// weights understate the spread: Hesterberg, "What teachers should know about the bootstrap" (The American Statistician
/// 2015), with Student's quantile and, for Dirichlet weights, whose mean has variance `σ̂² / (n + 1)`, `√((n + 1) / (n − 1))`.
pub(super) fn ends(below: f64, weights: f64) -> (f64, f64) {
    let bias = normal_quantile(below).clamp(-BIAS_MAX, BIAS_MAX);
    let freedom = (weights - 1.0).max(1.0);
    let reach = student_quantile(freedom) * ((weights + 1.0) / freedom).sqrt();
    (normal(2.0 * bias - reach), normal(2.0 * bias + reach))
}

/// The 97.5 % quantile of Student's t: Abramowitz and Stegun 26.7.5, within 0.4 % from 3 degrees of freedom on.
pub(super) fn student_quantile(freedom: f64) -> f64 {
    let z = Z95;
    let powers = [z, z.powi(3), z.powi(5), z.powi(7), z.powi(9)];
    let term = |coefficients: [f64; 5]| -> f64 { coefficients.iter().zip(powers).map(|(c, p)| c * p).sum() };
    z + term([1.0, 1.0, 0.0, 0.0, 0.0]) / (4.0 * freedom)
        + term([3.0, 16.0, 5.0, 0.0, 0.0]) / (96.0 * freedom.powi(2))
        + term([-15.0, 17.0, 19.0, 3.0, 0.0]) / (384.0 * freedom.powi(3))
        + term([-945.0, -1_920.0, 1_482.0, 776.0, 79.0]) / (92_160.0 * freedom.powi(4))
}

/// The standard normal distribution function.
fn normal(z: f64) -> f64 {
    0.5 * libm::erfc(-z / std::f64::consts::SQRT_2)
}

/// Its inverse, by halving; ± 9 at and beyond the ends.
fn normal_quantile(share: f64) -> f64 {
    let (mut low, mut high) = (-9.0_f64, 9.0_f64);
    for _ in 0..60 {
        let middle = f64::midpoint(low, high);
        if normal(middle) < share {
            low = middle;
        } else {
            high = middle;
        }
    }
    low
}

#[cfg(test)]
mod tests {
    use super::{ends, normal, normal_quantile, student_quantile};

    #[test]
    fn students_quantiles_are_the_tabled_ones() {
        for (freedom, tabled) in [(3.0, 3.182_4), (7.0, 2.364_6), (29.0, 2.045_2), (249.0, 1.969_5)] {
            let seen: f64 = student_quantile(freedom);
            assert!((seen / tabled - 1.0).abs() < 0.004, "{freedom}: {seen} {tabled}");
        }
    }

    #[test]
    fn the_normal_quantile_inverts_the_distribution() {
        assert!((normal_quantile(0.975) - super::Z95).abs() < 1e-9);
        for z in [-3.0, -0.4, 0.0, 2.2] {
            assert!((normal_quantile(normal(z)) - z).abs() < 1e-9, "{z}");
        }
    }

    #[test]
    fn many_weights_and_no_bias_give_the_plain_percentiles() {
        let (low, high) = ends(0.5, 1e9);
        assert!((low - 0.025).abs() < 1e-6 && (high - 0.975).abs() < 1e-6);
    }

    #[test]
    fn few_weights_reach_farther_and_a_bias_is_made_good() {
        // Thirty weights: Φ(−2.0452 · √(31/29)) = Φ(−2.1146) = 0.01723.
        let (low, high) = ends(0.5, 30.0);
        assert!((low - 0.017_23).abs() < 5e-5 && (low + high - 1.0).abs() < 1e-9, "{low} {high}");
        // Most draws are less than the value, and so is the value less than the truth.
        let (low, high) = ends(normal(0.5), 1e9);
        assert!(
            (low - normal(1.0 - super::Z95)).abs() < 1e-6 && (high - normal(1.0 + super::Z95)).abs() < 1e-6
        );
    }

    #[test]
    fn a_bias_counts_up_to_one_deviation() {
        for (share, bias) in
            [(normal(1.0), 1.0), (normal(1.1), 1.0), (1.0, 1.0), (normal(-1.1), -1.0), (0.0, -1.0)]
        {
            let (low, high) = ends(share, 1e9);
            let wanted = (normal(2.0 * bias - super::Z95), normal(2.0 * bias + super::Z95));
            assert!((low - wanted.0).abs() < 1e-6 && (high - wanted.1).abs() < 1e-6, "{share}: {low} {high}");
        }
    }
}
