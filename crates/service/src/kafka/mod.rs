//! Kafka, behind small types of our own: nothing outside this room names the client library.
//!
//! Delivery is at least once in both directions. Inwards, an offset is stored only after the database has
//! committed what the message caused; outwards, an outbox row is marked only after the broker has acknowledged
//! it. What makes it once is the database's unique key on our side and the `event-id` header on the reader's.

pub mod consumer;
mod context;
pub mod embedded;
pub mod msk_iam;
mod poller;
pub mod producer;
pub mod relay;
pub mod security;
pub mod settings;
pub mod survey;
pub mod topics;

/// Why Kafka did not do what was asked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KafkaError {
    /// A setting that the client library refuses; a new try cannot cure it.
    #[error("the Kafka settings are refused: {0}")]
    Settings(String),
    /// No broker answers; the client goes on trying by itself.
    #[error("Kafka cannot be reached: {0}")]
    Unreachable(String),
    /// The client's thread is gone, which happens only while the process ends.
    #[error("the Kafka client has stopped")]
    Stopped,
}
