//! What went wrong for good, for whoever looks after it: messages that could not be read, and jobs that failed.

use std::cmp::Reverse;
use std::fmt;
use std::str::FromStr;

use async_trait::async_trait;
use monte_carlo_engine::Subject;
use serde_json::Value;

use super::{NewJob, Origin, PoisonMessage, StoreError};
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

/// A job that failed, and that nobody cancelled: its attempts or its patience are used up, or it cannot be cured.
#[derive(Clone, Debug, PartialEq)]
pub struct DeadJob {
    pub id: JobId,
    pub subject: Subject,
    pub origin: Origin,
    /// As it was ordered.
    pub config: Value,
    pub reason: String,
    pub attempts: u32,
    pub created_at_ms: i64,
    pub failed_at_ms: i64,
}

/// What a letter is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LetterKind {
    Message,
    Job,
}

impl LetterKind {
    pub const ALL: [Self; 2] = [Self::Message, Self::Job];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Message => "message",
            Self::Job => "job",
        }
    }

    /// The kind of that name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == name)
    }
}

/// One of either kind.
#[derive(Clone, Debug, PartialEq)]
pub enum Letter {
    Message(DeadLetter),
    Job(DeadJob),
}

impl Letter {
    /// When it came: a message was received, a job was ordered.
    pub fn at_ms(&self) -> i64 {
        match self {
            Self::Message(message) => message.received_at_ms,
            Self::Job(job) => job.created_at_ms,
        }
    }

    /// What it is asked for by.
    pub fn name(&self) -> LetterName {
        match self {
            Self::Message(message) => LetterName::Message(message.id.clone()),
            Self::Job(job) => LetterName::Job(job.id.clone()),
        }
    }
}

/// Which letter of either kind. What is no message's id is taken for a job's, which may be any text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LetterName {
    Message(LetterId),
    Job(JobId),
}

impl From<&str> for LetterName {
    fn from(text: &str) -> Self {
        text.parse().map_or_else(|()| Self::Job(JobId(text.to_owned())), Self::Message)
    }
}

impl fmt::Display for LetterName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Message(id) => id.fmt(f),
            Self::Job(id) => id.fmt(f),
        }
    }
}

/// Both lists, each newest first, as one; of one moment the messages come first.
pub fn merge(messages: Vec<DeadLetter>, jobs: Vec<DeadJob>, limit: u32) -> Vec<Letter> {
    let mut letters: Vec<Letter> = messages.into_iter().map(Letter::Message).collect();
    letters.extend(jobs.into_iter().map(Letter::Job));
    // Stable: within each kind the order stays.
    letters.sort_by_key(|letter| Reverse(letter.at_ms()));
    letters.truncate(limit as usize);
    letters
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

/// What is kept for people.
#[async_trait]
pub trait DeadLetters: Send + Sync + 'static {
    /// Of one kind, or of both, newest first, at most `limit`, after the last one of the page before; that may be gone.
    async fn dead_letters(
        &self,
        kind: Option<LetterKind>,
        limit: u32,
        after: Option<&Letter>,
    ) -> Result<Vec<Letter>, StoreError>;
    /// One of them.
    async fn dead_letter(&self, name: &LetterName) -> Result<Option<Letter>, StoreError>;
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

    #[test]
    fn what_is_no_messages_id_is_a_jobs() {
        let message = format!("t-3-42-{}", "0a".repeat(32));
        assert!(matches!(LetterName::from(message.as_str()), LetterName::Message(_)));
        let job = LetterName::from("01934f6e-6c1a-7c3b-9d55-3f6a0c1e2b77");
        assert_eq!(job, LetterName::Job(JobId("01934f6e-6c1a-7c3b-9d55-3f6a0c1e2b77".into())));
        for name in [message.as_str(), "x"] {
            assert_eq!(LetterName::from(name).to_string(), name);
        }
    }
}
