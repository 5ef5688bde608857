//! Why a job may end without a result and without a fault: there was nothing to simulate, or nothing was kept.

use std::fmt;

/// The reasons.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum SkipReason {
    /// The account has not closed a position yet.
    NoClosingTrades,
    /// Core Service knew the account when it was listed, and knows it no more.
    AccountNotFound,
    /// The account was active when it was listed, and is no more.
    AccountNotActive,
    /// It was imported, completed and without a result.
    ResultNotKept,
}

impl SkipReason {
    pub const ALL: [Self; 4] =
        [Self::NoClosingTrades, Self::AccountNotFound, Self::AccountNotActive, Self::ResultNotKept];

    /// For programs: in the database, in answers and in metrics.
    pub fn code(self) -> &'static str {
        match self {
            Self::NoClosingTrades => "no_closing_trades",
            Self::AccountNotFound => "account_not_found",
            Self::AccountNotActive => "account_not_active",
            Self::ResultNotKept => "result_not_kept",
        }
    }

    /// The reason of that code.
    pub fn parse(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|reason| reason.code() == code)
    }
}

/// For people.
impl fmt::Display for SkipReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoClosingTrades => {
                "the account has no closing trades yet, so there is nothing to simulate from"
            }
            Self::AccountNotFound => "Core Service knows the account no more",
            Self::AccountNotActive => "the account is not active any more",
            Self::ResultNotKept => "the service that was here before kept no result of it",
        })
    }
}
