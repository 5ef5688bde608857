//! Messages that could not be read, and jobs that failed: listed, and the messages taken in after all.

use async_trait::async_trait;

use super::SqlStore;
use super::arg::args;
use super::fault::Fault;
use super::intake::{insert_jobs, rival_of};
use super::read::can_be_an_id;
use super::records;
use super::session::{Row, Scope, Session};
use super::work::Work;
use crate::jobs::ids::JobId;
use crate::store::dead_letters::{
    DeadJob, DeadLetter, DeadLetters, Letter, LetterId, LetterKind, LetterName, Revival, merge,
};
use crate::store::{Cursor, NewJob, StoreError};

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

macro_rules! select_job {
    () => {
        "SELECT id, assessment_id, funded_account_id, origin, config, error, attempts, created_at_ms,
            coalesce(completed_at_ms, created_at_ms) AS failed_at_ms
         FROM simulation_jobs "
    };
}

/// What its index holds: what a person cancelled is no dead letter.
macro_rules! dead {
    () => {
        " {by simulation_jobs_dead} WHERE status = 'failed' AND error <> 'cancelled'"
    };
}

const SELECT_JOBS: &str = concat!(select_job!(), dead!(), " ORDER BY created_at_ms DESC, id DESC LIMIT $1");

const SELECT_NEXT_JOBS: &str = concat!(
    select_job!(),
    dead!(),
    " AND (created_at_ms, id) < ($2, $3) ORDER BY created_at_ms DESC, id DESC LIMIT $1"
);

/// By its id, and not among all that failed.
const SELECT_JOB: &str = concat!(
    select_job!(),
    " WHERE id = $1 AND status NOT IN ('pending', 'running', 'completed') AND error <> 'cancelled'"
);

/// After which message, in the order of [`SELECT_NEXT_PAGE`].
struct MessagePlace<'a> {
    received_at_ms: i64,
    offset: i64,
    partition: i64,
    payload_sha256: &'a str,
}

/// Where each kind goes on after a letter. Of one moment the messages come first.
fn places(after: &Letter) -> (MessagePlace<'_>, Cursor) {
    match after {
        Letter::Message(DeadLetter { id, received_at_ms, .. }) => {
            let place = MessagePlace {
                received_at_ms: *received_at_ms,
                offset: id.offset,
                partition: i64::from(id.partition),
                payload_sha256: &id.payload_sha256,
            };
            // No id is less than none: all jobs of this moment are still to come.
            (place, Cursor { created_at_ms: received_at_ms.saturating_add(1), id: JobId(String::new()) })
        }
        Letter::Job(DeadJob { id, created_at_ms, .. }) => {
            let place = MessagePlace {
                received_at_ms: *created_at_ms,
                offset: i64::MIN,
                partition: 0,
                payload_sha256: "",
            };
            (place, Cursor { created_at_ms: *created_at_ms, id: id.clone() })
        }
    }
}

struct Page<'a> {
    kind: Option<LetterKind>,
    limit: u32,
    after: Option<&'a Letter>,
}

impl Work for Page<'_> {
    type Answer = Vec<Letter>;
    const OPERATION: &'static str = "dead_letters";
    const SCOPE: Scope = Scope::Read;
    const REPEATABLE: bool = true;

    async fn run(&self, session: &mut Session) -> Result<Vec<Letter>, Fault> {
        let (mut messages, mut jobs) = (Vec::new(), Vec::new());
        let (after_message, after_job) = self.after.map(places).unzip();
        if self.kind != Some(LetterKind::Job) {
            let answer = match after_message {
                None => session.run(SELECT_PAGE, args![self.limit]).await?,
                Some(MessagePlace { received_at_ms, offset, partition, payload_sha256 }) => {
                    let args = args![self.limit, received_at_ms, offset, partition, payload_sha256];
                    session.run(SELECT_NEXT_PAGE, args).await?
                }
            };
            messages = answer.rows.iter().map(letter).collect::<Result<_, Fault>>()?;
        }
        if self.kind != Some(LetterKind::Message) {
            let answer = match after_job {
                None => session.run(SELECT_JOBS, args![self.limit]).await?,
                Some(Cursor { created_at_ms, id }) => {
                    session.run(SELECT_NEXT_JOBS, args![self.limit, created_at_ms, id.0]).await?
                }
            };
            jobs = answer.rows.iter().map(records::dead_job).collect::<Result<_, Fault>>()?;
        }
        Ok(merge(messages, jobs, self.limit))
    }
}

struct One<'a>(&'a LetterName);

impl Work for One<'_> {
    type Answer = Option<Letter>;
    const OPERATION: &'static str = "dead_letter";
    const SCOPE: Scope = Scope::Read;
    const REPEATABLE: bool = true;

    async fn run(&self, session: &mut Session) -> Result<Option<Letter>, Fault> {
        match self.0 {
            LetterName::Message(LetterId { topic, partition, offset, payload_sha256 }) => {
                let args = args![topic, i64::from(*partition), *offset, payload_sha256];
                let rows = session.run(SELECT_ONE, args).await?.rows;
                rows.first().map(|row| letter(row).map(Letter::Message)).transpose()
            }
            LetterName::Job(id) if can_be_an_id(id) => {
                let rows = session.run(SELECT_JOB, args![&id.0]).await?.rows;
                rows.first().map(|row| records::dead_job(row).map(Letter::Job)).transpose()
            }
            LetterName::Job(_) => Ok(None),
        }
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
        kind: Option<LetterKind>,
        limit: u32,
        after: Option<&Letter>,
    ) -> Result<Vec<Letter>, StoreError> {
        self.runner.perform(&Page { kind, limit, after }).await
    }

    async fn dead_letter(&self, name: &LetterName) -> Result<Option<Letter>, StoreError> {
        self.runner.perform(&One(name)).await
    }

    async fn revive(&self, id: &LetterId, job: Option<&NewJob>) -> Result<Revival, StoreError> {
        self.runner.perform(&Revive { id, job }).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::jobs::machine::CANCELLED;

    #[test]
    fn what_is_cancelled_is_known_by_the_machines_word() {
        for sql in [SELECT_JOBS, SELECT_NEXT_JOBS, SELECT_JOB] {
            assert!(sql.contains(&format!("error <> '{CANCELLED}'")), "{sql}");
        }
    }
}
