//! Wake-ups across replicas: publish and subscribe on one channel of Redis. Never the truth; may be away for ever.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures::StreamExt as _;
use redis::aio::ConnectionManager;
use redis::{Client, ConnectionAddr, IntoConnectionInfo as _, RedisConnectionInfo, RedisError};
use secrecy::{ExposeSecret as _, SecretString};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::Signals;

const CHANNEL: &str = "monte-carlo:jobs-due";
/// A command that takes longer is worth less than the poll that it would save.
const COMMAND_BOUND: Duration = Duration::from_millis(300);
/// Longest that a server may take to be asked for its version.
const VERSION_BOUND: Duration = Duration::from_secs(5);
/// Between two tries to subscribe.
const RETRY_EVERY: Duration = Duration::from_secs(1);

/// Where Redis is.
#[derive(Clone, Debug)]
pub struct RedisSettings {
    /// Name or address.
    pub host: String,
    /// TCP port.
    pub port: u16,
    /// `AUTH`, where it is asked for.
    pub password: Option<SecretString>,
}

/// The bridge between this process's [`Signals`] and the other replicas'.
pub struct RedisWakeUps {
    client: Client,
    last_error: Mutex<Option<String>>,
}

impl RedisWakeUps {
    /// A bridge that is not yet crossed, and the signals at this end of it.
    ///
    /// # Errors
    /// Where the settings make no address; an absent server is not an error.
    pub fn new(settings: &RedisSettings) -> Result<Self, RedisError> {
        let client = client(settings)?;
        Ok(Self { client, last_error: Mutex::new(Some("not yet connected".into())) })
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
            self.note(Some(
                ended.map_or_else(|| "the server closed the connection".into(), |e| e.to_string()),
            ));
            tokio::time::sleep(RETRY_EVERY).await;
        }
    }

    async fn subscription(&self, signals: &Signals) -> Result<(), RedisError> {
        let mut subscription = self.client.get_async_pubsub().await?;
        subscription.subscribe(CHANNEL).await?;
        self.note(None);
        // What was said while we did not listen.
        signals.jobs_due_elsewhere();
        let mut words = subscription.on_message();
        while words.next().await.is_some() {
            signals.jobs_due_elsewhere();
        }
        Ok(())
    }

    async fn tell(self: Arc<Self>, mut words: mpsc::Receiver<()>) {
        let mut connection: Option<ConnectionManager> = None;
        while words.recv().await.is_some() {
            let said = tokio::time::timeout(COMMAND_BOUND, self.say(&mut connection)).await;
            if !matches!(said, Ok(Ok(()))) {
                connection = None;
                metrics::counter!("redis_wake_ups_lost_total").increment(1);
            }
        }
    }

    async fn say(&self, connection: &mut Option<ConnectionManager>) -> Result<(), RedisError> {
        let mut open = match connection.take() {
            Some(open) => open,
            None => self.client.get_connection_manager().await?,
        };
        redis::cmd("PUBLISH").arg(CHANNEL).arg(1).exec_async(&mut open).await?;
        *connection = Some(open);
        Ok(())
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

fn client(settings: &RedisSettings) -> Result<Client, RedisError> {
    let address = ConnectionAddr::Tcp(settings.host.clone(), settings.port);
    let mut info = RedisConnectionInfo::default();
    if let Some(password) = &settings.password {
        info = info.set_password(password.expose_secret());
    }
    Client::open(address.into_connection_info()?.set_redis_settings(info))
}

/// What the server calls itself, for `doctor`.
///
/// # Errors
/// Where it is away, is slow, or refuses our password.
pub async fn server_version(settings: &RedisSettings) -> Result<String, RedisError> {
    let asked = async {
        let mut connection = client(settings)?.get_multiplexed_async_connection().await?;
        redis::cmd("INFO").arg("server").query_async::<String>(&mut connection).await
    };
    let late = |_| RedisError::from((redis::ErrorKind::Io, "no answer in time"));
    let info = tokio::time::timeout(VERSION_BOUND, asked).await.map_err(late)??;
    let version = info.lines().find_map(|line| line.strip_prefix("redis_version:"));
    Ok(version.unwrap_or("of a version that it does not tell").trim().to_owned())
}
