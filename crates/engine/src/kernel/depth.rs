//! The greatest drawdown of a path, `(peak − balance) / peak`, in the state's own units while the path walks.

use crate::scale::LOG_ONE;

/// Drawdowns are reported as integers of 10⁻⁹, so that decimal ones are exact.
pub(crate) const DEPTH_ONE: f64 = 1e9;

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
