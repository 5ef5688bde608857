//! From a `DATABASE_URL` to a [`Store`].

use std::sync::Arc;
use std::time::Duration;

use super::sql::SqlStore;
use super::{Store, StoreError, postgres, sqlite};

/// Connections of one process. Sixteen carry a worker's claims and beats, the relay and the API at once; a
/// fleet of ten stays below a server's default of 100 only with fewer, hence an option.
const CONNECTIONS_MAX_DEFAULT: u32 = 16;
/// Longest wait for a connection: a database that is down is said to be down while the caller still listens.
const ACQUIRE_TIMEOUT_DEFAULT: Duration = Duration::from_secs(2);
/// Longest statement, held to by the server: nothing of ours takes a second, so ten mean that it never ends.
const STATEMENT_TIMEOUT_DEFAULT: Duration = Duration::from_secs(10);

/// What transactions may see of each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Isolation {
    /// Enough for every statement of ours, and never in need of another try because of a mere neighbour.
    ReadCommitted,
    /// CockroachDB's own default.
    Serializable,
}

/// How to talk to the database; the URL says where it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoreOptions {
    pub connections_max: u32,
    pub acquire_timeout: Duration,
    pub statement_timeout: Duration,
    pub isolation: Isolation,
    /// As the server's list of connections shows us.
    pub application_name: String,
}

impl Default for StoreOptions {
    fn default() -> Self {
        Self {
            connections_max: CONNECTIONS_MAX_DEFAULT,
            acquire_timeout: ACQUIRE_TIMEOUT_DEFAULT,
            statement_timeout: STATEMENT_TIMEOUT_DEFAULT,
            isolation: Isolation::ReadCommitted,
            application_name: "monte-carlo-service".to_owned(),
        }
    }
}

/// The store behind `url`. Nothing is connected yet: a database that is down now is found to be down by the
/// first call, and works once it is back.
///
/// # Errors
/// Where the URL is none that we understand; the error does not repeat it.
pub fn connect(url: &str, options: &StoreOptions) -> Result<Arc<dyn Store>, StoreError> {
    Ok(Arc::new(open(url, options)?))
}

/// As [`connect`], with the type that counts its retries.
///
/// # Errors
/// As [`connect`].
pub fn open(url: &str, options: &StoreOptions) -> Result<SqlStore, StoreError> {
    let (scheme, rest) = url.split_once(':').unwrap_or_default();
    let pools = match scheme {
        "postgres" | "postgresql" | "cockroachdb" => postgres::pools(&format!("postgres:{rest}"), options)?,
        "sqlite" => sqlite::pools(url, options)?,
        _ => {
            return Err(StoreError::Failed(
                "a database's URL begins with postgres://, postgresql://, cockroachdb:// or sqlite:".into(),
            ));
        }
    };
    Ok(SqlStore::new(pools))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn takes_the_schemes_of_the_platform_and_never_repeats_a_password() {
        let options = StoreOptions::default();
        for url in ["postgres://a:b@h/d", "postgresql://h/d", "cockroachdb://r@h:26257/d?sslmode=verify-full"]
        {
            assert!(open(url, &options).is_ok(), "{url}");
        }
        for url in
            ["", "mysql://u:hunter2@h/d", "postgres://u:hunter2@h:port/d", "hunter2", "sqlite::memory:"]
        {
            let error = open(url, &options).err().map(|error| error.to_string());
            assert!(error.is_some_and(|error| !error.contains("hunter2")), "{url}");
        }
    }
}
