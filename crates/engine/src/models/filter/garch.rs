//! How the variance of a row follows from the rows before it, and the parameters that make a history likeliest.
//!
//! GARCH(1, 1): Bollerslev, "Generalized autoregressive conditional heteroskedasticity" (Journal of Econometrics 1986), after
//! Engle (Econometrica 1982); its level is the history's own variance (variance targeting: Engle & Mezrich, "GARCH for
//! groups", Risk 1996). Short histories take the exponential weights of J.P. Morgan, "RiskMetrics technical document" (1996).

use std::ops::ControlFlow;

/// Variances are held within these, in variances of all rows: a deviation eight times as large, or as small. Exponential
/// weights have no level to come back to, and no history tells how rows would look from there.
const VARIANCE_MIN: f64 = 1.0 / 64.0;
/// See [`VARIANCE_MIN`].
pub(super) const VARIANCE_MAX: f64 = 64.0;

/// RiskMetrics' λ.
const DECAY: f64 = 0.94;

/// Where the search begins: (α, α + β). The first is a variance that stays.
const STARTS: [(f64, f64); 9] = [
    (0.0, 0.0),
    (0.05, 0.5),
    (0.15, 0.3),
    (0.05, 0.9),
    (0.15, 0.9),
    (0.30, 0.8),
    (0.03, 0.97),
    (0.10, 0.97),
    (0.20, 0.99),
];

/// The largest α: with more, one row would make the variance.
const ALPHA_MAX: f64 = 0.5;

/// The first steps of the search, in α and in the logarithm of what the persistence lacks of 1.
const FIRST_STEPS: (f64, f64) = (0.04, 0.5);

/// It ends where its steps have been halved so often: α to 0.0002.
const HALVINGS: u32 = 8;

/// Looks at the likelihood, at most: bounds the planning of 200,000 rows to about half a second.
const LOOKS_MAX: u32 = 160;

/// What does not raise the log-likelihood by more does not count, so that a variance that stays is said to stay.
const GAIN_MIN: f64 = 1e-6;

/// Factors of one product before its logarithm is taken: of at most 64 each.
const FACTORS: usize = 16;

/// `σ² ← ω + α ε² + β σ²`, in variances of all rows.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Garch {
    pub(crate) omega: f64,
    pub(crate) alpha: f64,
    pub(crate) beta: f64,
}

impl Garch {
    /// Exponential weights.
    pub(super) const RISK_METRICS: Self = Self { omega: 0.0, alpha: 1.0 - DECAY, beta: DECAY };

    /// Of a persistence below 1; the variance of all rows is 1.
    fn targeted(alpha: f64, persistence: f64) -> Self {
        Self { omega: 1.0 - persistence, alpha, beta: persistence - alpha }
    }

    /// α + β.
    pub(crate) fn persistence(&self) -> f64 {
        self.alpha + self.beta
    }

    /// The variance after a row that was `excess` away from the mean, under `variance`.
    #[inline(always)]
    pub(super) fn next(&self, variance: f64, excess: f64) -> f64 {
        (self.omega + self.alpha * (excess * excess) + self.beta * variance).clamp(VARIANCE_MIN, VARIANCE_MAX)
    }

    /// The variance of each row of `values` before it is seen, and of the next row after them.
    pub(super) fn filtered(&self, values: &[f64]) -> (Vec<f64>, f64) {
        let mut variance = 1.0;
        let before = values.iter().map(|&value| {
            let before = variance;
            variance = self.next(variance, value);
            before
        });
        let before = before.collect();
        (before, variance)
    }

    /// Bollerslev and Wooldridge's (1992) quasi-log-likelihood, less its constant: that of normal rows, each `weights` times.
    fn log_likelihood(&self, values: &[f64], weights: Option<&[f64]>) -> f64 {
        let mut variance = 1.0;
        let Some(weights) = weights else {
            let (mut logs, mut squares) = (0.0, 0.0);
            for some in values.chunks(FACTORS) {
                let mut product = 1.0;
                for value in some {
                    product *= variance;
                    squares += value * value / variance;
                    variance = self.next(variance, *value);
                }
                logs += libm::log(product);
            }
            return -(logs + squares) / 2.0;
        };
        let mut sum = 0.0;
        for (value, weight) in values.iter().zip(weights) {
            sum += weight * (libm::log(variance) + value * value / variance);
            variance = self.next(variance, *value);
        }
        -sum / 2.0
    }
}

/// The likeliest parameters of values of mean 0 and variance 1, and their log-likelihood over that of a variance that stays.
pub(super) fn likeliest(values: &[f64]) -> (Garch, f64) {
    let mut search = Search::new(values, None);
    let mut best = search.look(STARTS[0]);
    let none = best.likelihood;
    for start in &STARTS[1..] {
        let seen = search.look(*start);
        best = best.or_better(seen);
    }
    let best = search.climb(best);
    (best.garch, best.likelihood - none)
}

/// The likeliest near `garch`, where each row counts `weights` times.
pub(super) fn likeliest_near(garch: Garch, values: &[f64], weights: &[f64]) -> Garch {
    let mut search = Search::new(values, Some(weights));
    let best = search.look(STARTS[0]);
    let near = search.look((garch.alpha, garch.persistence()));
    let best = best.or_better(near);
    search.climb(best).garch
}

struct Search<'a> {
    values: &'a [f64],
    weights: Option<&'a [f64]>,
    /// The variance is not said to keep what it was for longer than the history.
    persistence_max: f64,
    looks: u32,
}

#[derive(Clone, Copy)]
struct Place {
    garch: Garch,
    likelihood: f64,
}

impl Place {
    fn or_better(self, other: Self) -> Self {
        if other.likelihood > self.likelihood + GAIN_MIN { other } else { self }
    }
}

impl<'a> Search<'a> {
    fn new(values: &'a [f64], weights: Option<&'a [f64]>) -> Self {
        Self { values, weights, persistence_max: 1.0 - 1.0 / values.len() as f64, looks: 0 }
    }

    fn look(&mut self, (alpha, persistence): (f64, f64)) -> Place {
        self.looks += 1;
        let alpha = alpha.clamp(0.0, ALPHA_MAX);
        let persistence = persistence.clamp(alpha, self.persistence_max);
        let garch = Garch::targeted(alpha, persistence);
        Place { garch, likelihood: garch.log_likelihood(self.values, self.weights) }
    }

    /// Hooke and Jeeves' (1961) exploratory moves, halved where none leads up.
    fn climb(&mut self, mut best: Place) -> Place {
        let (mut step, mut log_step) = FIRST_STEPS;
        for _ in 0..HALVINGS {
            while self.explore(&mut best, step, log_step).is_continue() {}
            (step, log_step) = (step / 2.0, log_step / 2.0);
        }
        best
    }

    fn explore(&mut self, best: &mut Place, step: f64, log_step: f64) -> ControlFlow<()> {
        let (alpha, lacks) = (best.garch.alpha, 1.0 - best.garch.persistence());
        let factor = libm::exp(log_step);
        let places = [
            (alpha + step, 1.0 - lacks),
            (alpha - step, 1.0 - lacks),
            (alpha, 1.0 - lacks * factor),
            (alpha, 1.0 - lacks / factor),
            (alpha + step, 1.0 - lacks / factor),
            (alpha - step, 1.0 - lacks * factor),
        ];
        for place in places {
            if self.looks >= LOOKS_MAX {
                return ControlFlow::Break(());
            }
            let seen = self.look(place);
            if seen.likelihood > best.likelihood + GAIN_MIN {
                *best = seen;
                return ControlFlow::Continue(());
            }
        }
        ControlFlow::Break(())
    }
}

#[cfg(test)]
mod tests {
    use super::Garch;

    const MADE: Garch = Garch { omega: 0.04, alpha: 0.12, beta: 0.84 };

    #[test]
    fn a_variance_is_that_before_its_row() {
        // 0.04 + 0.12 · 4 + 0.84 · 1, then 0.04 + 0.12 · 1 + 0.84 · 1.36, then 0.04 + 0.12 · 0.25 + 0.84 · 1.3024.
        let (before, now) = MADE.filtered(&[2.0, -1.0, 0.5]);
        for (seen, expected) in before.iter().chain([&now]).zip([1.0, 1.36, 1.302_4, 1.164_016]) {
            assert!((seen - expected).abs() < 1e-12, "{before:?} {now}");
        }
        assert_eq!(before.len(), 3);
    }

    #[test]
    fn a_row_counts_in_the_likelihood_as_often_as_it_weighs() {
        let values = [2.0, -1.0, 0.5];
        let each = [1.0_f64, 1.36, 1.302_4].map(f64::ln);
        let each = [each[0] + 4.0, each[1] + 1.0 / 1.36, each[2] + 0.25 / 1.302_4];
        let by_hand = |weights: [f64; 3]| -(0..3).map(|row| weights[row] * each[row]).sum::<f64>() / 2.0;
        for weights in [[1.0; 3], [0.0, 3.0, 1.0], [5.0, 0.0, 0.5]] {
            let seen = MADE.log_likelihood(&values, Some(&weights));
            assert!((seen - by_hand(weights)).abs() < 1e-12, "{weights:?}: {seen}");
        }
        assert!((MADE.log_likelihood(&values, None) - by_hand([1.0; 3])).abs() < 1e-12);
    }
}
