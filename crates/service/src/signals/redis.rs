//! Wake-ups across replicas: publish and subscribe on one channel of Redis. Never the truth; may be away for ever.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures::StreamExt as _;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::Signals;
use crate::fleet::link::{COMMAND_BOUND, Link};

const CHANNEL: &str = "jobs-due";
/// Between two tries to subscribe.
const RETRY_EVERY: Duration = Duration::from_secs(1);

/// The bridge between this process's [`Signals`] and the other replicas'.
pub struct RedisWakeUps {
    link: Arc<Link>,
    channel: String,
    /// Said with each word, so that nobody is woken by his own.
    id: String,
    last_error: Mutex<Option<String>>,
}

impl RedisWakeUps {
    /// A bridge that is not yet crossed.
    pub fn new(link: Arc<Link>) -> Self {
        let channel = link.key(CHANNEL);
        let id = Uuid::new_v4().to_string();
        Self { link, channel, id, last_error: Mutex::new(Some("not yet connected".into())) }
    }

    /// `None` while the subscription stands.
    pub fn last_error(&self) -> Option<String> {
        self.last_error.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Signals that reach other replicas too, over this bridge, until `stop`.
    pub fn connect(self: &Arc<Self>, stop: &CancellationToken) -> Arc<Signals> {
        // One waiting word is enough: it says "look", not what at.
        let (others, words) = mpsc::channel(1);
        let signals = Arc::new(Signals { others: Some(others), ..Signals::default() });
        tokio::spawn(stop.clone().run_until_cancelled_owned(self.clone().listen(signals.clone())));
        tokio::spawn(stop.clone().run_until_cancelled_owned(self.clone().tell(words)));
        signals
    }

    async fn listen(self: Arc<Self>, signals: Arc<Signals>) {
        loop {
            let ended = self.subscription(&signals).await.err();
            self.note(Some(ended.unwrap_or_else(|| "the server closed the connection".into())));
            tokio::time::sleep(RETRY_EVERY).await;
        }
    }

    async fn subscription(&self, signals: &Signals) -> Result<(), String> {
        let mut subscription = self.link.subscribe(&self.channel).await?;
        self.note(None);
        self.link.warm().await;
        // What was said while we did not listen.
        signals.jobs_due_elsewhere();
        let mut words = subscription.on_message();
        while let Some(word) = words.next().await {
            if word.get_payload_bytes() != self.id.as_bytes() {
                signals.jobs_due_elsewhere();
            }
        }
        Ok(())
    }

    async fn tell(self: Arc<Self>, mut words: mpsc::Receiver<()>) {
        let publish = redis::cmd("PUBLISH").arg(&self.channel).arg(&self.id).to_owned();
        while words.recv().await.is_some() {
            if self.link.ask::<()>(&publish, COMMAND_BOUND).await.is_err() {
                metrics::counter!("redis_wake_ups_lost_total").increment(1);
            }
        }
    }

    fn note(&self, error: Option<String>) {
        let mut last = self.last_error.lock().unwrap_or_else(PoisonError::into_inner);
        if *last != error {
            match &error {
                Some(error) => tracing::warn!(error, "Redis is away; jobs are found by polling"),
                None => tracing::info!("Redis wakes the workers"),
            }
            *last = error;
        }
    }
}
