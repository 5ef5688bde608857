//! How close an account is to a breach, so that particles can be told apart before any has broken.

use crate::Plan;
use crate::scale::RUIN_LINE;

/// The closeness of a broken account: above all others.
pub(super) const BROKEN: f64 = f64::INFINITY;

/// Closeness to the floor: the distance to it, less what the rows that are left are good for.
///
/// Rows tilted by `θ`, so that a fall by `s` weighs `exp(θ s)` as much, fall on average as fast as a breach by the horizon needs,
/// or as fast as a breach at any time comes, which is slower or faster. Then the chance to break from a distance `d` with `t` rows
/// left is about `exp(−θ d + K(θ) t)` for `K(θ)` the logarithm of the mean weight of a row (Cramér), and particles that
/// are equally likely to break are equally close: an affine subsolution of Dean and Dupuis, "Splitting for rare event
/// simulation: a large deviation approach to design and analysis" (Stochastic Processes and their Applications 2009). Any
/// measure would leave the estimate unbiased; a good one makes it sure.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Closeness {
    /// Distance that a row left is worth: `K(θ) / θ`.
    worth: f64,
}

/// The greatest tilt, by the deepest row's fall: beyond, that row has all the weight.
const TILT_MAX: f64 = 40.0;

/// The least: below, weights are equal but for rounding.
const TILT_MIN: f64 = 1e-3;

/// Halvings of the tilt's range, on a scale of ratios: to 0.1 %, which no particle would notice.
const HALVINGS: u32 = 14;

impl Closeness {
    /// For the paths of a plan.
    pub(super) fn of_paths(plan: &Plan) -> Self {
        let falls: Vec<f64> = plan
            .rows
            .steps()
            .into_iter()
            .filter(|&step| step > RUIN_LINE)
            .map(|step| -(step as f64))
            .collect();
        let needed = (plan.start.x - plan.start.floor) as f64 / f64::from(plan.horizon.last_step);
        Self::of_falls(&falls, needed)
    }

    #[cfg(test)]
    pub(super) fn with_worth(worth: f64) -> Self {
        Self { worth }
    }

    /// For rows that fall by `falls`, where a breach needs falls of `needed` a row.
    fn of_falls(falls: &[f64], needed: f64) -> Self {
        let deepest = falls.iter().copied().fold(0.0, f64::max);
        if deepest == 0.0 {
            // Accounts break within days that end no lower: no row is worth anything.
            return Self { worth: 0.0 };
        }
        let (mut low, mut high) = (TILT_MIN, TILT_MAX);
        for _ in 0..HALVINGS {
            let middle = (low * high).sqrt();
            let tilted = Tilted::new(falls, middle / deepest);
            if tilted.log_weight >= 0.0 && tilted.mean_fall >= needed {
                high = middle;
            } else {
                low = middle;
            }
        }
        let tilt = high / deepest;
        Self { worth: (Tilted::new(falls, tilt).log_weight / tilt).max(0.0) }
    }

    /// Of an unbroken account `distance` above its floor with `rows_left`.
    #[inline(always)]
    pub(super) fn of(self, distance: i64, rows_left: u32) -> f64 {
        self.worth * f64::from(rows_left) - distance as f64
    }
}

/// Rows of which a fall by `s` weighs `exp(tilt s)`.
struct Tilted {
    /// `K`: the logarithm of the mean weight.
    log_weight: f64,
    /// The mean fall.
    mean_fall: f64,
}

impl Tilted {
    fn new(falls: &[f64], tilt: f64) -> Self {
        let (mut weights, mut sum) = (0.0, 0.0);
        for &fall in falls {
            let weight = libm::exp(tilt * fall);
            weights += weight;
            sum += weight * fall;
        }
        Self { log_weight: libm::log(weights / falls.len() as f64), mean_fall: sum / weights }
    }
}

#[cfg(test)]
mod tests {
    use super::Closeness;

    #[test]
    fn where_a_breach_needs_more_than_it_takes_at_any_time_rows_are_worth_something() {
        // ± 1 with p = 0.4 of a fall: K = ln(0.4 eᶿ + 0.6 e⁻ᶿ). A mean fall of 0.5 needs e²ᶿ = (1.5 / 0.5) · (0.6 / 0.4) = 4.5.
        let falls = [1.0, 1.0, -1.0, -1.0, -1.0];
        let tilt = 4.5_f64.ln() / 2.0;
        let worth = (0.4 * tilt.exp() + 0.6 * (-tilt).exp()).ln() / tilt;
        let seen = Closeness::of_falls(&falls, 0.5);
        assert!((seen.worth / worth - 1.0).abs() < 0.01, "{seen:?} {worth}");
        assert!((seen.of(7, 10) - (10.0 * seen.worth - 7.0)).abs() < 1e-12);
    }

    #[test]
    fn where_there_is_time_enough_a_row_left_is_worth_nothing() {
        // The root of K is e²ᶿ = 0.6 / 0.4, where the mean fall is 0.2.
        let falls = [1.0, 1.0, -1.0, -1.0, -1.0];
        for needed in [0.0, 0.1, 0.19] {
            assert!(Closeness::of_falls(&falls, needed).worth < 1e-3, "{needed}");
        }
        assert!(Closeness::of_falls(&falls, 0.25).worth > 0.02);
    }

    #[test]
    fn rows_that_never_fall_are_worth_nothing() {
        assert_eq!(Closeness::of_falls(&[-3.0, 0.0], 2.0), Closeness { worth: 0.0 });
    }
}
