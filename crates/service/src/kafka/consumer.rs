//! The receiving side: batches in, offsets out.

use std::sync::{Arc, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use tokio::sync::oneshot;
use tokio::time::timeout;

use super::KafkaError;
use super::context::{Contact, set_lag};
use super::poller::{Command, Poller};
use super::settings::KafkaSettings;
use super::topics;

/// One message, copied out of the client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IncomingMessage {
    /// Without the cluster's prefix.
    pub topic: String,
    pub partition: i32,
    pub offset: i64,
    pub key: Option<Vec<u8>>,
    /// Absent in a tombstone.
    pub payload: Option<Vec<u8>>,
    /// In order; a header without a value has an empty one.
    pub headers: Vec<(String, Vec<u8>)>,
}

impl IncomingMessage {
    /// The first header of that name, where it is text.
    pub fn header(&self, name: &str) -> Option<&str> {
        let (_, value) = self.headers.iter().find(|(header, _)| header == name)?;
        std::str::from_utf8(value).ok()
    }
}

/// A member of the group. The client lives on a thread of its own: its calls, rebalances and end may block.
///
/// Dropping it leaves the group in the background; [`Consumer::close`] waits for that.
#[derive(Debug)]
pub struct Consumer {
    commands: mpsc::Sender<Command>,
    contact: Arc<Contact>,
    /// A batch that was asked for; kept here so that a caller who stops waiting loses no message.
    pending: Option<oneshot::Receiver<Vec<IncomingMessage>>>,
}

impl Consumer {
    /// Subscribes to topics (named without prefix). Needs no broker: a missing one is sought until it is there.
    ///
    /// # Errors
    /// [`KafkaError::Settings`] where the client library refuses them.
    pub fn start(settings: &KafkaSettings, topics: &[&str]) -> Result<Self, KafkaError> {
        let contact = Arc::new(Contact::default());
        lag_from_the_start(settings, topics);
        let topics = topics.iter().map(|topic| settings.topic(topic)).collect();
        let poller = Poller::subscribe(settings.clone(), topics, Arc::clone(&contact))?;
        let (commands, inbox) = mpsc::channel();
        thread::Builder::new()
            .name("kafka-consumer".into())
            .spawn(move || poller.run(&inbox))
            .map_err(|error| KafkaError::Settings(error.to_string()))?;
        Ok(Self { commands, contact, pending: None })
    }

    /// Up to `max` messages: as soon as one is there, with all that are ready; none after `wait`.
    ///
    /// May be dropped while it waits: the next call then gets what it would have got.
    ///
    /// # Errors
    /// [`KafkaError::Stopped`] only; an absent broker is an empty batch and a [`ConsumerProbe::last_error`].
    pub async fn next_batch(
        &mut self,
        max: usize,
        wait: Duration,
    ) -> Result<Vec<IncomingMessage>, KafkaError> {
        let reply = match &mut self.pending {
            Some(reply) => reply,
            None => {
                let (reply, receiver) = oneshot::channel();
                self.send(Command::Poll { max, wait, reply })?;
                self.pending.insert(receiver)
            }
        };
        let batch = reply.await.map_err(|_| KafkaError::Stopped);
        self.pending = None;
        batch
    }

    /// Says that these messages are dealt with; call it after the database has committed them. They are
    /// committed to Kafka within a second, before a partition moves on, and at the end.
    ///
    /// # Errors
    /// [`KafkaError::Stopped`].
    pub fn store_offsets(&self, messages: &[IncomingMessage]) -> Result<(), KafkaError> {
        let positions = messages
            .iter()
            .map(|message| (message.topic.clone(), message.partition, message.offset + 1))
            .collect();
        self.send(Command::Store(positions))
    }

    /// A handle for readiness checks.
    pub fn probe(&self) -> ConsumerProbe {
        ConsumerProbe(Arc::clone(&self.contact))
    }

    /// Commits, leaves the group and ends the client; `false` where that took longer than `bound` and goes on
    /// in the background.
    pub async fn close(self, bound: Duration) -> bool {
        let (reply, done) = oneshot::channel();
        if self.send(Command::Close { reply: Some(reply) }).is_err() {
            return true;
        }
        matches!(timeout(bound, done).await, Ok(Ok(())))
    }

    fn send(&self, command: Command) -> Result<(), KafkaError> {
        self.commands.send(command).map_err(|_| KafkaError::Stopped)
    }
}

/// An alert on the lag must find its series before a partition is ours.
fn lag_from_the_start(settings: &KafkaSettings, subscribed: &[&str]) {
    for (topic, partitions) in topics::all().into_iter().filter(|(topic, _)| subscribed.contains(topic)) {
        for partition in 0..partitions {
            set_lag(settings, topic, partition, 0);
        }
    }
}

impl Drop for Consumer {
    fn drop(&mut self) {
        let _ = self.send(Command::Close { reply: None });
    }
}

/// Knows how the consumer is, anywhere and at once.
#[derive(Clone, Debug)]
pub struct ConsumerProbe(Arc<Contact>);

impl ConsumerProbe {
    /// The last thing that the client complained of, until it works again.
    pub fn last_error(&self) -> Option<String> {
        self.0.error()
    }

    /// Whether a broker was heard in the last seconds.
    ///
    /// # Errors
    /// [`KafkaError::Unreachable`] with the cause.
    pub fn check(&self) -> Result<(), KafkaError> {
        self.0.check(Instant::now())
    }
}
