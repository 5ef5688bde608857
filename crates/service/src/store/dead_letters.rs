//! Messages that could not be read, for whoever looks after them.

use std::fmt;
use std::str::FromStr;

use async_trait::async_trait;

use super::{NewJob, PoisonMessage, StoreError};
use crate::jobs::ids::JobId;

/// Which message: where it lay in its topic, and a digest, since a broker that begins anew counts from zero again. As text,
/// the four joined by `-`; a topic may have such a sign itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LetterId {
    pub topic: String,
    pub partition: i32,
    pub offset: i64,
    /// SHA-256 of what is kept of the payload, lower-case hex.
    pub payload_sha256: String,
}

/// A message that is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeadLetter {
    pub id: LetterId,
    pub message: PoisonMessage,
    pub received_at_ms: i64,
}

/// What became of a message that can be read after all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Revival {
    /// It is out of the letters, and this is its job: a new one, or one that its assessment had already.
    Job(JobId),
    /// It is out of the letters, and no job belongs to it.
    Nothing,
    /// It is not there any more: somebody else was first.
    Gone,
}

/// The messages that are kept for people.
#[async_trait]
pub trait DeadLetters: Send + Sync + 'static {
    /// Newest first, at most `limit`, after the last one of the page before.
    async fn dead_letters(
        &self,
        limit: u32,
        after: Option<&DeadLetter>,
    ) -> Result<Vec<DeadLetter>, StoreError>;
    /// One of them.
    async fn dead_letter(&self, id: &LetterId) -> Result<Option<DeadLetter>, StoreError>;
    /// Takes a message out of the letters, and in the same transaction its job in, if it means one.
    async fn revive(&self, id: &LetterId, job: Option<&NewJob>) -> Result<Revival, StoreError>;
}

impl fmt::Display for LetterId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { topic, partition, offset, payload_sha256 } = self;
        write!(f, "{topic}-{partition}-{offset}-{payload_sha256}")
    }
}

impl FromStr for LetterId {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let mut parts = text.rsplitn(4, '-');
        let mut next = || parts.next().ok_or(());
        let (payload_sha256, offset, partition, topic) = (next()?, next()?, next()?, next()?);
        let is_hex = payload_sha256.len() == 64
            && payload_sha256.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        let is_topic = !topic.is_empty()
            && topic.len() <= 249
            && topic.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-'));
        let digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
        if !(is_hex && is_topic && digits(offset) && digits(partition)) {
            return Err(());
        }
        Ok(Self {
            topic: topic.to_owned(),
            partition: partition.parse().map_err(|_| ())?,
            offset: offset.parse().map_err(|_| ())?,
            payload_sha256: payload_sha256.to_owned(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_comes_back_from_its_text_and_nothing_else_is_one() {
        let sha = "0123456789abcdef".repeat(4);
        let id = LetterId {
            topic: "stage-1.assessment.completed".into(),
            partition: 3,
            offset: 42,
            payload_sha256: sha.clone(),
        };
        assert_eq!(id.to_string().parse(), Ok(id));
        for text in [
            String::new(),
            "01934f6e-6c1a-7c3b-9d55-3f6a0c1e2b77".into(),
            format!("-3-42-{sha}"),
            format!("t-3-42-{}", &sha[1..]),
            format!("t-3-42-{}", sha.to_uppercase()),
            format!("t-3-+42-{sha}"),
            format!("t-3-{}-{sha}", u64::MAX),
            format!("t-{}-42-{sha}", u32::MAX),
            format!("t\u{0}-3-42-{sha}"),
        ] {
            assert_eq!(text.parse::<LetterId>(), Err(()), "{text:?}");
        }
    }
}
