//! Connections to a SQLite file: the database of `dev`, with the same meaning as the others.

use std::path::Path;
use std::str::FromStr;
use std::time::Duration;

use sqlx::sqlite::{
    SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous,
};
use sqlx::{ConnectOptions, Connection as _};

use super::sql::session::Pools;
use super::{StoreError, StoreOptions};

/// Longest wait for another process that writes to the file.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
/// Connections that only read; they never wait for the writer.
const READERS_MAX: u32 = 4;

/// Connections to the file that `url` names, which is made, with its folder, where it is missing.
pub(super) fn pools(url: &str, options: &StoreOptions) -> Result<Pools, StoreError> {
    let file = SqliteConnectOptions::from_str(url)
        .map_err(|_| StoreError::Failed("the database's URL cannot be read".into()))?;
    // Each connection would have a memory of its own.
    if url.contains(":memory:") || url.contains("mode=memory") {
        return Err(StoreError::Failed("a SQLite database must be a file".into()));
    }
    if let Some(folder) = file.get_filename().parent().filter(|folder| *folder != Path::new("")) {
        std::fs::create_dir_all(folder)
            .map_err(|error| StoreError::Failed(format!("the database's folder cannot be made: {error}")))?;
    }
    let file = file
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        // FULL: what is acknowledged survives a power cut too, for a disk flush each. NORMAL would survive a killed
        // process, but an offset that Kafka keeps must never be ahead of the job that the file lost.
        .synchronous(SqliteSynchronous::Full)
        .busy_timeout(BUSY_TIMEOUT)
        .disable_statement_logging();
    let pool = |connections_max: u32, file: SqliteConnectOptions| -> SqlitePool {
        SqlitePoolOptions::new()
            .max_connections(connections_max)
            .acquire_timeout(options.acquire_timeout.max(BUSY_TIMEOUT))
            // Where SQLite itself rolls back (the disk is full, or a write fails), the driver's own ROLLBACK fails after it,
            // and the driver takes the connection for one within a transaction for ever.
            .before_acquire(|connection, _| Box::pin(async { Ok(!connection.is_in_transaction()) }))
            .connect_lazy_with(file)
    };
    Ok(Pools::Sqlite { writer: pool(1, file.clone()), readers: pool(READERS_MAX, file) })
}
