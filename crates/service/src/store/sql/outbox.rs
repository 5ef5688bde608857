//! Messages that must leave: written beside what they tell of, leased by a relay, marked once they are out.

use uuid::Uuid;

use super::arg::{Arg, args};
use super::fault::Fault;
use super::records;
use super::session::{Row, Scope, Session};
use super::work::Work;
use crate::jobs::events::{EventKind, OutboxMessage};

macro_rules! insert {
    ($created_at_ms:literal $(, $on_conflict:literal)?) => {
        concat!(
            "INSERT INTO outbox (event_id, job_id, topic, message_key, payload, headers, created_at_ms)
             SELECT event_id, job_id, topic, message_key, payload, headers, ", $created_at_ms, "
             FROM {rows event_id:uuid job_id:text topic:text message_key:text payload:text headers:text follows:uuid}
             WHERE true ",
            $($on_conflict)?
        )
    };
}

/// After the message that it follows, though both be written in one millisecond or the clock have been set back.
const INSERT_LAST: &str = insert!(
    "{greatest}({now}, coalesce(
        (SELECT earlier.created_at_ms + 1 FROM outbox AS earlier WHERE earlier.event_id = given.follows), 0))"
);
const INSERT_FIRST: &str = insert!("{now}", "ON CONFLICT (event_id) DO NOTHING");

/// The oldest first, and of one key nothing while something earlier is in another relay's hands: the messages of a key
/// leave in their order, whichever relays carry them. (A rival that leases at this moment hides nothing: what it takes is
/// not ours, and not published.)
/// A lease of twice the length was given before the clock was set back.
const LEASE: &str = "
    WITH due AS MATERIALIZED (
        SELECT event_id FROM outbox
        WHERE published_at_ms IS NULL AND (leased_until_ms <= {now} OR leased_until_ms > {now} + 2 * $3)
        ORDER BY created_at_ms, event_id
        LIMIT $1
        {skip_locked})
    UPDATE outbox
    SET leased_by = $2, leased_until_ms = {now} + $3
    WHERE event_id IN (SELECT event_id FROM due) AND published_at_ms IS NULL
        AND (leased_until_ms <= {now} OR leased_until_ms > {now} + 2 * $3)
        AND NOT EXISTS (
            SELECT 1 FROM outbox AS earlier
            WHERE earlier.message_key = outbox.message_key AND earlier.published_at_ms IS NULL
                AND (earlier.created_at_ms, earlier.event_id) < (outbox.created_at_ms, outbox.event_id)
                AND earlier.event_id NOT IN (SELECT event_id FROM due))
    RETURNING event_id, job_id, topic, message_key, payload, headers, created_at_ms";

const HOLD: &str = "
    UPDATE outbox SET leased_until_ms = {now} + $3
    FROM {rows id:uuid}
    WHERE event_id = given.id AND published_at_ms IS NULL AND leased_by = $2";

const MARK: &str = "
    UPDATE outbox SET published_at_ms = {now}, leased_by = NULL
    FROM {rows id:uuid}
    WHERE event_id = given.id AND published_at_ms IS NULL";

const RELEASE: &str = "
    UPDATE outbox SET leased_by = NULL, leased_until_ms = 0
    FROM {rows id:uuid}
    WHERE event_id = given.id AND published_at_ms IS NULL AND leased_by = $2";

/// Inserts a job's last message; one that is there already is a broken invariant, and is refused.
pub(super) async fn insert_last(session: &mut Session, message: &OutboxMessage) -> Result<(), Fault> {
    insert(session, INSERT_LAST, std::slice::from_ref(message)).await
}

/// Inserts the first messages of jobs, where they are not there yet.
pub(super) async fn insert_first(session: &mut Session, messages: &[OutboxMessage]) -> Result<(), Fault> {
    insert(session, INSERT_FIRST, messages).await
}

async fn insert(session: &mut Session, sql: &str, messages: &[OutboxMessage]) -> Result<(), Fault> {
    let rows: Vec<_> = messages
        .iter()
        .map(|message| {
            args![
                message.event_id,
                &message.job.0,
                &message.topic,
                &message.key,
                &message.payload,
                serde_json::json!(message.headers).to_string(),
                EventKind::Started.id_for(&message.job),
            ]
        })
        .collect();
    session.each(sql, &rows, &[]).await?;
    Ok(())
}

/// Takes messages for a relay.
pub(super) struct LeaseOutbox {
    pub(super) relay: Uuid,
    pub(super) limit: u32,
    pub(super) lease_ms: u64,
}

impl Work for LeaseOutbox {
    type Answer = Vec<OutboxMessage>;
    const OPERATION: &'static str = "lease_outbox";
    const SCOPE: Scope = Scope::Statement;
    /// Messages leased unnoticed come back when the lease runs out; taking others first would upset the order.
    const REPEATABLE: bool = false;

    async fn run(&self, session: &mut Session) -> Result<Vec<OutboxMessage>, Fault> {
        let rows = session.run(LEASE, args![self.limit, self.relay, self.lease_ms]).await?.rows;
        let aged = |row: &Row| Ok((row.get::<i64>("created_at_ms")?, records::outbox_message(row)?));
        let mut messages = rows.iter().map(aged).collect::<Result<Vec<_>, Fault>>()?;
        messages.sort_by_key(|(created_at_ms, message)| (*created_at_ms, message.event_id));
        Ok(messages.into_iter().map(|(_, message)| message).collect())
    }
}

/// Keeps messages for the relay that is sending them.
pub(super) struct HoldOutbox<'a> {
    pub(super) relay: Uuid,
    pub(super) event_ids: &'a [Uuid],
    pub(super) lease_ms: u64,
}

impl Work for HoldOutbox<'_> {
    type Answer = ();
    const OPERATION: &'static str = "hold_outbox";
    const SCOPE: Scope = Scope::Statement;
    const REPEATABLE: bool = true;

    async fn run(&self, session: &mut Session) -> Result<(), Fault> {
        let scalars = [Arg::from(self.relay), Arg::from(self.lease_ms)];
        session.each(HOLD, &ids(self.event_ids), &scalars).await?;
        Ok(())
    }
}

/// Marks messages as sent.
pub(super) struct MarkPublished<'a>(pub(super) &'a [Uuid]);

impl Work for MarkPublished<'_> {
    type Answer = ();
    const OPERATION: &'static str = "mark_published";
    const SCOPE: Scope = Scope::Statement;
    const REPEATABLE: bool = true;

    async fn run(&self, session: &mut Session) -> Result<(), Fault> {
        session.each(MARK, &ids(self.0), &[]).await?;
        Ok(())
    }
}

/// Gives messages back.
pub(super) struct ReleaseOutbox<'a> {
    pub(super) relay: Uuid,
    pub(super) event_ids: &'a [Uuid],
}

impl Work for ReleaseOutbox<'_> {
    type Answer = ();
    const OPERATION: &'static str = "release_outbox";
    const SCOPE: Scope = Scope::Statement;
    const REPEATABLE: bool = true;

    async fn run(&self, session: &mut Session) -> Result<(), Fault> {
        session.each(RELEASE, &ids(self.event_ids), &[Arg::from(self.relay)]).await?;
        Ok(())
    }
}

fn ids(event_ids: &[Uuid]) -> Vec<Vec<Arg<'static>>> {
    event_ids.iter().map(|id| args![*id]).collect()
}
