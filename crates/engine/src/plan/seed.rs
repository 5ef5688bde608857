//! The seed of a subject, so that a rerun on the same history is the same.

use sha2::{Digest, Sha256};

use crate::Subject;

/// The first 53 bits of SHA-256 of `assessment:ID` or `funded:ID`.
pub(super) fn of_subject(subject: &Subject) -> u64 {
    let kind = match subject {
        Subject::Assessment(_) => "assessment",
        Subject::FundedAccount(_) => "funded",
    };
    let digest = Sha256::digest(format!("{kind}:{}", subject.id()));
    let first = digest.iter().take(8).fold(0_u64, |bits, &byte| bits << 8 | u64::from(byte));
    first >> (64 - 53)
}

#[cfg(test)]
mod tests {
    use super::of_subject;
    use crate::Subject;

    #[test]
    fn is_the_head_of_the_hash() {
        // printf assessment:a1 | sha256sum → the first 53 bits, by hand.
        assert_eq!(of_subject(&Subject::Assessment("a1".into())), SEED_A1);
        assert_ne!(of_subject(&Subject::FundedAccount("a1".into())), SEED_A1);
    }

    const SEED_A1: u64 = 4662863925552906;
}
