//! The sending side: every message's fate is known before anything is marked as sent.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use rdkafka::error::{KafkaError as ClientError, RDKafkaErrorCode};
use rdkafka::message::{Header, OwnedHeaders};
use rdkafka::producer::future_producer::DeliveryFuture;
use rdkafka::producer::{FutureProducer, FutureRecord, Producer as _};
use tokio::time::{Instant, sleep, timeout_at};

use super::KafkaError;
use super::context::{Contact, ProducerCallbacks};
use super::settings::{DELIVERY_TIMEOUT, KafkaSettings};
use crate::jobs::events::OutboxMessage;

/// Longest wait for room in the client's queue, per batch.
const QUEUE_FULL_WAIT: Duration = Duration::from_secs(2);
/// Between two looks at a full queue.
const QUEUE_FULL_PAUSE: Duration = Duration::from_millis(20);
/// Longest that one batch can take: the client's own limit, and some time for its reports to arrive.
pub const PUBLISH_BOUND: Duration =
    Duration::from_secs(DELIVERY_TIMEOUT.as_secs() + QUEUE_FULL_WAIT.as_secs() + 2);

type Client = FutureProducer<ProducerCallbacks>;

/// Why a message may not have arrived. In each case it may be sent again.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PublishError {
    /// The client's queue stayed full.
    #[error("the queue of the Kafka client is full")]
    QueueFull,
    /// Reported by the broker or the client.
    #[error("not delivered: {0}")]
    Undelivered(String),
    /// No report came in time; the message may be there.
    #[error("no delivery report came in time")]
    Unknown,
}

/// Something that messages of the outbox can be handed to.
#[async_trait]
pub trait Publisher: Send + Sync + 'static {
    /// Sends all and waits for each; one answer a message, in their order. Ends within [`PUBLISH_BOUND`].
    async fn publish(&self, messages: &[&OutboxMessage]) -> Vec<Result<(), PublishError>>;
}

/// A message to send.
#[derive(Clone, Debug)]
pub struct OutgoingMessage<'a> {
    /// Without the cluster's prefix.
    pub topic: &'a str,
    pub key: Option<&'a str>,
    pub payload: &'a str,
    pub headers: &'a [(String, String)],
}

/// The idempotent producer.
pub struct Producer {
    settings: KafkaSettings,
    contact: Arc<Contact>,
    client: Mutex<Client>,
}

impl Producer {
    /// Needs no broker: a missing one is sought until it is there.
    ///
    /// # Errors
    /// [`KafkaError::Settings`] where the client library refuses them.
    pub fn start(settings: &KafkaSettings) -> Result<Self, KafkaError> {
        let contact = Arc::new(Contact::default());
        let client = Mutex::new(client(settings, &contact)?);
        Ok(Self { settings: settings.clone(), contact, client })
    }

    /// Sends all and waits for each; one answer a message, in their order. Messages of one key keep their
    /// order; after one that finds no room in the queue, none is sent, for the same reason.
    pub async fn send(&self, messages: &[OutgoingMessage<'_>]) -> Vec<Result<(), PublishError>> {
        let client = self.client();
        let queue_deadline = Instant::now() + QUEUE_FULL_WAIT;
        let mut queued = Vec::with_capacity(messages.len());
        for message in messages {
            match enqueue(&client, &self.settings.topic(message.topic), message, queue_deadline).await {
                Err(PublishError::QueueFull) => break,
                report => queued.push(report),
            }
        }
        let report_deadline = Instant::now() + DELIVERY_TIMEOUT + Duration::from_secs(2);
        let mut answers = Vec::with_capacity(messages.len());
        for report in queued {
            answers.push(match report {
                Ok(report) => delivered(report, report_deadline).await,
                Err(error) => Err(error),
            });
        }
        answers.resize(messages.len(), Err(PublishError::QueueFull));
        if answers.iter().any(Result::is_ok) {
            self.contact.heard();
        }
        self.replace_if_broken(&client);
        answers
    }

    /// The last thing that the client complained of, until it works again.
    pub fn last_error(&self) -> Option<String> {
        self.contact.error()
    }

    /// Whether a broker answers within `bound`.
    ///
    /// # Errors
    /// [`KafkaError::Unreachable`] with the cause.
    pub async fn check(&self, bound: Duration) -> Result<(), KafkaError> {
        let client = self.client();
        let answer = tokio::task::spawn_blocking(move || {
            client.client().fetch_metadata(None, bound).map(drop).map_err(|error| error.to_string())
        })
        .await
        .map_err(|_| KafkaError::Stopped)?;
        answer.map_err(|text| KafkaError::Unreachable(self.contact.error().unwrap_or(text)))?;
        self.contact.heard();
        Ok(())
    }

    fn client(&self) -> Client {
        self.client.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// An idempotent producer that lost its sequence refuses everything for ever; a new one does not.
    fn replace_if_broken(&self, used: &Client) {
        let Some((code, reason)) = used.client().fatal_error() else { return };
        tracing::error!(%code, reason, "Kafka producer broke; replacing it");
        match client(&self.settings, &self.contact) {
            Ok(fresh) => *self.client.lock().unwrap_or_else(PoisonError::into_inner) = fresh,
            Err(error) => self.contact.set_error(error.to_string()),
        }
    }
}

#[async_trait]
impl Publisher for Producer {
    async fn publish(&self, messages: &[&OutboxMessage]) -> Vec<Result<(), PublishError>> {
        let outgoing: Vec<OutgoingMessage<'_>> = messages
            .iter()
            .map(|message| OutgoingMessage {
                topic: &message.topic,
                key: Some(&message.key),
                payload: &message.payload,
                headers: &message.headers,
            })
            .collect();
        self.send(&outgoing).await
    }
}

async fn enqueue(
    client: &Client,
    topic: &str,
    message: &OutgoingMessage<'_>,
    deadline: Instant,
) -> Result<DeliveryFuture, PublishError> {
    let headers = message.headers.iter().fold(OwnedHeaders::new(), |headers, (key, value)| {
        headers.insert(Header { key, value: Some(value) })
    });
    let mut record = FutureRecord::to(topic).payload(message.payload).headers(headers);
    record.key = message.key;
    loop {
        match client.send_result(record) {
            Ok(report) => return Ok(report),
            Err((ClientError::MessageProduction(RDKafkaErrorCode::QueueFull), unsent)) => {
                if Instant::now() >= deadline {
                    return Err(PublishError::QueueFull);
                }
                record = unsent;
                sleep(QUEUE_FULL_PAUSE).await;
            }
            Err((error, _)) => return Err(PublishError::Undelivered(error.to_string())),
        }
    }
}

async fn delivered(report: DeliveryFuture, deadline: Instant) -> Result<(), PublishError> {
    match timeout_at(deadline, report).await {
        Ok(Ok(Ok(_))) => Ok(()),
        Ok(Ok(Err((error, _)))) => Err(PublishError::Undelivered(error.to_string())),
        Ok(Err(_)) | Err(_) => Err(PublishError::Unknown),
    }
}

fn client(settings: &KafkaSettings, contact: &Arc<Contact>) -> Result<Client, KafkaError> {
    settings
        .producer_config()
        .create_with_context(ProducerCallbacks {
            contact: Arc::clone(contact),
            security: settings.security.clone(),
        })
        .map_err(|error| KafkaError::Settings(error.to_string()))
}
