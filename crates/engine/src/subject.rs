//! Whose future is simulated.

use serde::{Deserialize, Serialize};

/// The account that a job is about; the id is the platform's, opaque to us, 1 to 128 characters.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Subject {
    /// A trader who has just passed: "what if we fund this trader today?"
    #[serde(rename = "assessmentId")]
    Assessment(String),
    /// An account that is funded and trading.
    #[serde(rename = "fundedAccountId")]
    FundedAccount(String),
}

impl Subject {
    /// The platform's id of the assessment or the account.
    pub fn id(&self) -> &str {
        match self {
            Self::Assessment(id) | Self::FundedAccount(id) => id,
        }
    }

    /// The id, where the subject is an assessment.
    pub fn assessment_id(&self) -> Option<&str> {
        match self {
            Self::Assessment(id) => Some(id),
            Self::FundedAccount(_) => None,
        }
    }

    /// The id, where the subject is a funded account.
    pub fn funded_account_id(&self) -> Option<&str> {
        match self {
            Self::Assessment(_) => None,
            Self::FundedAccount(id) => Some(id),
        }
    }
}
