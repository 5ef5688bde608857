//! What the client library tells us outside of any call: errors, log lines, statistics, rebalances.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rdkafka::client::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer, ConsumerContext, Rebalance};
use rdkafka::error::{KafkaError as ClientError, KafkaResult, RDKafkaErrorCode};
use rdkafka::statistics::{Partition, Statistics};
use rdkafka::topic_partition_list::TopicPartitionList;

use super::settings::KafkaSettings;

/// The last thing that went wrong with one client. A failed call says only "transport failure"; the cause
/// (a refused password, a bad certificate) comes through callbacks, so the last of those is kept.
#[derive(Debug, Default)]
pub(super) struct LastError(Mutex<Option<String>>);

impl LastError {
    pub(super) fn get(&self) -> Option<String> {
        lock(&self.0).clone()
    }

    pub(super) fn clear(&self) {
        *lock(&self.0) = None;
    }

    pub(super) fn set(&self, text: String) {
        *lock(&self.0) = Some(text);
    }

    fn note(&self, error: &ClientError, reason: &str) {
        let mut last = lock(&self.0);
        // "All brokers are down" follows each cause and would hide it.
        let is_summary = error.rdkafka_error_code() == Some(RDKafkaErrorCode::AllBrokersDown);
        if last.is_none() || !is_summary {
            *last = Some(reason.to_owned());
        }
    }

    fn note_log(&self, level: RDKafkaLogLevel, facility: &str, text: &str) {
        if level as i32 <= RDKafkaLogLevel::Error as i32 {
            tracing::warn!(kafka.facility = facility, "Kafka client: {text}");
            self.set(text.to_owned());
        } else {
            tracing::debug!(kafka.facility = facility, "Kafka client: {text}");
        }
    }
}

/// The producer's callbacks.
#[derive(Clone, Debug, Default)]
pub(super) struct ProducerCallbacks(pub(super) Arc<LastError>);

impl ClientContext for ProducerCallbacks {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, text: &str) {
        self.0.note_log(level, facility, text);
    }

    fn stats(&self, _statistics: Statistics) {}

    fn error(&self, error: ClientError, reason: &str) {
        self.0.note(&error, reason);
    }
}

/// The consumer's callbacks.
#[derive(Debug)]
pub(super) struct ConsumerCallbacks {
    pub(super) last_error: Arc<LastError>,
    pub(super) settings: KafkaSettings,
    /// Set by a commit that failed, taken by the poller.
    pub(super) must_recommit: AtomicBool,
    assigned: Mutex<BTreeSet<(String, i32)>>,
}

impl ConsumerCallbacks {
    pub(super) fn new(settings: KafkaSettings, last_error: Arc<LastError>) -> Self {
        Self { last_error, settings, must_recommit: AtomicBool::new(false), assigned: Mutex::default() }
    }

    fn set_lag(&self, topic: &str, partition: i32, lag: i64) {
        metrics::gauge!(
            "kafka_consumer_lag",
            "topic" => self.settings.without_prefix(topic).to_owned(),
            "partition" => partition.to_string(),
            "group" => self.settings.group_id.clone(),
        )
        .set(lag as f64);
    }
}

impl ClientContext for ConsumerCallbacks {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, text: &str) {
        self.last_error.note_log(level, facility, text);
    }

    fn stats(&self, statistics: Statistics) {
        let assigned = lock(&self.assigned);
        for (topic, partition) in assigned.iter() {
            let known =
                statistics.topics.get(topic).and_then(|topic| topic.partitions.get(partition)).and_then(lag);
            if let Some(lag) = known {
                self.set_lag(topic, *partition, lag);
            }
        }
    }

    fn error(&self, error: ClientError, reason: &str) {
        self.last_error.note(&error, reason);
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
                    self.set_lag(&topic, partition, 0);
                    lock(&self.assigned).remove(&(topic, partition));
                }
            }
            Rebalance::Error(error) => self.last_error.set(error.to_string()),
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
                self.last_error.set(error.to_string());
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
