//! Monte Carlo errors.

use super::levels::Z95;
use super::shape::Estimate;
use crate::tally::{BATCHES, Batch};

/// Student's t with 31 degrees of freedom, the 97.5 % quantile.
const T95: f64 = 2.039_513_446_396_408;

/// Wilson's score interval: "Probable inference, the law of succession, and statistical inference" (JASA 1927).
pub(super) fn probability(events: u64, paths: u64) -> Estimate {
    let n = paths as f64;
    let value = events as f64 / n;
    let z2 = Z95 * Z95;
    let centre = (value + z2 / (2.0 * n)) / (1.0 + z2 / n);
    let half = Z95 / (1.0 + z2 / n) * (value * (1.0 - value) / n + z2 / (4.0 * n * n)).sqrt();
    Estimate {
        lower: if events == 0 { 0.0 } else { (centre - half).clamp(0.0, value) },
        upper: if events == paths { 1.0 } else { (centre + half).clamp(value, 1.0) },
        ..Estimate::of(value)
    }
}

/// `value` with the interval that the spread of the statistic over the sub-batches gives; none where a batch has fewer
/// than two paths or no such statistic.
pub(super) fn by_batches(
    value: f64,
    batches: &[Batch],
    statistic: impl Fn(&Batch) -> Option<f64>,
) -> Option<Estimate> {
    if batches.iter().any(|batch| batch.paths < 2) {
        return None;
    }
    let values = batches.iter().map(statistic).collect::<Option<Vec<f64>>>()?;
    let count = BATCHES as f64;
    let mean = values.iter().sum::<f64>() / count;
    let variance = values.iter().map(|v| (v - mean) * (v - mean)).sum::<f64>() / (count - 1.0);
    Some(about(value, T95 * (variance / count).sqrt()))
}

/// `value` ± `half`.
pub(super) fn about(value: f64, half: f64) -> Estimate {
    Estimate { lower: value - half, upper: value + half, ..Estimate::of(value) }
}

#[cfg(test)]
mod tests {
    use super::{by_batches, probability};
    use crate::tally::Batch;

    #[test]
    fn wilson_by_hand() {
        // 1 of 10: (0.1 + 0.19207) / 1.38415 ± 1.95996 / 1.38415 · √(0.009 + 0.0096036).
        let one_in_ten = probability(1, 10);
        assert!(
            (one_in_ten.lower - 0.017_876_2).abs() < 1e-6 && (one_in_ten.upper - 0.404_150_4).abs() < 1e-6,
            "{one_in_ten:?}"
        );
        let never = probability(0, 1_000_000);
        assert_eq!((never.value, never.lower), (0.0, 0.0));
        assert!(never.upper > 3.8e-6 && never.upper < 3.9e-6);
        let always = probability(1, 1);
        assert!(always.lower > 0.2 && always.upper == 1.0);
    }

    #[test]
    fn sub_batches_by_hand() {
        // 2, 3 … 33: variance 32 · 33 / 12 = 88; Student's 2.03951 with 31 degrees of freedom · √(88 / 32) = 3.38215.
        let batches: Vec<Batch> = (2..34).map(|paths| Batch { paths, ..Batch::default() }).collect();
        let told = by_batches(17.5, &batches, |batch| Some(batch.paths as f64)).expect("an interval");
        assert!((told.lower - 14.117_85).abs() < 1e-5 && (told.upper - 20.882_15).abs() < 1e-5, "{told:?}");
        assert!(by_batches(17.5, &batches, |batch| (batch.paths > 2).then_some(1.0)).is_none());
    }
}
