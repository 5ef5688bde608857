//! The numbers that are told with their errors.

/// The percentiles that are told of each distribution, in thousandths.
pub(crate) const PERCENTILES: [u16; 7] = [10, 50, 250, 500, 750, 950, 990];

/// One number of a result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Figure {
    Breach,
    Ruin,
    Pass,
    Neither,
    Payout,
    PayoutWeekly,
    SignedVar95,
    SignedVar99,
    SignedCvar95,
    SignedCvar99,
    Return95Lower,
    Return95Upper,
    Return99Lower,
    Return99Upper,
    MeanReturn,
    Variance,
    StandardDeviation,
    MaxDrawdown,
    Sharpe,
    Sortino,
    /// The final balance's quantile, in thousandths; units of 10⁻⁴ dollars.
    Balance(u16),
    /// The greatest drawdown's quantile, in thousandths.
    Drawdown(u16),
    BreachMeanSteps,
    BreachMedianSteps,
    PassMeanSteps,
    PassMedianSteps,
}

impl Figure {
    /// How many there are.
    pub(crate) const COUNT: usize = Self::ALL.len();

    /// Each, at its [place](Self::place).
    pub(crate) const ALL: [Self; 38] = [
        Self::Breach,
        Self::Ruin,
        Self::Pass,
        Self::Neither,
        Self::Payout,
        Self::PayoutWeekly,
        Self::SignedVar95,
        Self::SignedVar99,
        Self::SignedCvar95,
        Self::SignedCvar99,
        Self::Return95Lower,
        Self::Return95Upper,
        Self::Return99Lower,
        Self::Return99Upper,
        Self::MeanReturn,
        Self::Variance,
        Self::StandardDeviation,
        Self::MaxDrawdown,
        Self::Sharpe,
        Self::Sortino,
        Self::Balance(10),
        Self::Balance(50),
        Self::Balance(250),
        Self::Balance(500),
        Self::Balance(750),
        Self::Balance(950),
        Self::Balance(990),
        Self::Drawdown(10),
        Self::Drawdown(50),
        Self::Drawdown(250),
        Self::Drawdown(500),
        Self::Drawdown(750),
        Self::Drawdown(950),
        Self::Drawdown(990),
        Self::BreachMeanSteps,
        Self::BreachMedianSteps,
        Self::PassMeanSteps,
        Self::PassMedianSteps,
    ];

    /// Its place among [all](Self::ALL); none for a quantile that is not told.
    pub(crate) fn place(self) -> Option<usize> {
        Self::ALL.iter().position(|&figure| figure == self)
    }

    /// Whether it is a share of paths.
    pub(crate) fn is_share(self) -> bool {
        matches!(self, Self::Breach | Self::Ruin | Self::Pass | Self::Neither)
    }

    /// The values that it can take.
    pub(crate) fn range(self) -> (f64, f64) {
        match self {
            share if share.is_share() => (0.0, 1.0),
            Self::MaxDrawdown | Self::Drawdown(_) => (0.0, 1.0),
            Self::Payout | Self::PayoutWeekly | Self::Variance | Self::StandardDeviation => {
                (0.0, f64::INFINITY)
            }
            Self::BreachMeanSteps | Self::BreachMedianSteps | Self::PassMeanSteps | Self::PassMedianSteps => {
                (0.0, f64::INFINITY)
            }
            _ => (f64::NEG_INFINITY, f64::INFINITY),
        }
    }
}
