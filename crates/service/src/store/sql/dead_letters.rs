//! Messages that could not be read: listed, and taken in after all.

use async_trait::async_trait;

use super::SqlStore;
use super::arg::args;
use super::fault::Fault;
use super::intake::{insert_jobs, rival_of};
use super::records;
use super::session::{Row, Scope, Session};
use super::work::Work;
use crate::store::dead_letters::{DeadLetter, DeadLetters, LetterId, Revival};
use crate::store::{NewJob, StoreError};

macro_rules! select {
    () => {
        "SELECT topic, partition_number, message_offset, payload_sha256, payload, payload_bytes, reason, received_at_ms
         FROM poison_messages"
    };
}

const SELECT_PAGE: &str = concat!(
    select!(),
    " ORDER BY received_at_ms DESC, message_offset DESC, partition_number DESC, payload_sha256 DESC LIMIT $1"
);

const SELECT_NEXT_PAGE: &str = concat!(
    select!(),
    " WHERE received_at_ms <= $2
        AND (received_at_ms, message_offset, partition_number, payload_sha256) < ($2, $3, $4, $5)
      ORDER BY received_at_ms DESC, message_offset DESC, partition_number DESC, payload_sha256 DESC LIMIT $1"
);

const SELECT_ONE: &str = concat!(
    select!(),
    " WHERE topic = $1 AND partition_number = $2 AND message_offset = $3 AND payload_sha256 = $4"
);

const DELETE: &str = "
    DELETE FROM poison_messages
    WHERE topic = $1 AND partition_number = $2 AND message_offset = $3 AND payload_sha256 = $4";

struct Page<'a> {
    limit: u32,
    after: Option<&'a DeadLetter>,
}

impl Work for Page<'_> {
    type Answer = Vec<DeadLetter>;
    const OPERATION: &'static str = "dead_letters";
    const SCOPE: Scope = Scope::Read;
    const REPEATABLE: bool = true;

    async fn run(&self, session: &mut Session) -> Result<Vec<DeadLetter>, Fault> {
        let answer = match self.after {
            None => session.run(SELECT_PAGE, args![self.limit]).await?,
            Some(DeadLetter { id, received_at_ms, .. }) => {
                let partition = i64::from(id.partition);
                let args = args![self.limit, *received_at_ms, id.offset, partition, &id.payload_sha256];
                session.run(SELECT_NEXT_PAGE, args).await?
            }
        };
        answer.rows.iter().map(letter).collect()
    }
}

struct One<'a>(&'a LetterId);

impl Work for One<'_> {
    type Answer = Option<DeadLetter>;
    const OPERATION: &'static str = "dead_letter";
    const SCOPE: Scope = Scope::Read;
    const REPEATABLE: bool = true;

    async fn run(&self, session: &mut Session) -> Result<Option<DeadLetter>, Fault> {
        let LetterId { topic, partition, offset, payload_sha256 } = self.0;
        let args = args![topic, i64::from(*partition), *offset, payload_sha256];
        session.run(SELECT_ONE, args).await?.rows.first().map(letter).transpose()
    }
}

struct Revive<'a> {
    id: &'a LetterId,
    job: Option<&'a NewJob>,
}

impl Work for Revive<'_> {
    type Answer = Revival;
    const OPERATION: &'static str = "revive";
    const SCOPE: Scope = Scope::Transaction;
    /// The second time would find the letter gone.
    const REPEATABLE: bool = false;

    async fn run(&self, session: &mut Session) -> Result<Revival, Fault> {
        let LetterId { topic, partition, offset, payload_sha256 } = self.id;
        let args = args![topic, i64::from(*partition), *offset, payload_sha256];
        if session.run(DELETE, args).await?.affected == 0 {
            return Ok(Revival::Gone);
        }
        let Some(job) = self.job else { return Ok(Revival::Nothing) };
        if insert_jobs(session, std::slice::from_ref(job)).await?.is_empty() {
            return rival_of(session, job).await.map(Revival::Job);
        }
        Ok(Revival::Job(job.id.clone()))
    }
}

fn letter(row: &Row) -> Result<DeadLetter, Fault> {
    let message = records::poison(row)?;
    let id = LetterId {
        topic: message.topic.clone(),
        partition: message.partition,
        offset: message.offset,
        payload_sha256: row.get("payload_sha256")?,
    };
    Ok(DeadLetter { id, message, received_at_ms: row.get("received_at_ms")? })
}

#[async_trait]
impl DeadLetters for SqlStore {
    async fn dead_letters(
        &self,
        limit: u32,
        after: Option<&DeadLetter>,
    ) -> Result<Vec<DeadLetter>, StoreError> {
        self.runner.perform(&Page { limit, after }).await
    }

    async fn dead_letter(&self, id: &LetterId) -> Result<Option<DeadLetter>, StoreError> {
        self.runner.perform(&One(id)).await
    }

    async fn revive(&self, id: &LetterId, job: Option<&NewJob>) -> Result<Revival, StoreError> {
        self.runner.perform(&Revive { id, job }).await
    }
}
