//! Connections to PostgreSQL and CockroachDB.

use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{AssertSqlSafe, ConnectOptions, Connection as _, Executor};

use super::sql::session::Pools;
use super::sql::trust::Trust;
use super::{Isolation, StoreError, StoreOptions};

/// A connection that nobody needed for so long is given back to the server.
const IDLE_TIMEOUT: Duration = Duration::from_secs(5 * 60);
/// A connection is replaced after this, so that a fleet finds its way back to a node that was away.
const LIFETIME_MAX: Duration = Duration::from_secs(30 * 60);
/// A transaction of ours never waits for anything but the database; one that idles has lost its owner.
const IDLE_TRANSACTION_TIMEOUT: Duration = Duration::from_secs(30);

/// Connections to the server at `url`, made when they are needed.
pub(super) fn pools(url: &str, options: &StoreOptions) -> Result<Pools, StoreError> {
    let server = PgConnectOptions::from_str(url)
        .map_err(|_| StoreError::Failed("the database's URL cannot be read".into()))?
        .application_name(&options.application_name)
        .disable_statement_logging();
    let settings = settings(options);
    let trust = Arc::new(Trust::default());
    let trusted = trust.clone();
    let pool = PgPoolOptions::new()
        .max_connections(options.connections_max)
        .acquire_timeout(options.acquire_timeout)
        .idle_timeout(IDLE_TIMEOUT)
        .max_lifetime(LIFETIME_MAX)
        .test_before_acquire(false)
        .before_acquire(move |connection, rest| {
            let is_trusted = trusted.covers(rest.idle_for);
            Box::pin(async move {
                if !is_trusted {
                    connection.ping().await?;
                }
                Ok(true)
            })
        })
        .after_connect(move |connection, _| {
            let settings = settings.clone();
            Box::pin(async move {
                connection.execute(AssertSqlSafe(settings)).await?;
                Ok(())
            })
        })
        .connect_lazy_with(server);
    Ok(Pools::Postgres { pool, trust })
}

/// As statements, not as start-up options: poolers in between refuse those.
fn settings(options: &StoreOptions) -> String {
    let isolation = match options.isolation {
        Isolation::ReadCommitted => "read committed",
        Isolation::Serializable => "serializable",
    };
    format!(
        "SET default_transaction_isolation = '{isolation}'; SET statement_timeout = {}; \
         SET idle_in_transaction_session_timeout = {}",
        options.statement_timeout.as_millis(),
        IDLE_TRANSACTION_TIMEOUT.as_millis()
    )
}
