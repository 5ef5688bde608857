//! The schema: one statement a file, each harmless when it is run again.
//!
//! There is no lock (CockroachDB has none to give). Two processes that migrate at once both run what is missing;
//! the loser of a race sees one of many codes (23505 for a table's name or for the row in `_sqlx_migrations`,
//! 42P07, XX000 "tuple concurrently updated", 40001, SQLITE_BUSY), and finds that step done when it looks again.

use std::time::Duration;

use sqlx::migrate::{Migrate, Migration, MigrationType, Migrator};
use sqlx::pool::PoolConnection;
use sqlx::{ConnectOptions, Connection, SqlSafeStr, Sqlite, SqlitePool};

use super::fault;
use super::session::Pools;
use super::work::Runner;
use crate::store::StoreError;

/// Looks at the schema. Each lost race leaves at least one step more done; a real fault merely shows ten times.
const LOOKS_MAX: u32 = 10;
/// Longest wait for a connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);
/// Longest pause between two looks.
const PAUSE_MAX_MS: u64 = 200;

macro_rules! migrations {
    ($($version:literal $file:literal),+ $(,)?) => {
        [$(($version, $file, include_str!(concat!("../../../../../migrations/", $file, ".sql")))),+]
    };
}

const MIGRATIONS: [(i64, &str, &str); 25] = migrations![
    1 "0001_simulation_jobs",
    2 "0002_jobs_dedupe",
    3 "0003_jobs_claim",
    4 "0004_jobs_expiry",
    5 "0005_jobs_by_assessment",
    6 "0006_jobs_by_funded_account",
    7 "0007_jobs_by_status",
    8 "0008_jobs_by_age",
    9 "0009_simulation_inputs",
    10 "0010_simulation_results",
    11 "0011_idempotency_keys",
    12 "0012_outbox",
    13 "0013_outbox_unpublished",
    14 "0014_poison_messages",
    15 "0015_poison_by_age",
    16 "0016_simulation_skips",
    17 "0017_schedule_watermarks",
    18 "0018_daily_runs",
    19 "0019_daily_runs_open",
    20 "0020_jobs_claim_prompt",
    21 "0021_jobs_claim_daily",
    22 "0022_spent_keys",
    23 "0023_spent_keys_by_age",
    24 "0024_idempotency_keys_by_job",
    25 "0025_jobs_dead",
];

/// What this version needs.
pub(super) fn versions() -> impl Iterator<Item = i64> {
    MIGRATIONS.iter().map(|(version, ..)| *version)
}

/// The tables that are made.
pub(super) fn tables() -> impl Iterator<Item = &'static str> {
    MIGRATIONS.iter().filter_map(|(_, _, sql)| {
        let (_, made) = sql.split_once("CREATE TABLE IF NOT EXISTS ")?;
        made.split_whitespace().next()
    })
}

impl Runner {
    /// Brings the schema up to date.
    pub(super) async fn migrate(&self) -> Result<(), StoreError> {
        let unavailable = |error: sqlx::Error| fault::outward(error.into());
        match &self.pools {
            Pools::Postgres { pool, .. } => {
                // A connection of its own, without the limit on a statement: an index takes its time.
                let options = pool.connect_options();
                let connecting = tokio::time::timeout(CONNECT_TIMEOUT, options.connect()).await;
                let late = |_| StoreError::Unavailable("no connection in time to migrate".to_owned());
                let mut connection = connecting.map_err(late)?.map_err(unavailable)?;
                run(&mut connection).await?;
                connection.close().await.map_err(unavailable)
            }
            Pools::Sqlite { writer, .. } => {
                let mut connection = first_connection(writer).await.map_err(unavailable)?;
                run(&mut *connection).await
            }
        }
    }
}

/// A new file is put into WAL mode by its first connection, under a lock for which nobody else waits: rivals are told
/// at once that the database is locked, and look again.
async fn first_connection(writer: &SqlitePool) -> Result<PoolConnection<Sqlite>, sqlx::Error> {
    for _ in 1..LOOKS_MAX {
        match writer.acquire().await {
            Err(sqlx::Error::Database(_)) => pause().await,
            outcome => return outcome,
        }
    }
    writer.acquire().await
}

async fn pause() {
    tokio::time::sleep(Duration::from_millis(fastrand::u64(1..=PAUSE_MAX_MS))).await;
}

async fn run<C: Migrate>(connection: &mut C) -> Result<(), StoreError> {
    let migrator = migrator();
    let mut look = 1;
    loop {
        match migrator.run_direct(None, connection, false).await {
            Ok(()) => return Ok(()),
            Err(error) if look < LOOKS_MAX && fault::complaint(&error).is_some() => {}
            Err(error) => return Err(fault::migration(error)),
        }
        look += 1;
        pause().await;
    }
}

fn migrator() -> Migrator {
    let migrations = MIGRATIONS.map(|(version, name, sql)| {
        Migration::new(version, name.into(), MigrationType::Simple, sql.into_sql_str(), true)
    });
    let mut migrator = Migrator::with_migrations(migrations.into());
    // An older process beside a newer one, in the middle of a rollout, finds migrations that it does not know.
    migrator.set_locking(false).set_ignore_missing(true);
    migrator
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_migration_is_one_statement_that_may_run_again() {
        for (i, (version, name, sql)) in MIGRATIONS.iter().enumerate() {
            assert_eq!(*version, i as i64 + 1);
            assert!(name.starts_with(&format!("{version:04}_")), "{name}");
            assert!(sql.contains("IF NOT EXISTS") && !sql.contains(';'), "{name}");
        }
    }
}
