//! Kafka as the platform sees it: its events in, ours out.

use std::collections::HashMap;
use std::time::Duration;

use rdkafka::ClientConfig;
use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::message::{Header, Headers as _, OwnedHeaders};
use rdkafka::producer::future_producer::DeliveryFuture;
use rdkafka::producer::{FutureProducer, FutureRecord};
use rdkafka::{Message as _, Offset, TopicPartitionList};
use serde_json::Value;

const BOUND: Duration = Duration::from_secs(30);

/// One of the service's events, as a consumer reads it.
#[derive(Clone, Debug)]
pub(crate) struct Published {
    pub(crate) key: String,
    pub(crate) body: Value,
    pub(crate) headers: HashMap<String, String>,
}

/// A message to send: key, payload, headers.
pub(crate) struct Outgoing {
    pub(crate) key: Option<String>,
    pub(crate) payload: Vec<u8>,
    pub(crate) headers: Vec<(String, String)>,
}

/// The platform's sending side.
pub(crate) fn producer(brokers: &str) -> FutureProducer {
    ClientConfig::new()
        .set("bootstrap.servers", brokers)
        .set("enable.idempotence", "true")
        .create()
        .expect("a producer")
}

/// Hands a message over; the broker's word on it comes later.
pub(crate) fn hand_over(producer: &FutureProducer, topic: &str, message: &Outgoing) -> DeliveryFuture {
    let mut headers = OwnedHeaders::new();
    for (key, value) in &message.headers {
        headers = headers.insert(Header { key, value: Some(value) });
    }
    let mut record = FutureRecord::to(topic).payload(&message.payload).headers(headers);
    if let Some(key) = &message.key {
        record = record.key(key);
    }
    producer.send_result(record).map_err(|(error, _)| error).expect("the queue has room")
}

/// Sends messages in order and waits for the broker's word on each.
pub(crate) async fn send(brokers: &str, topic: &str, messages: &[Outgoing]) {
    let producer = producer(brokers);
    let reports: Vec<_> = messages.iter().map(|message| hand_over(&producer, topic, message)).collect();
    for report in reports {
        tokio::time::timeout(BOUND, report).await.expect("in time").expect("a report").expect("delivered");
    }
}

/// Everything that the topic holds now.
pub(crate) async fn read_all(brokers: &str, topic: &str) -> Vec<Published> {
    let (brokers, topic) = (brokers.to_owned(), topic.to_owned());
    tokio::task::spawn_blocking(move || read_to_the_end(&brokers, &topic)).await.expect("the reader ends")
}

fn read_to_the_end(brokers: &str, topic: &str) -> Vec<Published> {
    let consumer: BaseConsumer = ClientConfig::new()
        .set("bootstrap.servers", brokers)
        .set("group.id", "reader")
        .set("enable.auto.commit", "false")
        .create()
        .expect("a consumer");
    let metadata = consumer.fetch_metadata(Some(topic), BOUND).expect("the broker answers");
    let mut waiting = HashMap::new();
    let mut assignment = TopicPartitionList::new();
    for partition in metadata.topics()[0].partitions() {
        let (low, high) = consumer.fetch_watermarks(topic, partition.id(), BOUND).expect("watermarks");
        if low < high {
            waiting.insert(partition.id(), high);
            assignment.add_partition_offset(topic, partition.id(), Offset::Beginning).expect("an offset");
        }
    }
    consumer.assign(&assignment).expect("the partitions are ours");
    drop(assignment);
    let mut published = Vec::new();
    while !waiting.is_empty() {
        let message = consumer.poll(BOUND).expect("a message in time").expect("no error");
        if waiting.get(&message.partition()).is_some_and(|&high| message.offset() + 1 >= high) {
            waiting.remove(&message.partition());
        }
        published.push(Published {
            key: String::from_utf8_lossy(message.key().unwrap_or_default()).into_owned(),
            body: serde_json::from_slice(message.payload().unwrap_or_default()).expect("the value is JSON"),
            headers: message
                .headers()
                .into_iter()
                .flat_map(|headers| headers.iter())
                .map(|h| {
                    (h.key.to_owned(), String::from_utf8_lossy(h.value.unwrap_or_default()).into_owned())
                })
                .collect(),
        });
    }
    published
}

/// Creates the topics under a prefix, with the platform's partitions.
pub(crate) async fn create(brokers: &str, prefix: &str) {
    let admin: AdminClient<_> =
        ClientConfig::new().set("bootstrap.servers", brokers).create().expect("an admin client");
    let names = monte_carlo_service::kafka::topics::all()
        .map(|(name, partitions)| (format!("{prefix}{name}"), partitions));
    let topics: Vec<NewTopic<'_>> = names
        .iter()
        .map(|(name, partitions)| NewTopic::new(name, *partitions, TopicReplication::Fixed(1)))
        .collect();
    for created in admin.create_topics(&topics, &AdminOptions::new()).await.expect("the broker answers") {
        created.expect("the topic is new");
    }
}
