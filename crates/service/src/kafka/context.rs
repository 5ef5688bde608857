//! What the client library tells us outside of any call: errors, log lines, statistics, rebalances.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use rdkafka::client::{ClientContext, OAuthToken};
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer, ConsumerContext, Rebalance};
use rdkafka::error::{KafkaError as ClientError, KafkaResult, RDKafkaErrorCode};
use rdkafka::statistics::{Partition, Statistics};
use rdkafka::topic_partition_list::TopicPartitionList;

use super::KafkaError;
use super::security::Security;
use super::settings::KafkaSettings;

/// How long a broker may be silent before it counts as away: longer than a busy machine or a new leader keeps a
/// client waiting, shorter than anybody waits for a service that is lost.
pub(super) const SILENCE_MAX: Duration = Duration::from_secs(10);

/// What the library logs where a broker ends the connection: all that one hears who speaks without TLS to a listener with
/// it, or without a password to one that wants it.
const HUNG_UP: &str = "Disconnected";

/// What one client last heard from its brokers, and the last thing that went wrong. A failed call says only
/// "transport failure"; the cause (a refused password, a bad certificate) comes through callbacks, so the last of
/// those is kept.
#[derive(Debug, Default)]
pub(super) struct Contact {
    heard_at: Mutex<Option<Instant>>,
    error: Mutex<Option<String>>,
}

impl Contact {
    /// A broker answered: what went wrong before is over.
    pub(super) fn heard(&self) {
        *lock(&self.heard_at) = Some(Instant::now());
        *lock(&self.error) = None;
    }

    pub(super) fn heard_at(&self) -> Option<Instant> {
        *lock(&self.heard_at)
    }

    /// Whether a broker was heard in the [`SILENCE_MAX`] before `now`.
    pub(super) fn check(&self, now: Instant) -> Result<(), KafkaError> {
        let silence = self.heard_at().map(|heard| now.saturating_duration_since(heard));
        if silence.is_some_and(|silence| silence < SILENCE_MAX) {
            return Ok(());
        }
        Err(KafkaError::Unreachable(self.error().unwrap_or_else(|| match silence {
            Some(silence) => format!("no broker was heard for {} s", silence.as_secs()),
            None => "no broker was heard yet".to_owned(),
        })))
    }

    pub(super) fn error(&self) -> Option<String> {
        lock(&self.error).clone()
    }

    pub(super) fn set_error(&self, text: String) {
        *lock(&self.error) = Some(text);
    }

    fn note(&self, error: &ClientError, reason: &str) {
        let mut last = lock(&self.error);
        // "All brokers are down" follows each cause and would hide it.
        let is_summary = error.rdkafka_error_code() == Some(RDKafkaErrorCode::AllBrokersDown);
        if last.is_none() || !is_summary {
            *last = Some(reason.to_owned());
        }
    }

    fn note_log(&self, level: RDKafkaLogLevel, facility: &str, text: &str) {
        if level as i32 <= RDKafkaLogLevel::Error as i32 {
            tracing::warn!(kafka.facility = facility, "Kafka client: {text}");
            self.set_error(text.to_owned());
        } else {
            tracing::debug!(kafka.facility = facility, "Kafka client: {text}");
            // To the library no error; but one that hangs up on a stranger means it.
            if text.contains(HUNG_UP) && self.heard_at().is_none() {
                self.set_error(format!("{text}; does KAFKA_SECURITY fit these brokers?"));
            }
        }
    }
}

/// The producer's callbacks.
#[derive(Clone, Debug)]
pub(super) struct ProducerCallbacks {
    pub(super) contact: Arc<Contact>,
    pub(super) security: Security,
}

impl ClientContext for ProducerCallbacks {
    const ENABLE_REFRESH_OAUTH_TOKEN: bool = true;

    fn log(&self, level: RDKafkaLogLevel, facility: &str, text: &str) {
        self.contact.note_log(level, facility, text);
    }

    fn stats(&self, _statistics: Statistics) {}

    fn error(&self, error: ClientError, reason: &str) {
        self.contact.note(&error, reason);
    }

    fn generate_oauth_token(&self, _: Option<&str>) -> Result<OAuthToken, Box<dyn std::error::Error>> {
        Ok(self.security.oauth_token()?)
    }
}

/// The consumer's callbacks.
#[derive(Debug)]
pub(super) struct ConsumerCallbacks {
    pub(super) contact: Arc<Contact>,
    pub(super) settings: KafkaSettings,
    /// Set by a commit that failed, taken by the poller.
    pub(super) must_recommit: AtomicBool,
    assigned: Mutex<BTreeSet<(String, i32)>>,
}

impl ConsumerCallbacks {
    pub(super) fn new(settings: KafkaSettings, contact: Arc<Contact>) -> Self {
        Self { contact, settings, must_recommit: AtomicBool::new(false), assigned: Mutex::default() }
    }
}

/// `topic` as the cluster knows it.
pub(super) fn set_lag(settings: &KafkaSettings, topic: &str, partition: i32, lag: i64) {
    metrics::gauge!(
        "kafka_consumer_lag",
        "topic" => settings.without_prefix(topic).to_owned(),
        "partition" => partition.to_string(),
        "group" => settings.group_id.clone(),
    )
    .set(lag as f64);
}

impl ClientContext for ConsumerCallbacks {
    const ENABLE_REFRESH_OAUTH_TOKEN: bool = true;

    fn log(&self, level: RDKafkaLogLevel, facility: &str, text: &str) {
        self.contact.note_log(level, facility, text);
    }

    fn stats(&self, statistics: Statistics) {
        let assigned = lock(&self.assigned);
        for (topic, partition) in assigned.iter() {
            let known =
                statistics.topics.get(topic).and_then(|topic| topic.partitions.get(partition)).and_then(lag);
            if let Some(lag) = known {
                set_lag(&self.settings, topic, *partition, lag);
            }
        }
    }

    fn error(&self, error: ClientError, reason: &str) {
        self.contact.note(&error, reason);
    }

    fn generate_oauth_token(&self, _: Option<&str>) -> Result<OAuthToken, Box<dyn std::error::Error>> {
        Ok(self.settings.security.oauth_token()?)
    }
}

/// Messages that the group has not committed; before its first commit, those that it has not read.
fn lag(partition: &Partition) -> Option<i64> {
    if partition.consumer_lag >= 0 {
        return Some(partition.consumer_lag);
    }
    (partition.hi_offset >= 0)
        .then(|| (partition.hi_offset - partition.app_offset.max(partition.lo_offset).max(0)).max(0))
}

impl ConsumerContext for ConsumerCallbacks {
    fn pre_rebalance(&self, client: &BaseConsumer<Self>, rebalance: &Rebalance<'_>) {
        match rebalance {
            Rebalance::Assign(partitions) => {
                let partitions = names(partitions);
                tracing::info!(kafka.partitions = ?partitions, "Kafka partitions assigned");
                lock(&self.assigned).extend(partitions);
            }
            Rebalance::Revoke(partitions) => {
                let partitions = names(partitions);
                tracing::info!(kafka.partitions = ?partitions, "Kafka partitions revoked");
                // Their next owner starts where we say; of lost ones we may say nothing any more.
                if !client.assignment_lost() {
                    self.note_commit(client.commit_consumer_state(CommitMode::Sync));
                }
                for (topic, partition) in partitions {
                    // Otherwise the last lag would be reported by two replicas for ever.
                    set_lag(&self.settings, &topic, partition, 0);
                    lock(&self.assigned).remove(&(topic, partition));
                }
            }
            Rebalance::Error(error) => self.contact.set_error(error.to_string()),
        }
    }

    fn commit_callback(&self, result: KafkaResult<()>, _offsets: &TopicPartitionList) {
        self.note_commit(result);
    }
}

impl ConsumerCallbacks {
    /// A commit that fails costs a redelivery at worst: the offsets stay stored and go with the next one.
    pub(super) fn note_commit(&self, result: KafkaResult<()>) {
        match result {
            Ok(()) | Err(ClientError::ConsumerCommit(RDKafkaErrorCode::NoOffset)) => {}
            Err(error) => {
                tracing::warn!(%error, "Kafka offsets were not committed");
                self.contact.set_error(error.to_string());
                self.must_recommit.store(true, Ordering::Relaxed);
            }
        }
    }
}

/// Copied at once: a list of the library's own that outlives its client hangs the client's end.
fn names(partitions: &TopicPartitionList) -> Vec<(String, i32)> {
    partitions.elements().iter().map(|element| (element.topic().to_owned(), element.partition())).collect()
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_broker_is_away_after_a_long_silence_and_back_at_its_first_word() {
        let contact = Contact::default();
        let started = Instant::now();
        assert!(contact.check(started).is_err(), "nobody was heard yet");
        contact.heard();
        contact.set_error("slow".to_owned());
        let heard = contact.heard_at().expect("heard");
        assert_eq!(contact.check(heard + SILENCE_MAX / 2), Ok(()), "a slow answer is no absence");
        assert_eq!(contact.check(heard + SILENCE_MAX), Err(KafkaError::Unreachable("slow".to_owned())));
        contact.heard();
        assert_eq!(contact.error(), None);
        let silent = contact.check(contact.heard_at().expect("heard") + SILENCE_MAX * 2);
        assert_eq!(silent, Err(KafkaError::Unreachable("no broker was heard for 20 s".to_owned())));
    }
}
