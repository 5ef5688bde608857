//! Laws fitted to a history, as tables of equiprobable rows.
//!
//! One family holds all three: the skewed Student's t of Hansen, "Autoregressive conditional density estimation"
//! (International Economic Review 1994), equations 10–13, of mean 0 and variance 1. Without its asymmetry λ it is
//! Student's t, and without a finite number of degrees of freedom ν as well, the normal law. Unlike laws made by moments
//! (Cornish & Fisher, Azzalini's skew normal) it keeps both tails whatever the history's skewness, so that a lucky short
//! history does not bound its losses.
//!
//! The mean and the deviation are the sample's own (divided by n); ν and λ are the likeliest of a grid, so that one wild
//! trade cannot carry them away as it would carry a third or a fourth moment.

mod half;

use crate::Model;

/// Rows of a fitted law's table: each is the mean of the law between two of its 4,096-quantiles, so that the table keeps its
/// mean and 0.99997 of a normal law's variance, 0.998 of that of a t with 5 degrees of freedom.
pub(crate) const LAW_ROWS: u32 = 2 * half::BINS;

/// Degrees of freedom that are tried. With 3 the table keeps 0.966 of the variance; with fewer it would lose ever more.
const DEGREES: [f64; 16] =
    [3.0, 3.5, 4.0, 4.5, 5.0, 6.0, 7.0, 8.0, 10.0, 12.0, 15.0, 20.0, 30.0, 50.0, 100.0, f64::INFINITY];

/// Where among them the normal law stands.
const NORMAL: usize = DEGREES.len() - 1;

/// λ is tried in sixteenths, up to ± 12 of them: then both sides hold whole bins.
const SIXTEENTHS: i32 = 12;

/// Factors of one product before its logarithm is taken: a factor is at most some 10⁶ (`1 + z² / (ν − 2)`, `z² <= n`).
const FACTORS: usize = 16;

/// A law of rows, in the units of their steps.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Law {
    /// Of a row.
    pub(crate) mean: f64,
    /// Of a row.
    pub(crate) deviation: f64,
    degrees: usize,
    sixteenths: i32,
}

impl Law {
    /// The law of the kind that `model` names which fits `steps` best; none where it names an index process.
    pub(crate) fn fitted(model: Model, steps: &[i64]) -> Option<Self> {
        let count = steps.len() as f64;
        let mean = steps.iter().map(|&step| step as f64).sum::<f64>() / count;
        let square = |step: &i64| (*step as f64 - mean) * (*step as f64 - mean);
        let deviation = (steps.iter().map(square).sum::<f64>() / count).sqrt();
        let normal = Self { mean, deviation, degrees: NORMAL, sixteenths: 0 };
        let values = || steps.iter().map(|&step| (step as f64 - mean) / deviation).collect::<Vec<_>>();
        match model {
            Model::Stationary | Model::Circular | Model::Iid | Model::Regimes | Model::Filtered => None,
            Model::Normal => Some(normal),
            _ if deviation == 0.0 => Some(normal),
            Model::StudentT => Some(normal.with_likeliest_degrees(&values())),
            Model::Skewed => {
                let values = values();
                // One coordinate after the other; the second round mends what the first chose without the other.
                let symmetric = normal.with_likeliest_degrees(&values);
                let skewed = symmetric.with_likeliest_asymmetry(&values);
                Some(skewed.with_likeliest_degrees(&values).with_likeliest_asymmetry(&values))
            }
        }
    }

    fn with_likeliest_degrees(self, values: &[f64]) -> Self {
        self.likeliest((0..NORMAL).map(|degrees| Self { degrees, ..self }), values)
    }

    fn with_likeliest_asymmetry(self, values: &[f64]) -> Self {
        self.likeliest((-SIXTEENTHS..=SIXTEENTHS).map(|sixteenths| Self { sixteenths, ..self }), values)
    }

    /// The first of the likeliest.
    fn likeliest(self, laws: impl Iterator<Item = Self>, values: &[f64]) -> Self {
        let mut best = (f64::NEG_INFINITY, self);
        for law in laws {
            let likelihood = law.shape().log_likelihood(values);
            if likelihood > best.0 {
                best = (likelihood, law);
            }
        }
        best.1
    }

    /// ν; none of a normal law.
    pub(crate) fn degrees_of_freedom(&self) -> Option<f64> {
        (self.degrees != NORMAL).then_some(DEGREES[self.degrees])
    }

    /// λ.
    pub(crate) fn asymmetry(&self) -> f64 {
        f64::from(self.sixteenths) / 16.0
    }

    fn shape(&self) -> Shape {
        Shape::new(DEGREES[self.degrees], self.asymmetry())
    }

    /// [`LAW_ROWS`] equiprobable steps, each the law's mean between two quantiles, to the nearest unit.
    pub(crate) fn steps(&self) -> Vec<i64> {
        let step = |z: f64| (self.mean + self.deviation * z).round() as i64;
        self.shape().rows(self.degrees, self.sixteenths).map(step).collect()
    }
}

/// Hansen's density `b c (1 + ((b z + a) / (1 ± λ))² / (ν − 2))^(−(ν + 1) / 2)`, minus on the left of `−a / b`.
#[derive(Clone, Copy, Debug)]
struct Shape {
    degrees: f64,
    asymmetry: f64,
    a: f64,
    b: f64,
    /// ln(b c).
    log_height: f64,
}

impl Shape {
    /// `a = 4 λ c (ν − 2) / (ν − 1)` and `b² = 1 + 3 λ² − a²`.
    fn new(degrees: f64, asymmetry: f64) -> Self {
        let height = half::height(degrees);
        let a = 2.0 * asymmetry * half::mean(degrees);
        let b = (1.0 + 3.0 * asymmetry * asymmetry - a * a).sqrt();
        Self { degrees, asymmetry, a, b, log_height: libm::log(b * height) }
    }

    /// Of a finite number of degrees of freedom.
    fn log_likelihood(&self, values: &[f64]) -> f64 {
        let [left, right] = [1.0 - self.asymmetry, 1.0 + self.asymmetry]
            .map(|side| 1.0 / (side * side * (self.degrees - 2.0)));
        let factor = |z: &f64| {
            let y = self.b * z + self.a;
            1.0 + y * y * if y < 0.0 { left } else { right }
        };
        let logs = values.chunks(FACTORS).map(|some| libm::log(some.iter().map(factor).product()));
        values.len() as f64 * self.log_height - (self.degrees + 1.0) / 2.0 * logs.sum::<f64>()
    }

    /// The conditional means in ascending order: `(1 − λ) / 2` of them from the left half, the others from the right.
    fn rows(self, degrees: usize, sixteenths: i32) -> impl Iterator<Item = f64> {
        let [left, right] = [-sixteenths, sixteenths].map(|side| half::means(degrees, side));
        let below = left.iter().rev().map(move |y| (-(1.0 - self.asymmetry) * y - self.a) / self.b);
        below.chain(right.iter().map(move |y| ((1.0 + self.asymmetry) * y - self.a) / self.b))
    }
}

/// The normal law's table of a deviation, for tests that need normal numbers.
#[cfg(test)]
pub(super) fn normal_steps(deviation: f64) -> Vec<i64> {
    Law { mean: 0.0, deviation, degrees: NORMAL, sixteenths: 0 }.steps()
}

#[cfg(test)]
mod tests {
    use super::{DEGREES, LAW_ROWS, Law, half};
    use crate::Model;

    const ROWS: usize = LAW_ROWS as usize;

    /// Mean, variance and skewness of the table of a law of mean 0 and deviation 1.
    fn moments(degrees: usize, sixteenths: i32) -> (f64, f64, f64) {
        let law = Law { mean: 0.0, deviation: 1.0, degrees, sixteenths };
        let rows: Vec<f64> = law.shape().rows(degrees, sixteenths).collect();
        assert_eq!(rows.len(), ROWS);
        assert!(rows.is_sorted());
        let mean = |power: i32| rows.iter().map(|z| z.powi(power)).sum::<f64>() / ROWS as f64;
        (mean(1), mean(2), mean(3))
    }

    fn at(degrees: f64) -> usize {
        DEGREES.iter().position(|&tried| tried == degrees).expect("on the grid")
    }

    #[test]
    fn tables_keep_the_mean_and_nearly_all_of_the_variance() {
        // By bisection of each law's closed distribution function, in another program.
        for (degrees, expected, last) in [
            (f64::INFINITY, 0.999_968_655_503_8, 3.739_231_529_989),
            (5.0, 0.997_805_630_127_8, 7.846_593_052_736),
            (3.0, 0.966_365_549_724_3, 14.283_738_913_779),
        ] {
            let (mean, variance, skewness) = moments(at(degrees), 0);
            assert!(mean.abs() < 1e-12 && skewness.abs() < 1e-9, "{degrees}: {mean} {skewness}");
            assert!((variance - expected).abs() < 1e-9, "{degrees}: {variance}");
            let seen = half::means(at(degrees), 0)[2_047];
            assert!((seen - last).abs() < 1e-8 * last, "{degrees}: {seen}");
        }
    }

    #[test]
    fn a_skewed_table_has_hansens_moments() {
        for (degrees, sixteenths) in [(30.0, 5), (12.0, -8), (100.0, 12), (20.0, -3)] {
            let (mean, variance, third) = moments(at(degrees), sixteenths);
            assert!(mean.abs() < 1e-9 && (variance - 1.0).abs() < 1e-3, "{mean} {variance}");
            // E z³ = (m₃ − 3 a m₂ + 2 a³) / b³, m₂ = 1 + 3 λ², m₃ = 16 c λ (1 + λ²) (ν − 2)² / ((ν − 1) (ν − 3)): Jondeau and
            // Rockinger, "Conditional volatility, skewness, and kurtosis" (2003), proposition 1.
            let lambda = f64::from(sixteenths) / 16.0;
            let gamma = |x: f64| libm::lgamma(x);
            let c = libm::exp(gamma((degrees + 1.0) / 2.0) - gamma(degrees / 2.0))
                / (std::f64::consts::PI * (degrees - 2.0)).sqrt();
            let a = 4.0 * lambda * c * (degrees - 2.0) / (degrees - 1.0);
            let m2 = 1.0 + 3.0 * lambda * lambda;
            let m3 = 16.0 * c * lambda * (1.0 + lambda * lambda) * (degrees - 2.0).powi(2)
                / ((degrees - 1.0) * (degrees - 3.0));
            let expected = (m3 - 3.0 * a * m2 + 2.0 * a.powi(3)) / (m2 - a * a).powf(1.5);
            assert!((third - expected).abs() < 0.01 * expected.abs(), "{third} is not {expected}");
        }
    }

    #[test]
    fn a_fit_finds_the_law_that_made_the_rows() {
        for (degrees, sixteenths) in [(4.0, 0), (4.0, 4), (8.0, -6), (30.0, 2)] {
            let made = Law { mean: 300.0, deviation: 90_000.0, degrees: at(degrees), sixteenths };
            let rows = made.steps();
            let found = Law::fitted(Model::Skewed, &rows).expect("a law");
            assert!((found.mean - 300.0).abs() < 1.0 && (found.deviation / 90_000.0 - 1.0).abs() < 0.01);
            assert!(found.sixteenths.abs_diff(sixteenths) <= 1, "{sixteenths}: {found:?}");
            assert!(found.degrees.abs_diff(made.degrees) <= 1, "{degrees}: {found:?}");
            let normal = Law::fitted(Model::Normal, &rows).expect("a law");
            assert_eq!((normal.degrees_of_freedom(), normal.asymmetry()), (None, 0.0));
            let symmetric = Law::fitted(Model::StudentT, &rows).expect("a law");
            assert_eq!(symmetric.asymmetry(), 0.0);
        }
        assert_eq!(Law::fitted(Model::Iid, &[1, 2, 3]), None);
        let constant = Law::fitted(Model::Skewed, &[5; 9]).expect("a law");
        assert_eq!(constant.steps(), [5; ROWS]);
    }
}
