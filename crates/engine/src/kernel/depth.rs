//! The greatest drawdown of a path, `(peak − balance) / peak`, in the state's own units while the path walks.

use super::{LANES, Numbers};
use crate::exponential::{exp, whole, whole_number};
use crate::scale::LOG_ONE;

/// Drawdowns are reported as integers of 10⁻⁹, so that decimal ones are exact.
pub(crate) const DEPTH_ONE: f64 = 1e9;

/// How near to the middle between two integers a fraction of vectors is not trusted: ten times what it can be off.
const DOUBT: f64 = 1e-5;

/// The greatest drawdown so far.
pub(crate) trait Depth: Copy {
    /// None yet.
    const NONE: Self;
    /// After the state `x` below `peak`.
    fn deepened(self, peak: i64, x: i64) -> Self;
    /// Whether a fall of `fall` from some point at or above `peak` could deepen it.
    fn may_deepen(self, peak: i64, fall: i64) -> bool;
    /// As an integer of 10⁻⁹, from 0 to 10⁹; a balance below 0 counts as the whole account.
    fn fraction(self) -> u64;

    /// At the start of a path; a drawdown that already stands counts.
    fn at(peak: i64, x: i64) -> Self {
        Self::NONE.deepened(peak, x)
    }

    /// After something other than a loss has lowered the account, as `lower` does.
    fn lowered(self, _lower: impl Fn(i64) -> i64) -> Self {
        self
    }
}

/// A drawdown below a peak of its own, for accounts that payouts lower: what left is no loss.
#[derive(Clone, Copy, Debug)]
pub(crate) struct OwnPeak<D> {
    peak: i64,
    depth: D,
}

impl<D: Depth> Depth for OwnPeak<D> {
    const NONE: Self = Self { peak: i64::MIN, depth: D::NONE };

    fn at(peak: i64, x: i64) -> Self {
        Self { peak: peak.max(x), depth: D::at(peak, x) }
    }

    #[inline(always)]
    fn deepened(self, _peak: i64, x: i64) -> Self {
        let peak = self.peak.max(x);
        Self { peak, depth: self.depth.deepened(peak, x) }
    }

    /// A day's extremes do not tell: its trades have to be walked.
    fn may_deepen(self, _peak: i64, _fall: i64) -> bool {
        true
    }

    fn fraction(self) -> u64 {
        self.depth.fraction()
    }

    fn lowered(self, lower: impl Fn(i64) -> i64) -> Self {
        Self { peak: lower(self.peak), ..self }
    }
}

/// In log-equity: the drawdown is a function of the distance alone.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LogDepth(i64);

impl LogDepth {
    /// The greatest distance of a path's closes below their peak.
    pub(crate) fn of(distance: i64) -> Self {
        Self(distance)
    }

    /// That distance.
    pub(crate) fn distance(self) -> i64 {
        self.0
    }

    /// [`Depth::fraction`] of several such distances. Here it is by an exponential of which a compiler computes many side by
    /// side, off by less than 10⁻⁶ units of 10⁻⁹; where that could round to another integer, each is asked alone.
    #[inline(always)]
    pub(crate) fn fraction_each(distances: &Numbers) -> Numbers {
        let (mut fractions, mut in_doubt) = ([0; LANES], 0);
        for lane in 0..LANES {
            let fraction = (1.0 - exp(-f64::from(distances[lane]) / LOG_ONE)) * DEPTH_ONE;
            let nearest = whole(fraction);
            fractions[lane] = whole_number(nearest) as i32;
            in_doubt |= u32::from((fraction - nearest).abs() > 0.5 - DOUBT);
        }
        if in_doubt != 0 {
            fractions = distances.map(|distance| Self(i64::from(distance)).fraction() as i32);
        }
        fractions
    }
}

impl Depth for LogDepth {
    const NONE: Self = Self(0);

    #[inline(always)]
    fn deepened(self, peak: i64, x: i64) -> Self {
        Self(self.0.max(peak - x))
    }

    #[inline(always)]
    fn may_deepen(self, _peak: i64, fall: i64) -> bool {
        fall > self.0
    }

    #[inline(always)]
    fn fraction(self) -> u64 {
        (-libm::expm1(-(self.0 as f64) / LOG_ONE) * DEPTH_ONE).round() as u64
    }
}

/// In money: a ratio, compared in IEEE double precision, which is the same on every machine.
#[derive(Clone, Copy, Debug)]
pub(crate) struct MoneyDepth(f64);

impl Depth for MoneyDepth {
    const NONE: Self = Self(0.0);

    #[inline(always)]
    fn deepened(self, peak: i64, x: i64) -> Self {
        let (fall, peak) = ((peak - x) as f64, peak as f64);
        if fall > self.0 * peak { Self(fall / peak) } else { self }
    }

    #[inline(always)]
    fn may_deepen(self, peak: i64, fall: i64) -> bool {
        fall as f64 > self.0 * peak as f64
    }

    fn fraction(self) -> u64 {
        (self.0.min(1.0) * DEPTH_ONE).round() as u64
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{ProptestConfig, prop_assert_eq, proptest};

    use super::{Depth, LANES, LogDepth};

    fn one_by_one(distances: [i32; LANES]) -> [u64; LANES] {
        distances.map(|distance| LogDepth::of(i64::from(distance)).fraction())
    }

    #[test]
    fn small_distances_and_the_largest_side_by_side() {
        for first in (0..3_000_000).step_by(LANES).chain([(1 << 30) - 32]) {
            let distances = std::array::from_fn(|lane| first + lane as i32);
            let fractions = LogDepth::fraction_each(&distances).map(|fraction| fraction as u64);
            assert_eq!(fractions, one_by_one(distances), "from {first}");
        }
    }

    /// The first of those, one in some ten million, whose fraction lies so near to the middle between two integers that the two
    /// exponentials round it to different ones.
    #[test]
    fn distances_whose_fraction_is_in_doubt() {
        const DOUBTED: [i32; 8] = [
            56_563_177,
            80_145_122,
            94_960_273,
            98_606_575,
            105_433_695,
            112_914_842,
            126_489_797,
            139_539_831,
        ];
        for doubted in DOUBTED {
            let distances = [doubted; LANES];
            let fractions = LogDepth::fraction_each(&distances).map(|fraction| fraction as u64);
            assert_eq!(fractions, one_by_one(distances), "{doubted}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 20_000, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn any_distances_side_by_side(distances: [i32; LANES]) {
            let distances = distances.map(|distance| distance & ((1 << 30) - 1));
            let fractions = LogDepth::fraction_each(&distances).map(|fraction| fraction as u64);
            prop_assert_eq!(fractions, one_by_one(distances));
        }
    }
}
