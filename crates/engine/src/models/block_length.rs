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
