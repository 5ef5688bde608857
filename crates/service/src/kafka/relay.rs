//! Carries the outbox to Kafka: lease, publish, mark. Stopped anywhere, it loses nothing and at worst repeats.

use std::collections::HashSet;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::producer::{PUBLISH_BOUND, Publisher};
use crate::jobs::events::OutboxMessage;
use crate::store::{Store, StoreError};

/// Messages a round: some 100 MiB of the largest events, and one transaction.
pub const BATCH: u32 = 500;
/// What a relay that is killed had in hand goes out by another after this; as long as a job's lease.
pub const LEASE: Duration = Duration::from_secs(6);
/// A relay that is alive keeps what it is sending, however long the broker takes: three times a lease.
const HOLD_EVERY: Duration = Duration::from_secs(2);
/// So long after a round's beginning its last wave may begin. What is left of it then, of a key with hundreds of messages,
/// is given back.
const WAVES_BOUND: Duration = Duration::from_secs(PUBLISH_BOUND.as_secs() / 2);
/// How often the outbox is looked at when nobody wakes the relay.
const POLL_EVERY: Duration = Duration::from_millis(500);
/// First pause after a failure; doubles …
const BACKOFF_MIN: Duration = Duration::from_millis(250);
/// … up to this.
const BACKOFF_MAX: Duration = Duration::from_secs(5);

/// One process's relay; any number of them may run.
pub struct Relay {
    id: Uuid,
    store: Arc<dyn Store>,
    publisher: Arc<dyn Publisher>,
    wake: Arc<Notify>,
    /// Acknowledged by the broker, not yet marked: nothing new is leased while there are any.
    unmarked: Vec<Uuid>,
}

/// What one round did.
enum Round {
    /// There was nothing that could be sent.
    Empty,
    /// There may be more.
    Sent,
    /// The store or the broker is away.
    Failed,
}

/// What is left of a batch.
#[derive(Default)]
struct Left {
    /// Refused, or held back behind what was.
    unsent: Vec<Uuid>,
    is_failure: bool,
}

impl Relay {
    /// `wake` is notified by whoever puts a message into the outbox.
    pub fn new(store: Arc<dyn Store>, publisher: Arc<dyn Publisher>, wake: Arc<Notify>) -> Self {
        Self { id: Uuid::new_v4(), store, publisher, wake, unmarked: Vec::new() }
    }

    /// Runs until `stop`, then sends what is left while that goes well.
    pub async fn run(mut self, stop: CancellationToken) {
        let mut failures = 0;
        while !stop.is_cancelled() {
            let round = self.round().await.unwrap_or_else(|error| {
                tracing::warn!(%error, "the outbox cannot be read or marked; trying again");
                Round::Failed
            });
            failures = if matches!(round, Round::Failed) { failures + 1 } else { 0 };
            let pause = async {
                match round {
                    Round::Sent => {}
                    Round::Empty => {
                        tokio::select! {
                            () = self.wake.notified() => {}
                            () = sleep(POLL_EVERY) => {}
                        }
                    }
                    // A wake-up does not cut this short: new messages say nothing of the broker.
                    Round::Failed => sleep(backoff(failures, fastrand::f64())).await,
                }
            };
            tokio::select! {
                () = pause => {}
                () = stop.cancelled() => {}
            }
        }
        while matches!(self.round().await, Ok(Round::Sent)) {}
    }

    async fn round(&mut self) -> Result<Round, StoreError> {
        self.mark().await?;
        let lease_ms = LEASE.as_millis() as u64;
        let messages = self.store.lease_outbox(self.id, BATCH, lease_ms).await?;
        if messages.is_empty() {
            return Ok(Round::Empty);
        }
        let left = self.publish(&messages).await;
        let marked = self.mark().await;
        if !left.unsent.is_empty() {
            self.store.release_outbox(self.id, &left.unsent).await?;
        }
        marked?;
        Ok(if left.is_failure { Round::Failed } else { Round::Sent })
    }

    /// Sends a batch that nobody else sends meanwhile.
    async fn publish(&mut self, messages: &[OutboxMessage]) -> Left {
        let ids: Vec<_> = messages.iter().map(|message| message.event_id).collect();
        let hold = hold(self.store.clone(), self.id, ids);
        tokio::select! {
            left = self.waves(messages) => left,
            never = hold => match never {},
        }
    }

    /// Sends it in waves that hold no key twice: what follows waits for the broker's word on what it follows, whether or not
    /// they go to one topic, and stays here where there is no such word. The acknowledged go into `unmarked`.
    async fn waves(&mut self, messages: &[OutboxMessage]) -> Left {
        let began = Instant::now();
        let mut left = Left::default();
        let mut waiting: Vec<&OutboxMessage> = messages.iter().collect();
        let mut stuck = HashSet::new();
        while !waiting.is_empty() {
            let mut keys = HashSet::new();
            let (wave, later): (Vec<_>, Vec<_>) =
                waiting.into_iter().partition(|message| keys.insert(message.key.as_str()));
            stuck.extend(self.send(wave, &mut left).await);
            let is_late = began.elapsed() >= WAVES_BOUND;
            let (held_back, rest): (Vec<_>, Vec<_>) =
                later.into_iter().partition(|message| is_late || stuck.contains(message.key.as_str()));
            left.unsent.extend(held_back.iter().map(|message| message.event_id));
            waiting = rest;
        }
        left
    }

    /// Sends a wave; the keys of what was refused.
    async fn send<'a>(&mut self, wave: Vec<&'a OutboxMessage>, left: &mut Left) -> Vec<&'a str> {
        let answers = self.publisher.publish(&wave).await;
        let mut stuck = Vec::new();
        let mut cause = None;
        for (message, answer) in wave.into_iter().zip(answers) {
            match answer {
                Ok(()) => {
                    metrics::counter!("outbox_published_total", "topic" => message.topic.clone())
                        .increment(1);
                    self.unmarked.push(message.event_id);
                }
                Err(error) => {
                    stuck.push(message.key.as_str());
                    left.unsent.push(message.event_id);
                    cause = Some(error);
                }
            }
        }
        if let Some(error) = cause {
            left.is_failure = true;
            metrics::counter!("outbox_publish_failures_total").increment(stuck.len() as u64);
            tracing::warn!(%error, count = stuck.len(), "events were not delivered; they stay in the outbox");
        }
        stuck
    }

    async fn mark(&mut self) -> Result<(), StoreError> {
        if !self.unmarked.is_empty() {
            self.store.mark_published(&self.unmarked).await?;
            self.unmarked.clear();
        }
        Ok(())
    }
}

/// Keeps what is being sent, so that no second relay sends it too. One that cannot is late at worst: what is sent
/// twice bears one id.
async fn hold(store: Arc<dyn Store>, relay: Uuid, ids: Vec<Uuid>) -> Infallible {
    loop {
        sleep(HOLD_EVERY).await;
        if let Err(error) = store.hold_outbox(relay, &ids, LEASE.as_millis() as u64).await {
            tracing::warn!(%error, "events that are being sent could not be kept from other relays");
        }
    }
}

/// Doubles from [`BACKOFF_MIN`] to [`BACKOFF_MAX`], jittered over its upper half.
fn backoff(failures: u32, jitter: f64) -> Duration {
    let ceiling = BACKOFF_MIN.saturating_mul(1 << failures.saturating_sub(1).min(16)).min(BACKOFF_MAX);
    ceiling.mul_f64(0.5 + jitter / 2.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn backoff_doubles_to_its_limit() {
        assert_eq!(backoff(1, 0.0), BACKOFF_MIN / 2);
        assert_eq!(backoff(1, 1.0), BACKOFF_MIN);
        assert_eq!(backoff(2, 1.0), BACKOFF_MIN * 2);
        assert_eq!(backoff(40, 1.0), BACKOFF_MAX);
    }
}
