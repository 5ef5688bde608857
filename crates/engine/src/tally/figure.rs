//! The numbers that are told with their errors.

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
}

impl Figure {
    /// How many there are.
    pub(crate) const COUNT: usize = Self::ALL.len();

    /// Each, at the place of its own discriminant.
    pub(crate) const ALL: [Self; 20] = [
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
    ];

    /// Whether it is a share of paths.
    pub(crate) fn is_share(self) -> bool {
        matches!(self, Self::Breach | Self::Ruin | Self::Pass | Self::Neither)
    }

    /// The values that it can take.
    pub(crate) fn range(self) -> (f64, f64) {
        match self {
            share if share.is_share() => (0.0, 1.0),
            Self::MaxDrawdown => (0.0, 1.0),
            Self::Payout | Self::PayoutWeekly | Self::Variance | Self::StandardDeviation => {
                (0.0, f64::INFINITY)
            }
            _ => (f64::NEG_INFINITY, f64::INFINITY),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Figure;

    #[test]
    fn each_is_at_its_own_place() {
        for (place, figure) in Figure::ALL.into_iter().enumerate() {
            assert_eq!(figure as usize, place);
        }
    }
}
