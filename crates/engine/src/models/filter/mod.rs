//! Filtered historical simulation: Barone-Adesi, Giannopoulos & Vosper, "VaR without correlations for portfolios of
//! derivative securities" (Journal of Futures Markets 1999); Hull & White, "Incorporating volatility updating into the
//! historical simulation method for value-at-risk" (Journal of Risk 1998).
//!
//! Each row of the history is divided by the deviation that was to be expected before it ([`garch`]); these residuals are
//! drawn independently, and each path multiplies them by a deviation of its own, which they move, from today's on.

mod garch;

pub(crate) use garch::Garch;

use crate::kernel::Steps;
use garch::{VARIANCE_MAX, likeliest, likeliest_near};

/// With fewer rows, the likelihood of a GARCH is too flat to choose by: RiskMetrics' weights stand in.
const GARCH_ROWS_MIN: usize = 100;

/// With more rows, weights hardly move the parameters, and to fit them anew would cost more than the paths.
const REFIT_ROWS_MAX: usize = 5_000;

/// How far beyond what independent rows reach the range of sums goes, in deviations: a path's deviation may grow.
const GROWTH: f64 = 2.0;

/// What the history says of its variance.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct FittedFilter {
    /// Of a row.
    pub(crate) mean: f64,
    /// Of a row.
    pub(crate) deviation: f64,
    pub(crate) garch: Garch,
    /// Of the row after the last, in variances of all.
    pub(crate) variance_now: f64,
    /// By how much the log-likelihood is above that of a variance that stays; none with RiskMetrics' weights.
    pub(crate) log_likelihood_gain: Option<f64>,
    /// Of each row, in deviations that were to be expected.
    residuals: Vec<f64>,
    /// The history.
    past: Vec<i64>,
}

impl FittedFilter {
    /// Of rows of which at least two differ.
    pub(crate) fn of(past: Vec<i64>) -> Self {
        let (mean, deviation) = moments(past.iter().map(|&step| (step as f64, 1.0)));
        let values: Vec<f64> = past.iter().map(|&step| (step as f64 - mean) / deviation).collect();
        let (garch, log_likelihood_gain) = if past.len() < GARCH_ROWS_MIN {
            (Garch::RISK_METRICS, None)
        } else {
            let (garch, gain) = likeliest(&values);
            (garch, Some(gain))
        };
        let (variance_now, residuals) = residuals(garch, &values);
        Self { mean, deviation, garch, variance_now, log_likelihood_gain, residuals, past }
    }

    /// By how much the BIC is below that of a variance that stays.
    pub(crate) fn bic_gain(&self) -> Option<f64> {
        // Two parameters more: α and β.
        self.log_likelihood_gain.map(|gain| 2.0 * gain - 2.0 * libm::log(self.past.len() as f64))
    }

    /// What paths do.
    pub(crate) fn filter(&self) -> Filter {
        Filter::new(self, self.residuals.clone())
    }

    /// The same where each row counts as often as it is `picked`: mean, variance and parameters anew (Newton & Raftery's
    /// weighted likelihood bootstrap, 1994), and the history filtered anew by them.
    pub(crate) fn filter_anew(&self, picked: &[u32]) -> Filter {
        let mut weights = vec![0.0; self.past.len()];
        for &row in picked {
            weights[row as usize] += 1.0;
        }
        let (mean, deviation) =
            moments(self.past.iter().zip(&weights).map(|(&step, &weight)| (step as f64, weight)));
        if deviation == 0.0 {
            // One value alone was picked: it comes again and again, however wide the rest is.
            return Filter::new(&Self { mean, ..self.clone() }, vec![0.0; picked.len()]);
        }
        let values: Vec<f64> = self.past.iter().map(|&step| (step as f64 - mean) / deviation).collect();
        let refits = self.log_likelihood_gain.is_some() && values.len() <= REFIT_ROWS_MAX;
        let garch = if refits { likeliest_near(self.garch, &values, &weights) } else { self.garch };
        let (variance_now, residuals) = residuals(garch, &values);
        let drawn = picked.iter().map(|&row| residuals[row as usize]).collect();
        Filter::new(&Self { mean, deviation, garch, variance_now, ..self.clone() }, drawn)
    }

    /// Steps that spread as those of a path may.
    pub(crate) fn spread(&self, steps: &[i64]) -> Vec<i64> {
        let factor = GROWTH * self.variance_now.sqrt().max(1.0);
        steps.iter().map(|&step| (self.mean + factor * (step as f64 - self.mean)).round() as i64).collect()
    }
}

/// Each value in deviations that were to be expected before it, and the variance to be expected after the last.
fn residuals(garch: Garch, values: &[f64]) -> (f64, Vec<f64>) {
    let (variances, now) = garch.filtered(values);
    (now, values.iter().zip(variances).map(|(value, variance)| value / variance.sqrt()).collect())
}

/// Mean and deviation of values with weights.
fn moments(values: impl Iterator<Item = (f64, f64)> + Clone) -> (f64, f64) {
    let weight: f64 = values.clone().map(|(_, weight)| weight).sum();
    let mean = values.clone().map(|(value, weight)| weight * value).sum::<f64>() / weight;
    let square = |(value, weight): (f64, f64)| weight * (value - mean) * (value - mean);
    (mean, (values.map(square).sum::<f64>() / weight).sqrt())
}

/// What rows do to paths whose deviation moves.
#[derive(Clone, Debug)]
pub(crate) struct Filter {
    mean: f64,
    deviation: f64,
    garch: Garch,
    variance: f64,
    /// Of mean 0 and variance 1, all equally likely.
    residuals: Vec<f64>,
    /// Steps that come as they are, and move the variance all the same: their rows stand after the residuals', and the residuals
    /// again after theirs.
    written: Vec<i64>,
}

impl Filter {
    /// From residuals, which are brought to mean 0 and variance 1, so that in the long run paths have the history's.
    fn new(fitted: &FittedFilter, mut residuals: Vec<f64>) -> Self {
        let (mean, deviation) = moments(residuals.iter().map(|&residual| (residual, 1.0)));
        if deviation > 0.0 {
            residuals.iter_mut().for_each(|residual| *residual = (*residual - mean) / deviation);
        }
        let FittedFilter { mean, deviation, garch, variance_now, .. } = *fitted;
        Self { mean, deviation, garch, variance: variance_now, residuals, written: Vec::new() }
    }

    /// With rows whose steps are written.
    pub(crate) fn with_written(self, written: Vec<i64>) -> Self {
        Self { written, ..self }
    }

    /// The farthest that one row moves a path.
    pub(crate) fn farthest(&self) -> i64 {
        let most = self.residuals.iter().fold(0.0, |most: f64, residual| most.max(residual.abs()));
        let drawn = self.mean.abs() + self.deviation * VARIANCE_MAX.sqrt() * most + 1.0;
        self.written.iter().fold(drawn as i64, |most, step| most.max(step.saturating_abs()))
    }
}

impl Steps for &Filter {
    /// The variance of the next row, in variances of the history's.
    type Memory = f64;

    #[inline(always)]
    fn open(&self) -> f64 {
        self.variance
    }

    #[inline(always)]
    fn step(&self, row: u32, variance: &mut f64) -> i64 {
        let (row, count) = (row as usize, self.residuals.len());
        let residual = match self.residuals.get(row) {
            Some(residual) => residual,
            None => match self.written.get(row - count) {
                Some(&step) => {
                    *variance = self.garch.next(*variance, (step as f64 - self.mean) / self.deviation);
                    return step;
                }
                None => &self.residuals[row - count - self.written.len()],
            },
        };
        let excess = variance.sqrt() * residual;
        *variance = self.garch.next(*variance, excess);
        (self.mean + self.deviation * excess).round() as i64
    }
}

#[cfg(test)]
mod tests {
    use super::{Filter, FittedFilter, Garch};
    use crate::kernel::Steps;
    use crate::models::law::normal_steps;
    use crate::random::Stream;
    use crate::random::bounded::Bounded;

    const MADE: Garch = Garch { omega: 0.04, alpha: 0.12, beta: 0.84 };

    /// Rows of a GARCH of mean 2,000 and deviation 100,000.
    fn series(garch: Garch, count: usize, path: u64) -> Vec<i64> {
        let normal = normal_steps(1e6);
        let mut stream = Stream::of_path(23, path);
        let mut variance = 1.0;
        (0..count)
            .map(|_| {
                let z = normal[Bounded::below(normal.len() as u32).draw(&mut stream) as usize] as f64 / 1e6;
                let excess = f64::sqrt(variance) * z;
                variance = garch.next(variance, excess);
                (2_000.0 + 100_000.0 * excess).round() as i64
            })
            .collect()
    }

    /// The steps of a path.
    fn path(filter: &Filter, id: u64, count: usize) -> Vec<f64> {
        let mut stream = Stream::of_path(29, id);
        let (rows, mut variance) = (Bounded::below(filter.residuals.len() as u32), filter.open());
        (0..count).map(|_| filter.step(rows.draw(&mut stream), &mut variance) as f64).collect()
    }

    #[test]
    fn a_long_history_gives_its_parameters_back() {
        // Standard errors at 20,000 rows: some 0.006 of α and 0.009 of β; five series have less than half of them.
        let fits: Vec<FittedFilter> = (0..5).map(|id| FittedFilter::of(series(MADE, 20_000, id))).collect();
        let mean = |of: fn(&FittedFilter) -> f64| fits.iter().map(of).sum::<f64>() / 5.0;
        let (alpha, beta) = (mean(|fit| fit.garch.alpha), mean(|fit| fit.garch.beta));
        assert!((alpha - 0.12).abs() < 0.01 && (beta - 0.84).abs() < 0.015, "{alpha} {beta}");
        assert!(fits.iter().all(|fit| fit.bic_gain().expect("a fit") > 100.0));
        // Today's variance is told within a few hundredths.
        for (id, fit) in (0..5).zip(&fits) {
            let made = series(MADE, 20_000, id);
            let values: Vec<f64> = made.iter().map(|&step| (step as f64 - 2_000.0) / 100_000.0).collect();
            let own = MADE.filtered(&values).1;
            let seen = fit.variance_now * (fit.deviation / 100_000.0).powi(2);
            assert!((seen / own - 1.0).abs() < 0.1, "{seen} {own}");
        }
    }

    #[test]
    fn paths_keep_the_variance_and_cluster_as_the_theory_says() {
        let fit = FittedFilter { variance_now: 1.0, ..FittedFilter::of(series(MADE, 20_000, 1)) };
        let garch = Garch { omega: 0.10, alpha: 0.15, beta: 0.75 };
        let filter = Filter::new(&FittedFilter { garch, ..fit.clone() }, fit.residuals.clone());
        let (mut square, mut now_and_next, mut now_and_fifth, mut fourth) = (0.0, 0.0, 0.0, 0.0);
        let (paths, rows) = (200, 3_000);
        for id in 0..paths {
            let steps = path(&filter, id, rows);
            let squares: Vec<f64> =
                steps.iter().map(|step| ((step - fit.mean) / fit.deviation).powi(2)).collect();
            square += squares.iter().sum::<f64>();
            fourth += squares.iter().map(|square| square * square).sum::<f64>();
            let lagged =
                |lag: usize| -> f64 { squares.iter().zip(&squares[lag..]).map(|(a, b)| a * b).sum() };
            now_and_next += lagged(1) * rows as f64 / (rows - 1) as f64;
            now_and_fifth += lagged(5) * rows as f64 / (rows - 5) as f64;
        }
        let count = (paths * rows as u64) as f64;
        let mean = square / count;
        assert!((mean - 1.0).abs() < 0.02, "{mean}");
        // Bollerslev (1986): ρ₁ = α (1 − αβ − β²) / (1 − 2αβ − β²), and each later one (α + β) times the one before.
        let expected = 0.15 * (1.0 - 0.15 * 0.75 - 0.5625) / (1.0 - 2.0 * 0.15 * 0.75 - 0.5625);
        let variance = fourth / count - mean * mean;
        let [first, fifth] = [now_and_next, now_and_fifth].map(|sum| (sum / count - mean * mean) / variance);
        assert!((first - expected).abs() < 0.02, "{first} is not {expected}");
        assert!((fifth - expected * 0.9_f64.powi(4)).abs() < 0.02, "{fifth}");
    }

    #[test]
    fn a_deviation_that_stays_leaves_the_rows_as_they_are() {
        // As far from the mean each: whatever the parameters, the variance is that of the first.
        let even: Vec<i64> = (0..400).map(|n| 500 + [70_000, -70_000][n % 2]).collect();
        let fit = FittedFilter::of(even.clone());
        assert_eq!((fit.garch.alpha, fit.garch.persistence(), fit.variance_now), (0.0, 0.0, 1.0));
        assert_eq!(fit.log_likelihood_gain, Some(0.0));
        let filter = &fit.filter();
        let mut variance = filter.open();
        for (row, step) in (0..).zip(&even) {
            assert_eq!(filter.step(row, &mut variance), *step);
        }
    }

    #[test]
    fn independent_rows_show_no_moving_deviation() {
        let none = Garch { omega: 1.0, alpha: 0.0, beta: 0.0 };
        let told = |garch: Garch, count: usize| {
            let shows =
                |id: &u64| FittedFilter::of(series(garch, count, *id)).bic_gain().expect("a fit") > 0.0;
            (0..40).filter(shows).count()
        };
        assert!(told(none, 250) <= 2);
        assert!(told(MADE, 1_000) >= 36);
    }

    #[test]
    fn short_histories_take_the_weights_of_risk_metrics() {
        let past = series(MADE, 99, 4);
        let fit = FittedFilter::of(past.clone());
        assert_eq!((fit.garch, fit.log_likelihood_gain), (Garch::RISK_METRICS, None));
        // By hand: the exponential sum of the squares, from the variance of all.
        let squares = past.iter().map(|&step| ((step as f64 - fit.mean) / fit.deviation).powi(2));
        let expected = squares.fold(1.0, |variance, square| 0.94 * variance + 0.06 * square);
        assert!((fit.variance_now - expected).abs() < 1e-12, "{} {expected}", fit.variance_now);
        assert!(FittedFilter::of(series(MADE, 100, 4)).log_likelihood_gain.is_some());
    }

    #[test]
    fn written_rows_come_as_they_are_and_move_the_variance() {
        let fit = FittedFilter::of(series(MADE, 1_000, 2));
        let filter = &fit.filter().with_written(vec![7, 1_500_000]);
        let mut variance = filter.open();
        assert_eq!(filter.step(1_000, &mut variance), 7);
        let before = variance;
        assert_eq!(filter.step(1_001, &mut variance), 1_500_000);
        let excess = (1_500_000.0 - fit.mean) / fit.deviation;
        assert_eq!(variance, fit.garch.next(before, excess));
        assert!(variance > 5.0 * before);
        // The residuals stand behind them again.
        let (mut one, mut other) = (variance, variance);
        assert_eq!(filter.step(3, &mut one), filter.step(1_002 + 3, &mut other));
        assert!(filter.farthest() >= 1_500_000);
    }

    #[test]
    fn weights_move_mean_deviation_and_parameters() {
        let past = series(MADE, 600, 3);
        let fit = FittedFilter::of(past.clone());
        let each: Vec<u32> = (0..600).collect();
        let own = fit.filter_anew(&each);
        assert!((own.mean - fit.mean).abs() < 1e-6 && (own.deviation / fit.deviation - 1.0).abs() < 1e-9);
        assert!((own.garch.alpha - fit.garch.alpha).abs() < 0.01, "{:?} {:?}", own.garch, fit.garch);
        // The losses twice as often.
        let losses = (0..600).filter(|&row| past[row as usize] < 0);
        let weighted = fit.filter_anew(&each.iter().copied().chain(losses).collect::<Vec<_>>());
        assert!(weighted.mean < fit.mean - 0.2 * fit.deviation);
        let one = fit.filter_anew(&[5, 5, 5]);
        assert_eq!(path(&one, 1, 10), [past[5] as f64; 10]);
    }

    #[test]
    fn a_weighted_history_is_filtered_by_its_own_parameters() {
        let fit = FittedFilter::of(series(MADE, 600, 3));
        // The first third twice, the rest once.
        let picked: Vec<u32> = (0..600).chain(0..200).collect();
        let weighted = fit.filter_anew(&picked);
        assert!(weighted.garch != fit.garch);
        let values: Vec<f64> =
            fit.past.iter().map(|&step| (step as f64 - weighted.mean) / weighted.deviation).collect();
        let (variances, now) = weighted.garch.filtered(&values);
        let own: Vec<f64> =
            picked.iter().map(|&row| values[row as usize] / variances[row as usize].sqrt()).collect();
        let mean = own.iter().sum::<f64>() / 800.0;
        let deviation = (own.iter().map(|x| (x - mean) * (x - mean)).sum::<f64>() / 800.0).sqrt();
        for (seen, own) in weighted.residuals.iter().zip(own) {
            assert!((seen - (own - mean) / deviation).abs() < 1e-9, "{seen} {own}");
        }
        assert_eq!((weighted.residuals.len(), weighted.variance), (800, now));
    }
}
