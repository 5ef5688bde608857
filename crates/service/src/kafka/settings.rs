//! Where Kafka is and how its two clients are tuned.

use std::time::Duration;

use rdkafka::ClientConfig;
use rdkafka::config::RDKafkaLogLevel;

use super::security::Security;

/// A crashed member's partitions move on after this long; the library's 45 s would stall them.
const SESSION_TIMEOUT_MS: u32 = 6_000;
/// By the answer to one a member hears that the group waits for it, and a crash costs two such waits: when its session ends, and
/// when its partitions, once they are given up, move on.
const HEARTBEAT_MS: u32 = 500;
/// Bounds what is fetched ahead: events are small and the database is the slower side.
const PREFETCH_KIB_MAX: u32 = 16_384;
/// The library fetches on below this many messages.
const PREFETCH_MESSAGES: u32 = 1_000;
/// A broker that is back is noticed within this time.
const RECONNECT_MS_MAX: u32 = 2_000;
/// A topic that is created after us is noticed within this time, not the library's five minutes.
const METADATA_REFRESH_MS: u32 = 10_000;
/// The largest message, both ways: the brokers' own default, four times our largest event.
const MESSAGE_BYTES_MAX: u32 = 1_048_576;
/// How often the consumer's lag is measured.
const STATISTICS_MS: u32 = 5_000;
/// A message that the broker has not acknowledged by then goes back into the outbox.
pub const DELIVERY_TIMEOUT: Duration = Duration::from_secs(10);

/// How a group shares its partitions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum GroupProtocol {
    /// Members agree among themselves; every broker knows it.
    #[default]
    Classic,
    /// The broker decides (KIP-848); joins in a tenth of the time, from Apache Kafka 4.0 on.
    Consumer,
}

/// Which cluster, and who we are there.
#[derive(Clone, Debug)]
pub struct KafkaSettings {
    /// `host:port`, separated by commas.
    pub brokers: String,
    /// Names us in the brokers' logs.
    pub client_id: String,
    /// The consumer group that all replicas share.
    pub group_id: String,
    /// Whoever comes under it takes up what the member before it had; two at once would throw each other out.
    pub group_instance_id: Option<String>,
    pub group_protocol: GroupProtocol,
    /// Put before each topic's name; empty on most clusters.
    pub topic_prefix: String,
    pub security: Security,
}

impl KafkaSettings {
    /// A topic's name on this cluster.
    pub fn topic(&self, name: &str) -> String {
        format!("{}{name}", self.topic_prefix)
    }

    /// The name that the rest of the service knows a topic by.
    pub fn without_prefix<'a>(&self, topic: &'a str) -> &'a str {
        topic.strip_prefix(&self.topic_prefix).unwrap_or(topic)
    }

    /// Offsets move only when we say so; a new group starts at the oldest message, or it would lose what
    /// came before it.
    pub(super) fn consumer_config(&self) -> ClientConfig {
        let mut config = self.common();
        config
            .set("group.id", &self.group_id)
            .set("auto.offset.reset", "earliest")
            .set("enable.auto.commit", "false")
            .set("enable.auto.offset.store", "false")
            .set("queued.max.messages.kbytes", PREFETCH_KIB_MAX.to_string())
            .set("queued.min.messages", PREFETCH_MESSAGES.to_string())
            .set("fetch.message.max.bytes", MESSAGE_BYTES_MAX.to_string())
            .set("statistics.interval.ms", STATISTICS_MS.to_string());
        if let Some(instance) = &self.group_instance_id {
            config.set("group.instance.id", instance);
        }
        match self.group_protocol {
            GroupProtocol::Classic => config
                .set("partition.assignment.strategy", "cooperative-sticky")
                .set("session.timeout.ms", SESSION_TIMEOUT_MS.to_string())
                .set("heartbeat.interval.ms", HEARTBEAT_MS.to_string()),
            // The broker sets the rest, and the client refuses to hear of it.
            GroupProtocol::Consumer => config.set("group.protocol", "consumer"),
        };
        config
    }

    /// Idempotent, so that the library's own retries neither double nor reorder.
    pub(super) fn producer_config(&self) -> ClientConfig {
        let mut config = self.common();
        config
            .set("enable.idempotence", "true")
            .set("acks", "all")
            .set("linger.ms", "5")
            .set("compression.type", "lz4")
            .set("message.max.bytes", MESSAGE_BYTES_MAX.to_string())
            .set("message.timeout.ms", DELIVERY_TIMEOUT.as_millis().to_string());
        config
    }

    fn common(&self) -> ClientConfig {
        let mut config = ClientConfig::new();
        config
            .set("bootstrap.servers", &self.brokers)
            .set("client.id", &self.client_id)
            .set("socket.keepalive.enable", "true")
            .set("reconnect.backoff.max.ms", RECONNECT_MS_MAX.to_string())
            .set("topic.metadata.refresh.interval.ms", METADATA_REFRESH_MS.to_string())
            .set_log_level(RDKafkaLogLevel::Info);
        self.security.configure(&mut config);
        config
    }
}
