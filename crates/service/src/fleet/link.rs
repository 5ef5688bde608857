//! The way to Redis: one connection for commands, each command bounded in time.
//!
//! A library that reconnects by itself lets a command wait for as long as its retries last. Here a command that
//! fails ends the connection, and nobody waits for Redis again until a moment has passed.

use std::time::Duration;

use redis::aio::{MultiplexedConnection, PubSub};
use redis::{
    Client, Cmd, ConnectionAddr, ErrorKind, FromRedisValue, IntoConnectionInfo as _, RedisConnectionInfo,
    RedisError, TlsCertificates,
};
use secrecy::{ExposeSecret as _, SecretString};
use tokio::sync::Mutex;
use tokio::time::{Instant, timeout};

use super::cause;

/// A command that takes longer is worth less than what it would save.
pub const COMMAND_BOUND: Duration = Duration::from_millis(300);
/// How long nobody asks after a failure: what an outage costs is one bound a second, not one a command.
const LEFT_ALONE: Duration = Duration::from_secs(1);
/// For a subscription, TLS and log-in included.
const SUBSCRIBE_BOUND: Duration = Duration::from_secs(3);

/// Where Redis is and how we show who we are.
#[derive(Clone, Debug)]
pub struct RedisSettings {
    /// Name or address; the certificate must be for it.
    pub host: String,
    /// TCP port.
    pub port: u16,
    pub tls: Tls,
    /// Of the access list; `default` where there is none.
    pub user: Option<String>,
    /// `AUTH`, where it is asked for.
    pub password: Option<SecretString>,
    /// Stands before every key and channel of ours.
    pub key_prefix: String,
}

/// How the way is guarded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Tls {
    Off,
    /// Certificates of the public authorities are trusted.
    PublicAuthorities,
    /// Only what these authorities signed is trusted; PEM.
    Authorities(Vec<u8>),
}

/// Why a command gave nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LinkError {
    /// It was not asked, or did not answer in time.
    #[error("Redis is away")]
    Away,
    /// It is there and refuses this command.
    #[error("Redis refused a command: {0}")]
    Refused(String),
}

/// Shared by all that talk to Redis.
pub struct Link {
    client: Client,
    key_prefix: String,
    is_tls: bool,
    state: Mutex<State>,
}

enum State {
    Closed,
    Open(MultiplexedConnection),
    LeftAlone { until: Instant },
}

impl Link {
    /// Not yet connected; needs the TLS provider of the process where TLS is on.
    ///
    /// # Errors
    /// Where the settings make no address; an absent server is not an error.
    pub fn new(settings: &RedisSettings) -> Result<Self, RedisError> {
        let mut login = RedisConnectionInfo::default();
        if let Some(user) = &settings.user {
            login = login.set_username(user);
        }
        if let Some(password) = &settings.password {
            login = login.set_password(password.expose_secret());
        }
        let (host, port) = (settings.host.clone(), settings.port);
        let root_cert = match &settings.tls {
            Tls::Off => {
                let address = ConnectionAddr::Tcp(host, port).into_connection_info()?;
                return Ok(Self::over(Client::open(address.set_redis_settings(login))?, settings));
            }
            Tls::PublicAuthorities => None,
            Tls::Authorities(pem) => Some(pem.clone()),
        };
        let address = ConnectionAddr::TcpTls { host, port, insecure: false, tls_params: None };
        let address = address.into_connection_info()?.set_redis_settings(login);
        let client = Client::build_with_tls(address, TlsCertificates { client_tls: None, root_cert })?;
        Ok(Self::over(client, settings))
    }

    fn over(client: Client, settings: &RedisSettings) -> Self {
        let key_prefix = settings.key_prefix.clone();
        let is_tls = settings.tls != Tls::Off;
        Self { client, key_prefix, is_tls, state: Mutex::new(State::Closed) }
    }

    /// The name of a key or channel of ours.
    pub fn key(&self, name: &str) -> String {
        format!("{}:{name}", self.key_prefix)
    }

    /// Redis' answer within `bound`.
    ///
    /// # Errors
    /// [`LinkError`]; after [`LinkError::Away`] the next commands get the same at once, for a second.
    pub async fn ask<T: FromRedisValue>(&self, command: &Cmd, bound: Duration) -> Result<T, LinkError> {
        let answer = async {
            let mut connection = self.connection().await?;
            command.query_async(&mut connection).await.map_err(Failure::Redis)
        };
        match timeout(bound, answer).await {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(Failure::LeftAlone)) => Err(LinkError::Away),
            Ok(Err(Failure::Redis(error))) if is_of_the_command(&error) => {
                Err(LinkError::Refused(cause::told(&error)))
            }
            Ok(Err(Failure::Redis(_))) | Err(_) => {
                // Whoever holds it is connecting, and finds out for himself; waiting for him would break our bound.
                if let Ok(mut state) = self.state.try_lock() {
                    *state = State::LeftAlone { until: Instant::now() + LEFT_ALONE };
                }
                Err(LinkError::Away)
            }
        }
    }

    /// A connection of its own that hears `channel`.
    ///
    /// # Errors
    /// The cause, for people.
    pub async fn subscribe(&self, channel: &str) -> Result<PubSub, String> {
        let subscribed = async {
            let mut subscription = self.client.get_async_pubsub().await?;
            subscription.subscribe(channel).await?;
            Ok(subscription)
        };
        match timeout(SUBSCRIBE_BOUND, subscribed).await {
            Ok(subscribed) => subscribed.map_err(|error: RedisError| cause::told(&error)),
            Err(_) => Err(self.silent()),
        }
    }

    /// A server that does not speak TLS waits for the end of what it takes for a command.
    fn silent(&self) -> String {
        if self.is_tls {
            "no answer in time; if it does not speak TLS on this port, check REDIS_TLS".to_owned()
        } else {
            "no answer in time".to_owned()
        }
    }

    /// What the server calls itself, for `doctor`.
    ///
    /// # Errors
    /// The cause, for people.
    pub async fn server_version(&self) -> Result<String, String> {
        let asked = async {
            let mut connection = self.client.get_multiplexed_async_connection().await?;
            redis::cmd("INFO").arg("server").query_async::<String>(&mut connection).await
        };
        let info = match timeout(SUBSCRIBE_BOUND, asked).await {
            Ok(info) => info.map_err(|error| cause::told(&error))?,
            Err(_) => return Err(self.silent()),
        };
        let version = info.lines().find_map(|line| line.strip_prefix("redis_version:"));
        Ok(version.unwrap_or("of a version that it does not tell").trim().to_owned())
    }

    /// Connects ahead of the first command, whose bound may be too short for a log-in over TLS.
    pub async fn warm(&self) {
        self.ask::<()>(&redis::cmd("PING"), SUBSCRIBE_BOUND).await.ok();
    }

    /// Held only while connecting, so that one caller connects for all; its bound is the caller's.
    async fn connection(&self) -> Result<MultiplexedConnection, Failure> {
        let mut state = self.state.lock().await;
        match &*state {
            State::Open(connection) => return Ok(connection.clone()),
            State::LeftAlone { until } if Instant::now() < *until => return Err(Failure::LeftAlone),
            State::LeftAlone { .. } | State::Closed => {}
        }
        let connection = self.client.get_multiplexed_async_connection().await.map_err(Failure::Redis)?;
        *state = State::Open(connection.clone());
        Ok(connection)
    }
}

enum Failure {
    LeftAlone,
    Redis(RedisError),
}

/// Whether the connection is as good as before.
fn is_of_the_command(error: &RedisError) -> bool {
    matches!(error.kind(), ErrorKind::Server(_) | ErrorKind::Extension | ErrorKind::UnexpectedReturnType)
}
