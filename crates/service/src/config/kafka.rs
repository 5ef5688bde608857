//! Which Kafka cluster, and under which names.

use super::forms::{host_and_port, kafka_name};
use super::kafka_security;
use super::reader::Reader;
use super::variable::{Preset, Variable};
use crate::kafka::security::Security;
use crate::kafka::settings::GroupProtocol;

/// The longest topic prefix; leaves room for our topics' names within the broker's 249 characters.
const PREFIX_CHARS_MAX: usize = 200;

pub const KAFKA_BROKERS: Variable = Variable::specified(
    "KAFKA_BROKERS",
    Preset::Value("localhost:9092"),
    "a comma-separated list of `host:port`",
    "Kafka brokers.",
);
pub const KAFKA_CLIENT_ID: Variable = Variable::specified(
    "KAFKA_CLIENT_ID",
    Preset::Value("monte-carlo-service"),
    "at most 249 letters, digits, `.`, `_` and `-`",
    "Kafka client id.",
);
pub const KAFKA_GROUP_ID: Variable = Variable::specified(
    "KAFKA_GROUP_ID",
    Preset::Value("monte-carlo-service-group"),
    "at most 249 letters, digits, `.`, `_` and `-`",
    "Kafka consumer group id.",
);
pub const KAFKA_GROUP_INSTANCE_ID: Variable = Variable::ours(
    "KAFKA_GROUP_INSTANCE_ID",
    Preset::Nothing,
    "at most 249 letters, digits, `.`, `_` and `-`",
    "A name that no other process has and that this one keeps when it is started again in its place, such as its pod's: it \
     takes up its partitions at once after a crash (static membership, KIP-345). Without it, and where it ends for good, \
     they move on when its session of 6 s has ended.",
);
pub const KAFKA_GROUP_PROTOCOL: Variable = Variable::ours(
    "KAFKA_GROUP_PROTOCOL",
    Preset::Value("classic"),
    "`classic` or `consumer`",
    "How the group shares its partitions; `consumer` (KIP-848) is quicker and needs brokers from 4.0 on.",
);
pub const KAFKA_TOPIC_PREFIX: Variable = Variable::ours(
    "KAFKA_TOPIC_PREFIX",
    Preset::Nothing,
    "at most 200 letters, digits, `.`, `_` and `-`",
    "Stands before every topic's name, for a cluster that several environments share.",
);
pub const AWS_REGION: Variable = Variable::specified(
    "AWS_REGION",
    Preset::Value("us-east-1"),
    "lower-case letters, digits and `-`",
    "AWS region of the Kafka cluster (MSK).",
);

/// Kafka.
#[derive(Clone, Debug)]
pub struct KafkaConfig {
    /// `host:port` each; never empty.
    pub brokers: Vec<String>,
    pub client_id: String,
    pub group_id: String,
    /// Kept from one start to the next, where it is given.
    pub group_instance_id: Option<String>,
    pub group_protocol: GroupProtocol,
    /// Often empty.
    pub topic_prefix: String,
    pub aws_region: String,
    pub security: Security,
}

impl KafkaConfig {
    pub(super) fn read(reader: &Reader<'_>) -> Option<Self> {
        let brokers = reader.read(&KAFKA_BROKERS, brokers);
        let client_id = reader.read(&KAFKA_CLIENT_ID, kafka_name);
        let group_id = reader.read(&KAFKA_GROUP_ID, kafka_name);
        let group_instance_id = reader.read_optional(&KAFKA_GROUP_INSTANCE_ID, kafka_name);
        let group_protocol = reader.read(&KAFKA_GROUP_PROTOCOL, group_protocol);
        let topic_prefix = reader.read_optional(&KAFKA_TOPIC_PREFIX, |text| {
            kafka_name(text).filter(|name| name.len() <= PREFIX_CHARS_MAX)
        });
        let aws_region = reader.read(&AWS_REGION, region);
        let security = kafka_security::read(reader, aws_region.as_deref());
        Some(Self {
            brokers: brokers?,
            client_id: client_id?,
            group_id: group_id?,
            group_instance_id: group_instance_id?,
            group_protocol: group_protocol?,
            topic_prefix: topic_prefix?.unwrap_or_default(),
            aws_region: aws_region?,
            security: security?,
        })
    }

    /// As librdkafka takes it.
    pub fn bootstrap_servers(&self) -> String {
        self.brokers.join(",")
    }
}

fn brokers(text: &str) -> Option<Vec<String>> {
    text.split(',').map(|broker| host_and_port(broker.trim())).collect()
}

fn group_protocol(text: &str) -> Option<GroupProtocol> {
    match text {
        "classic" => Some(GroupProtocol::Classic),
        "consumer" => Some(GroupProtocol::Consumer),
        _ => None,
    }
}

fn region(text: &str) -> Option<String> {
    let usable = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    text.chars().all(usable).then(|| text.to_owned())
}
