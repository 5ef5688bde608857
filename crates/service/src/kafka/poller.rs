//! The consumer's thread: the only one that touches the client.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use rdkafka::Message;
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer};
use rdkafka::error::KafkaError as ClientError;
use rdkafka::message::{BorrowedMessage, Headers};
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};
use tokio::sync::oneshot;

use super::KafkaError;
use super::consumer::IncomingMessage;
use super::context::{ConsumerCallbacks, Contact};
use super::settings::KafkaSettings;

/// A crash redelivers at most what came in this time …
const COMMIT_EVERY: Duration = Duration::from_secs(1);
/// … or this many messages.
const COMMIT_MESSAGES: u64 = 1_000;
/// A broker of which nothing was heard for this long is asked …
const CHECK_EVERY: Duration = Duration::from_secs(3);
/// … and may take this long, in which no message is read.
const CHECK_BOUND: Duration = Duration::from_secs(1);
/// A client that broke for good is replaced after this long, doubling …
const RESTART_MIN: Duration = Duration::from_millis(500);
/// … up to this.
const RESTART_MAX: Duration = Duration::from_secs(10);

type Client = BaseConsumer<ConsumerCallbacks>;
/// Topic without prefix, partition, the offset to go on from.
type Position = (String, i32, i64);

#[derive(Debug)]
pub(super) enum Command {
    Poll { max: usize, wait: Duration, reply: oneshot::Sender<Vec<IncomingMessage>> },
    Store(Vec<Position>),
    Close { reply: Option<oneshot::Sender<()>> },
}

pub(super) struct Poller {
    settings: KafkaSettings,
    topics: Vec<String>,
    contact: Arc<Contact>,
    /// Absent between a fatal error and the restart.
    client: Option<Client>,
    restart_at: Instant,
    restart_pause: Duration,
    uncommitted: u64,
    committed_at: Instant,
    checked_at: Option<Instant>,
}

impl Poller {
    pub(super) fn subscribe(
        settings: KafkaSettings,
        topics: Vec<String>,
        contact: Arc<Contact>,
    ) -> Result<Self, KafkaError> {
        let client = client(&settings, &topics, &contact)?;
        let now = Instant::now();
        Ok(Self {
            settings,
            topics,
            contact,
            client: Some(client),
            restart_at: now,
            restart_pause: RESTART_MIN,
            uncommitted: 0,
            committed_at: now,
            checked_at: None,
        })
    }

    pub(super) fn run(mut self, inbox: &Receiver<Command>) {
        let closed = loop {
            match inbox.recv_timeout(COMMIT_EVERY) {
                Ok(Command::Poll { max, wait, reply }) => {
                    let _ = reply.send(self.poll(max, wait));
                }
                Ok(Command::Store(positions)) => self.store(positions),
                Ok(Command::Close { reply }) => break reply,
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => break None,
            }
            self.commit_if_due();
            self.check_if_due();
        };
        self.leave();
        if let Some(closed) = closed {
            let _ = closed.send(());
        }
    }

    fn poll(&mut self, max: usize, wait: Duration) -> Vec<IncomingMessage> {
        let deadline = Instant::now() + wait;
        let mut batch = Vec::new();
        let Some(client) = self.running(deadline) else { return batch };
        let mut is_broken = false;
        while batch.len() < max {
            let patience = if batch.is_empty() { left(deadline) } else { Duration::ZERO };
            match client.poll(patience) {
                Some(Ok(message)) => batch.push(self.copy(&message)),
                Some(Err(ClientError::MessageConsumptionFatal(code))) => {
                    self.contact.set_error(format!("the consumer broke and is replaced: {code}"));
                    is_broken = true;
                    break;
                }
                // Told by the callbacks already; the client mends itself.
                Some(Err(error)) => tracing::debug!(%error, "Kafka client error"),
                // An event that is no message ends a poll early: look again until time is up.
                None if batch.is_empty() && !left(deadline).is_zero() => {}
                None => break,
            }
            if batch.is_empty() && left(deadline).is_zero() {
                break;
            }
        }
        if is_broken {
            self.restart_later();
        } else {
            self.client = Some(client);
        }
        self.count(&batch);
        batch
    }

    /// The client, taken out for a while; a broken one's successor once its time has come.
    fn running(&mut self, deadline: Instant) -> Option<Client> {
        if let Some(client) = self.client.take() {
            return Some(client);
        }
        thread::sleep(left(self.restart_at).min(left(deadline)));
        if !left(self.restart_at).is_zero() {
            return None;
        }
        match client(&self.settings, &self.topics, &self.contact) {
            Ok(client) => Some(client),
            Err(error) => {
                self.contact.set_error(error.to_string());
                self.restart_later();
                None
            }
        }
    }

    fn restart_later(&mut self) {
        tracing::error!(error = self.contact.error(), "Kafka consumer broke; it will be replaced");
        self.restart_at = Instant::now() + self.restart_pause;
        self.restart_pause = (self.restart_pause * 2).min(RESTART_MAX);
        self.uncommitted = 0;
    }

    fn count(&mut self, batch: &[IncomingMessage]) {
        if batch.is_empty() {
            return;
        }
        self.contact.heard();
        self.restart_pause = RESTART_MIN;
        let mut counts = BTreeMap::<&str, u64>::new();
        for message in batch {
            *counts.entry(&message.topic).or_default() += 1;
        }
        for (topic, count) in counts {
            metrics::counter!("kafka_messages_consumed_total", "topic" => topic.to_owned()).increment(count);
        }
    }

    fn copy(&self, message: &BorrowedMessage<'_>) -> IncomingMessage {
        let headers = message.headers().map(|headers| {
            headers
                .iter()
                .map(|header| (header.key.to_owned(), header.value.unwrap_or_default().to_vec()))
                .collect()
        });
        IncomingMessage {
            topic: self.settings.without_prefix(message.topic()).to_owned(),
            partition: message.partition(),
            offset: message.offset(),
            key: message.key().map(<[u8]>::to_vec),
            payload: message.payload().map(<[u8]>::to_vec),
            headers: headers.unwrap_or_default(),
        }
    }

    fn store(&mut self, positions: Vec<Position>) {
        let Some(client) = &self.client else { return };
        self.uncommitted += positions.len() as u64;
        let mut furthest = BTreeMap::<(String, i32), i64>::new();
        for (topic, partition, next) in positions {
            let position = furthest.entry((topic, partition)).or_insert(next);
            *position = next.max(*position);
        }
        // One partition a call: one that has moved on must not keep the others back.
        for ((topic, partition), next) in furthest {
            let mut list = TopicPartitionList::new();
            let stored = list
                .add_partition_offset(&self.settings.topic(&topic), partition, Offset::Offset(next))
                .and_then(|()| client.store_offsets(&list));
            if let Err(error) = stored {
                // Its new owner reads the messages again, and the database knows them.
                tracing::debug!(%error, kafka.topic = topic, kafka.partition = partition, "offset not stored");
            }
        }
    }

    fn commit_if_due(&mut self) {
        let Some(client) = &self.client else { return };
        let is_due = self.uncommitted >= COMMIT_MESSAGES || self.committed_at.elapsed() >= COMMIT_EVERY;
        let failed = &client.context().must_recommit;
        if !is_due || (self.uncommitted == 0 && !failed.swap(false, Ordering::Relaxed)) {
            return;
        }
        client.context().note_commit(client.commit_consumer_state(CommitMode::Async));
        self.uncommitted = 0;
        self.committed_at = Instant::now();
    }

    /// Asks for a sign of life where messages gave none, so that readiness is known before anybody asks.
    fn check_if_due(&mut self) {
        let is_recent = |at: Option<Instant>| at.is_some_and(|at| at.elapsed() < CHECK_EVERY);
        let Some(client) = &self.client else { return };
        if is_recent(self.contact.heard_at()) || is_recent(self.checked_at) {
            return;
        }
        match client.fetch_metadata(None, CHECK_BOUND) {
            Ok(_) => self.contact.heard(),
            Err(error) => {
                if self.contact.error().is_none() {
                    self.contact.set_error(error.to_string());
                }
            }
        }
        self.checked_at = Some(Instant::now());
    }

    fn leave(self) {
        let Some(client) = self.client else { return };
        if self.uncommitted > 0 {
            client.context().note_commit(client.commit_consumer_state(CommitMode::Sync));
        }
        client.unsubscribe();
        drop(client);
    }
}

fn client(settings: &KafkaSettings, topics: &[String], contact: &Arc<Contact>) -> Result<Client, KafkaError> {
    let refused = |error: ClientError| KafkaError::Settings(error.to_string());
    let callbacks = ConsumerCallbacks::new(settings.clone(), Arc::clone(contact));
    let client: Client = settings.consumer_config().create_with_context(callbacks).map_err(refused)?;
    let topics: Vec<&str> = topics.iter().map(String::as_str).collect();
    client.subscribe(&topics).map_err(refused)?;
    Ok(client)
}

fn left(deadline: Instant) -> Duration {
    deadline.saturating_duration_since(Instant::now())
}
