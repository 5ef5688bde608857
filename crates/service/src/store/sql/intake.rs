//! Jobs come in: in batches from Kafka, one by one from the API.

use std::collections::HashSet;

use sha2::{Digest, Sha256};

use super::arg::{Arg, args, storable};
use super::dialect::Dialect;
use super::fault::Fault;
use super::session::{Scope, Session};
use super::work::Work;
use crate::jobs::ids::JobId;
use crate::store::retention::outlives_its_job;
use crate::store::{Creation, IdempotencyKey, IntakeBatch, IntakeOutcome, NewJob};

/// No conflict target: a batch that is recorded again after a lost commit meets its own ids as well.
const INSERT_JOBS: &str = "
    INSERT INTO simulation_jobs (
        id, assessment_id, funded_account_id, origin, dedupe_key, status, config, input_summary,
        correlation_id, traceparent, tracestate, run_after_ms, created_at_ms)
    SELECT id, assessment_id, funded_account_id, origin, dedupe_key, 'pending', config, input_summary,
        correlation_id, traceparent, tracestate, {now}, {now}
    FROM {rows id:text assessment_id:text funded_account_id:text origin:text dedupe_key:text config:text
        input_summary:text correlation_id:text traceparent:text tracestate:text}
    WHERE true
    ON CONFLICT DO NOTHING
    RETURNING id";

const INSERT_INPUTS: &str = "
    INSERT INTO simulation_inputs (job_id, input)
    SELECT job_id, input FROM {rows job_id:text input:text}";

const INSERT_POISON: &str = "
    INSERT INTO poison_messages (
        topic, partition_number, message_offset, payload_sha256, payload, payload_bytes, reason, received_at_ms)
    SELECT topic, partition_number, message_offset, payload_sha256, payload, payload_bytes, reason, {now}
    FROM {rows topic:text partition_number:int8 message_offset:int8 payload_sha256:text payload:bytea
        payload_bytes:int8 reason:text}
    WHERE true
    ON CONFLICT DO NOTHING";

const INSERT_KEY: &str = "
    INSERT INTO idempotency_keys (idempotency_key, body_hash, job_id, created_at_ms)
    VALUES ($1, $2, $3, {now})
    ON CONFLICT DO NOTHING";

const SELECT_KEY: &str = "SELECT body_hash, job_id FROM idempotency_keys WHERE idempotency_key = $1";

const POINT_KEY_AT: &str = "UPDATE idempotency_keys SET job_id = $2 WHERE idempotency_key = $1";

/// A purged job, too, stands in the way of others of its key.
const SELECT_RIVAL: &str = "
    SELECT id FROM simulation_jobs WHERE id = $1 OR dedupe_key = $2
    UNION ALL
    SELECT job_id AS id FROM spent_keys WHERE dedupe_key = $2";

/// Asked after the insert, in a statement of its own: an insert that waited for the end of a purge sees here what that
/// has put down. Asked before, it would not.
const SELECT_SPENT: &str = "
    SELECT given.id FROM {rows id:text dedupe_key:text}
    JOIN spent_keys ON spent_keys.dedupe_key = given.dedupe_key";

const TAKE_BACK: &str = "DELETE FROM simulation_jobs WHERE id IN (SELECT given.id FROM {rows id:text})";

/// A batch from Kafka.
pub(super) struct RecordIntake<'a>(pub(super) &'a IntakeBatch);

impl Work for RecordIntake<'_> {
    type Answer = IntakeOutcome;
    const OPERATION: &'static str = "record_intake";
    const SCOPE: Scope = Scope::Transaction;
    const REPEATABLE: bool = true;

    async fn run(&self, session: &mut Session) -> Result<IntakeOutcome, Fault> {
        let Self(batch) = self;
        let inserted = insert_jobs(session, &batch.jobs).await?.len();
        let poison: Vec<_> = batch
            .poison
            .iter()
            .map(|message| {
                args![
                    &message.topic,
                    i64::from(message.partition),
                    message.offset,
                    sha256(&message.payload),
                    message.payload.as_slice(),
                    message.payload_bytes,
                    &message.reason,
                ]
            })
            .collect();
        session.each(INSERT_POISON, &poison, &[]).await?;
        Ok(IntakeOutcome { inserted: inserted as u64, duplicates: (batch.jobs.len() - inserted) as u64 })
    }
}

/// One job from the API or the schedule.
pub(super) struct Create<'a> {
    pub(super) job: &'a NewJob,
    pub(super) key: Option<&'a IdempotencyKey>,
}

impl Work for Create<'_> {
    type Answer = Creation;
    const OPERATION: &'static str = "create";
    const SCOPE: Scope = Scope::Transaction;
    const REPEATABLE: bool = true;

    async fn run(&self, session: &mut Session) -> Result<Creation, Fault> {
        let &Self { job, key } = self;
        // The key first: a rival with the same one waits here for the end of our transaction.
        if let Some(key) = key
            && let Some(seen) = take_key(session, key, &job.id).await?
        {
            return Ok(seen);
        }
        if !insert_jobs(session, std::slice::from_ref(job)).await?.is_empty() {
            return Ok(Creation::Created);
        }
        let rival = rival_of(session, job).await?;
        if let Some(key) = key {
            session.run(POINT_KEY_AT, args![&key.key, &rival.0]).await?;
        }
        Ok(if rival == job.id { Creation::Created } else { Creation::Replayed(rival) })
    }
}

/// Puts the key down for `job`, or says what it was put down for before.
async fn take_key(
    session: &mut Session,
    key: &IdempotencyKey,
    job: &JobId,
) -> Result<Option<Creation>, Fault> {
    if session.run(INSERT_KEY, args![&key.key, &key.body_hash, &job.0]).await?.affected == 1 {
        return Ok(None);
    }
    let seen = session.run(SELECT_KEY, args![&key.key]).await?;
    let Some(row) = seen.rows.first() else {
        return Err(Fault::Corrupt("an idempotency key that is neither new nor there".into()));
    };
    let (body_hash, first): (String, String) = (row.get("body_hash")?, row.get("job_id")?);
    Ok(Some(match () {
        () if body_hash != key.body_hash => Creation::KeyReused,
        // Our own commit, of which we had not heard.
        () if first == job.0 => Creation::Created,
        () => Creation::Replayed(JobId(first)),
    }))
}

/// The job that is there, or was, in place of one that was not inserted; itself, where it was inserted unnoticed.
pub(super) async fn rival_of(session: &mut Session, job: &NewJob) -> Result<JobId, Fault> {
    let args = args![&job.id.0, job.dedupe_key.as_deref()];
    let rivals = session.run(SELECT_RIVAL, args).await?;
    let Some(row) = rivals.rows.first() else {
        return Err(Fault::Corrupt(format!("job {} is neither new nor there", job.id)));
    };
    Ok(JobId(row.get("id")?))
}

/// Inserts what is new, with the inputs that came along; answers with the ids of the new. A key stays spent when its job is
/// purged.
pub(super) async fn insert_jobs(session: &mut Session, jobs: &[NewJob]) -> Result<Vec<String>, Fault> {
    let mut ordered: Vec<&NewJob> = jobs.iter().collect();
    // Replicas may bring the same events in other orders; locked in one order, their keys lead to no deadlock.
    // SQLite has one writer, and takes the time anew for each row: there the order of arrival is kept.
    if session.dialect() == Dialect::Postgres {
        ordered.sort_by_key(|job| (&job.dedupe_key, &job.id));
    }
    let rows: Vec<_> = ordered.into_iter().map(row).collect();
    let answer = session.each(INSERT_JOBS, &rows, &[]).await?;
    let mut inserted: Vec<String> =
        answer.rows.iter().map(|row| row.get("id")).collect::<Result<_, sqlx::Error>>()?;
    let spent = take_back_spent(session, jobs, &inserted).await?;
    inserted.retain(|id| !spent.contains(id));
    let inputs: Vec<_> = jobs
        .iter()
        .filter_map(|job| Some((job, job.input.as_ref()?)))
        .filter(|(job, _)| inserted.iter().any(|id| *id == storable(&job.id.0)))
        .map(|(job, input)| args![&job.id.0, input.full.to_string()])
        .collect();
    session.each(INSERT_INPUTS, &inputs, &[]).await?;
    Ok(inserted)
}

/// Takes those back whose key a purged job has spent; their ids.
async fn take_back_spent(
    session: &mut Session,
    jobs: &[NewJob],
    inserted: &[String],
) -> Result<Vec<String>, Fault> {
    let inserted: HashSet<&str> = inserted.iter().map(String::as_str).collect();
    let keyed: Vec<_> = jobs
        .iter()
        .filter(|job| outlives_its_job(job.origin) && inserted.contains(&*storable(&job.id.0)))
        .filter_map(|job| Some(args![&job.id.0, job.dedupe_key.as_deref()?]))
        .collect();
    let answer = session.each(SELECT_SPENT, &keyed, &[]).await?;
    let spent: Vec<String> =
        answer.rows.iter().map(|row| row.get("id")).collect::<Result<_, sqlx::Error>>()?;
    let rows: Vec<_> = spent.iter().map(|id| args![id]).collect();
    session.each(TAKE_BACK, &rows, &[]).await?;
    Ok(spent)
}

fn row(job: &NewJob) -> Vec<Arg<'_>> {
    let summary = job.input.as_ref().map(|input| input.summary.to_string());
    args![
        &job.id.0,
        job.subject.assessment_id(),
        job.subject.funded_account_id(),
        job.origin.as_str(),
        job.dedupe_key.as_deref(),
        job.config.to_string(),
        summary,
        &job.trace.correlation_id,
        &job.trace.traceparent,
        job.trace.tracestate.as_deref(),
    ]
}

fn sha256(payload: &[u8]) -> String {
    Sha256::digest(payload).iter().map(|byte| format!("{byte:02x}")).collect()
}
