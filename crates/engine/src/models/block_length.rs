//! The mean block length by rule: Politis and White, "Automatic block-length selection for the dependent bootstrap"
//! (Econometric Reviews 2004), as corrected by Patton, Politis and White (2009): the stationary bootstrap's.

/// Lags in a row that must be insignificant; Politis & White's `K_N = max(5, √log₁₀ n)`, which is 5 for every
/// history that fits in memory.
const QUIET_LAGS: usize = 5;

/// With fewer rows there is nothing to choose from.
const FEWEST_ROWS: usize = 10;

/// The mean block length in rows for the series `x`, within `1 ..= max(1, n / 3)`; 1 where `n < 10` or the variance is 0.
pub(crate) fn choose(x: &[f64]) -> f64 {
    let n = x.len();
    if n < FEWEST_ROWS {
        return 1.0;
    }
    let rows = n as f64;
    let mean = x.iter().sum::<f64>() / rows;
    let centred: Vec<f64> = x.iter().map(|value| value - mean).collect();
    let lags_max = (rows.sqrt().ceil() as usize + QUIET_LAGS).min(n - 1);
    let covariances: Vec<f64> = (0..=lags_max).map(|lag| autocovariance(&centred, lag)).collect();
    if covariances[0] <= f64::EPSILON * mean * mean {
        return 1.0;
    }
    let bandwidth = bandwidth(&covariances, rows);
    let length = minimise(&covariances, bandwidth, rows);
    let length_max = (3.0 * rows.sqrt()).min(rows / 3.0).ceil();
    if length.is_finite() { length.min(length_max).clamp(1.0, (rows / 3.0).max(1.0)) } else { 1.0 }
}

/// `R(k) = (1/n) Σ (x_i − x̄)(x_{i+k} − x̄)`.
fn autocovariance(centred: &[f64], lag: usize) -> f64 {
    let products = centred.iter().zip(&centred[lag..]).map(|(a, b)| a * b);
    products.sum::<f64>() / centred.len() as f64
}

/// `M = 2 m̂`, where `m̂` is the smallest lag (at least 1) after which `QUIET_LAGS` autocorrelations in a row lie inside
/// `± 2 √(log₁₀ n / n)`; all computed lags where there is none.
fn bandwidth(covariances: &[f64], rows: f64) -> usize {
    let lags_max = covariances.len() - 1;
    let band = 2.0 * (libm::log10(rows) / rows).sqrt();
    let quiet = |lag: usize| (covariances[lag] / covariances[0]).abs() < band;
    (0..=lags_max.saturating_sub(QUIET_LAGS))
        .find(|&m| (m + 1..=m + QUIET_LAGS).all(|lag| lag <= lags_max && quiet(lag)))
        .map_or(lags_max, |m| (2 * m.max(1)).min(lags_max))
}

/// `b = (2 Ĝ² / D̂)^(1/3) n^(1/3)` with `Ĝ = Σ λ(k/M) |k| R(k)` and `D̂ = 2 ĝ(0)²`, `ĝ(0) = Σ λ(k/M) R(k)` over `−M ..= M`.
fn minimise(covariances: &[f64], bandwidth: usize, rows: f64) -> f64 {
    let (mut spread, mut long_run) = (0.0, covariances[0]);
    for (lag, covariance) in covariances.iter().enumerate().take(bandwidth + 1).skip(1) {
        let weighted = 2.0 * flat_top(lag as f64 / bandwidth as f64) * covariance;
        spread += lag as f64 * weighted;
        long_run += weighted;
    }
    libm::cbrt(spread * spread / (long_run * long_run) * rows)
}

/// The flat-top lag window of Politis & Romano (1995).
fn flat_top(t: f64) -> f64 {
    if t <= 0.5 { 1.0 } else { 2.0 * (1.0 - t) }
}

#[cfg(test)]
mod tests {
    use super::{autocovariance, choose, minimise};

    #[test]
    fn a_small_series_by_hand() {
        let x = [4.0, 2.0, 0.0, -2.0, 1.0, 3.0, -4.0, 0.0, -1.0, 2.0, -3.0, -2.0];
        let covariances: Vec<f64> = (0..=2).map(|lag| 12.0 * autocovariance(&x, lag)).collect();
        assert_eq!(covariances, [68.0, -5.0, -11.0]);
        // With M = 2, λ(1/2) = 1 and λ(1) = 0: Ĝ = −10/12, ĝ(0) = 58/12, b = ((10/58)² · 12)^(1/3).
        let length = minimise(&[68.0 / 12.0, -5.0 / 12.0, -11.0 / 12.0], 2, 12.0);
        assert!((length - (12.0 * (10.0_f64 / 58.0).powi(2)).cbrt()).abs() < 1e-12, "{length}");
        assert_eq!(choose(&x), 1.0, "0.709 is below one row");
    }

    #[test]
    fn series_computed_by_another_program() {
        let cases: [(&[i32], f64); 4] = [
            (
                &[4, 2, -8, -7, 0, 11, 11, 9, 0, -9, 0, -3, -6, 7, -5, -4, 4, -3, 7, 3, -5, -8, -18, -18],
                1.763750783092,
            ),
            (
                &[
                    -15, -14, -5, -2, -4, -1, -4, -11, 1, 5, 0, 7, 10, 9, 10, 13, 12, 6, -9, -17, -7, 7, 6,
                    4, 7, 11, 3, 4, 4, -6, -4, -11, -13, -3, -3, -9, 2, 14, 9, 9,
                ],
                2.330408575262,
            ),
            (
                &[
                    15, 12, 5, 3, 17, 8, -7, -10, -4, 13, 5, 3, 1, 11, 22, 22, 17, 4, -4, -12, 0, 5, 1, -13,
                    -20, -2, -3, 1, -17, -10, -4, 8, 13, 10, 16, 17, 9, 2, -9, -12, -19, -7, -2, 2, 0, 3, 8,
                    11, 14, 19, 14, 19, 19, 21, 22, 11, 8, -10, -9, -14,
                ],
                3.852149653406,
            ),
            (
                &[
                    -2, 0, -6, 3, 6, -5, -7, -7, -9, 3, 8, 0, -8, -2, 7, 8, 2, -1, -4, -6, -1, -3, -9, -1,
                    -1, -3, -4, 0, 0, 2, -7, 1, 3, 7, -2, -4, -2, 6, -1, -7, 8, 0, -9, 0, 9, 0, 7, -3, 4, 4,
                    0, 4, 5, -4, -2, 0, -1, -8, -7, -8,
                ],
                1.705905177176,
            ),
        ];
        for (series, expected) in cases {
            let series: Vec<f64> = series.iter().map(|&x| f64::from(x)).collect();
            let length = choose(&series);
            assert!((length - expected).abs() < 1e-9, "{length} is not {expected}");
        }
    }

    #[test]
    fn nothing_to_choose_from() {
        assert_eq!(choose(&[1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0]), 1.0);
        assert_eq!(choose(&[0.1; 50]), 1.0);
    }

    #[test]
    fn no_block_is_longer_than_a_third_of_the_rows() {
        // Gains and losses in turn: their long-run variance is all but 0, and the optimum beyond all bounds.
        let turns = |n: i32| (0..n).map(|i| f64::from(1 - 2 * (i % 2))).collect::<Vec<_>>();
        assert_eq!(choose(&turns(10)), 10.0 / 3.0);
        assert_eq!(choose(&turns(24)), 8.0);
        // Politis and White's own bound is the lesser one from 82 rows on: ⌈3 √120⌉, not 40.
        assert_eq!(choose(&turns(120)), 33.0);
        assert_eq!(choose(&turns(9)), 1.0);
    }

    /// AR(1) with uniform innovations.
    fn autoregressive(rho: f64, n: usize) -> Vec<f64> {
        let mut stream = crate::random::Stream::of_path(2_026, 1);
        let mut value = 0.0;
        (0..n)
            .map(|_| {
                value = rho * value + f64::from(stream.next_u32()) / 4_294_967_296.0 - 0.5;
                value
            })
            .collect()
    }

    #[test]
    fn grows_with_dependence() {
        let lengths = [0.0, 0.3, 0.6, 0.9].map(|rho| choose(&autoregressive(rho, 2_000)));
        assert!(lengths[0] < 5.0, "white noise needs no blocks: {lengths:?}");
        assert!(lengths.is_sorted() && lengths[3] > 3.0 * lengths[1], "{lengths:?}");
        // The optimum for AR(1) is (2 (ρ/(1−ρ²))² · n)^(1/3) · …: b = (G²/g²·n)^(1/3) with G/g = 2ρ/(1−ρ²).
        for (length, rho) in lengths.iter().zip([0.0, 0.3, 0.6, 0.9]).skip(2) {
            let ideal = (f64::powi(2.0 * rho / (1.0 - rho * rho), 2) * 2_000.0).cbrt();
            assert!(length / ideal > 0.6 && length / ideal < 1.6, "ρ {rho}: {length} against {ideal}");
        }
    }
}
