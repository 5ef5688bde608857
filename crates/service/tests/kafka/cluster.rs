//! A cluster to test on, with topics of the test's own.

use std::time::Duration;

use monte_carlo_service::kafka::consumer::{Consumer, IncomingMessage};
use monte_carlo_service::kafka::embedded::EmbeddedBroker;
use monte_carlo_service::kafka::producer::{OutgoingMessage, Producer};
use monte_carlo_service::kafka::security::Security;
use monte_carlo_service::kafka::settings::{GroupProtocol, KafkaSettings};
use rdkafka::ClientConfig;
use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::client::DefaultClientContext;
use tokio::time::{Instant, timeout};
use uuid::Uuid;

/// Far beyond what a slow machine needs; nothing waits for it unless it fails.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);
pub(crate) const TOPIC: &str = "assessment.completed";
pub(crate) const PARTITIONS: i32 = 6;

pub(crate) struct Cluster {
    pub(crate) settings: KafkaSettings,
    _embedded: Option<EmbeddedBroker>,
}

impl Cluster {
    pub(crate) fn embedded(topics: &[(&str, i32)]) -> Self {
        let prefix = "test.";
        let named: Vec<(String, i32)> =
            topics.iter().map(|(name, partitions)| (format!("{prefix}{name}"), *partitions)).collect();
        let named: Vec<(&str, i32)> = named.iter().map(|(name, count)| (name.as_str(), *count)).collect();
        let broker = EmbeddedBroker::start(&named).expect("an embedded broker");
        Self { settings: settings(broker.bootstrap_servers(), prefix), _embedded: Some(broker) }
    }

    pub(crate) async fn real(topics: &[(&str, i32)]) -> Self {
        let brokers = required("TEST_KAFKA_BROKERS");
        let settings = settings(&brokers, &format!("t{}.", Uuid::new_v4().simple()));
        let admin: AdminClient<DefaultClientContext> =
            ClientConfig::new().set("bootstrap.servers", &brokers).create().expect("an admin client");
        let names: Vec<(String, i32)> =
            topics.iter().map(|(name, partitions)| (settings.topic(name), *partitions)).collect();
        let topics: Vec<NewTopic<'_>> = names
            .iter()
            .map(|(name, count)| NewTopic::new(name, *count, TopicReplication::Fixed(1)))
            .collect();
        let created = admin.create_topics(&topics, &AdminOptions::new()).await.expect("topics");
        assert!(created.iter().all(Result::is_ok), "{created:?}");
        Self { settings, _embedded: None }
    }

    pub(crate) fn producer(&self) -> Producer {
        Producer::start(&self.settings).expect("a producer")
    }

    pub(crate) fn consumer(&self) -> Consumer {
        Consumer::start(&self.settings, &[TOPIC]).expect("a consumer")
    }
}

#[expect(clippy::disallowed_methods, reason = "the tests' runner says where its broker is")]
pub(crate) fn required(variable: &str) -> String {
    std::env::var(variable).unwrap_or_else(|_| panic!("{variable} is not set: run ./test kafka"))
}

pub(crate) fn settings(brokers: &str, prefix: &str) -> KafkaSettings {
    KafkaSettings {
        brokers: brokers.into(),
        client_id: "tests".into(),
        group_id: format!("{prefix}group"),
        group_instance_id: None,
        group_protocol: GroupProtocol::Classic,
        topic_prefix: prefix.into(),
        security: Security::Plaintext,
    }
}

/// Sends `count` messages whose payloads are their numbers, with keys that spread over the partitions.
pub(crate) async fn produce(producer: &Producer, numbers: std::ops::Range<usize>) {
    let texts: Vec<String> = numbers.map(|number| number.to_string()).collect();
    let messages: Vec<OutgoingMessage<'_>> = texts
        .iter()
        .map(|text| OutgoingMessage { topic: TOPIC, key: Some(text), payload: text, headers: &[] })
        .collect();
    for answer in producer.send(&messages).await {
        answer.expect("delivered");
    }
}

/// Reads until `count` messages are there.
pub(crate) async fn read(consumer: &mut Consumer, count: usize) -> Vec<IncomingMessage> {
    let mut messages = Vec::new();
    let deadline = Instant::now() + PATIENCE;
    while messages.len() < count {
        assert!(Instant::now() < deadline, "{} of {count} messages came", messages.len());
        let batch = consumer.next_batch(500, Duration::from_millis(300)).await.expect("a batch");
        messages.extend(batch);
    }
    messages
}

pub(crate) async fn close(consumer: Consumer) {
    assert!(timeout(PATIENCE, consumer.close(PATIENCE)).await.expect("bounded"), "left the group");
}

pub(crate) fn numbers(messages: &[IncomingMessage]) -> Vec<usize> {
    let mut numbers: Vec<usize> = messages
        .iter()
        .map(|message| {
            let payload = message.payload.as_deref().expect("a payload");
            std::str::from_utf8(payload).expect("text").parse().expect("a number")
        })
        .collect();
    numbers.sort_unstable();
    numbers
}
