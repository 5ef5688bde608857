//! The door through which events come in: read, recorded, and only then acknowledged.
//!
//! The loop only persists; it never simulates, so that the consumer always polls in time. A batch that the database
//! does not take is tried until it does: nothing is acknowledged meanwhile, and nothing is lost.

pub mod event;

use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use self::event::{Digest, digest};
use crate::kafka::consumer::{Consumer, IncomingMessage};
use crate::signals::Signals;
use crate::store::{IntakeBatch, IntakeOutcome, Store, StoreError};

/// Messages of one transaction: large enough that the database sets the pace, small enough to be quick.
const BATCH_MAX: usize = 500;
/// How long to wait for a first message before looking whether to stop.
const BATCH_WAIT: Duration = Duration::from_millis(500);
/// How long the consumer may take to commit and leave its group.
const GOODBYE_BOUND: Duration = Duration::from_secs(2);
/// Between two tries while the database or Kafka is away.
const RETRY_EVERY: Duration = Duration::from_millis(500);

/// Takes events in until `stop`, then leaves the group; an acknowledged event is in the database.
pub async fn run(
    mut consumer: Consumer,
    store: Arc<dyn Store>,
    signals: Arc<Signals>,
    stop: CancellationToken,
) {
    while !stop.is_cancelled() {
        match consumer.next_batch(BATCH_MAX, BATCH_WAIT).await {
            Ok(messages) if messages.is_empty() => {}
            Ok(messages) => {
                let batch = batch(&messages);
                let Some(outcome) = record(store.as_ref(), &batch, &stop).await else { break };
                if let Err(error) = consumer.store_offsets(&messages) {
                    // Another member has the partition by now and reads them again; the dedupe keys stop doubles.
                    tracing::warn!(%error, "events are recorded but could not be acknowledged");
                }
                count(&messages, &batch, &outcome);
                if outcome.inserted > 0 {
                    signals.jobs_due();
                }
            }
            Err(error) => {
                tracing::warn!(%error, "no events can be received");
                stop.run_until_cancelled(tokio::time::sleep(RETRY_EVERY)).await;
            }
        }
    }
    if !consumer.close(GOODBYE_BOUND).await {
        tracing::warn!(
            "the consumer did not leave its group in time; its partitions move on when its session ends"
        );
    }
}

fn batch(messages: &[IncomingMessage]) -> IntakeBatch {
    let mut batch = IntakeBatch::default();
    for message in messages {
        match digest(message) {
            Digest::Job(job) => batch.jobs.push(*job),
            Digest::Skipped => {}
            Digest::Poison(poison) => {
                tracing::warn!(
                    topic = poison.topic,
                    partition = poison.partition,
                    offset = poison.offset,
                    reason = poison.reason,
                    "a message cannot be read and is kept aside"
                );
                batch.poison.push(poison);
            }
        }
    }
    batch
}

/// Records the batch however long it takes; `None` where `stop` came first.
async fn record(store: &dyn Store, batch: &IntakeBatch, stop: &CancellationToken) -> Option<IntakeOutcome> {
    loop {
        let error: StoreError = match store.record_intake(batch).await {
            Ok(outcome) => return Some(outcome),
            Err(error) => error,
        };
        tracing::warn!(%error, events = batch.jobs.len(), "events wait for the database");
        stop.run_until_cancelled(tokio::time::sleep(RETRY_EVERY)).await?;
    }
}

fn count(messages: &[IncomingMessage], batch: &IntakeBatch, outcome: &IntakeOutcome) {
    let skipped = messages.len() - batch.jobs.len() - batch.poison.len();
    for (what, events) in [
        ("accepted", outcome.inserted),
        ("duplicate", outcome.duplicates),
        ("skipped", skipped as u64),
        ("poison", batch.poison.len() as u64),
    ] {
        metrics::counter!("intake_events_total", "outcome" => what).increment(events);
    }
}
