//! What an error of the database means.

use std::borrow::Cow;

use sqlx::error::DatabaseError;
use sqlx::migrate::MigrateError;

use crate::store::StoreError;

/// Why an operation did not come about.
#[derive(Debug)]
pub(super) enum Fault {
    Database(sqlx::Error),
    /// A row that we do not understand.
    Corrupt(String),
    /// A caller broke the contract.
    Misuse(&'static str),
}

impl From<sqlx::Error> for Fault {
    fn from(error: sqlx::Error) -> Self {
        Self::Database(error)
    }
}

/// What to do about it.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Remedy {
    /// Another transaction was in the way; nothing was changed. With the code that says so.
    Again(String),
    /// The connection broke; a commit may or may not have come about.
    Reconnect,
    /// The database is not there.
    Wait,
    /// None.
    GiveUp,
}

/// Classifies by SQLSTATE, or by SQLite's result code.
pub(super) fn remedy(error: &sqlx::Error) -> Remedy {
    match error {
        sqlx::Error::Database(error) => by_code(&plain(error.code().unwrap_or_default())),
        sqlx::Error::Io(_) | sqlx::Error::Protocol(_) | sqlx::Error::BeginFailed => Remedy::Reconnect,
        sqlx::Error::PoolTimedOut
        | sqlx::Error::PoolClosed
        | sqlx::Error::WorkerCrashed
        | sqlx::Error::Tls(_) => Remedy::Wait,
        _ => Remedy::GiveUp,
    }
}

/// SQLite's codes come extended: their lowest byte is the code, the others say how it came about. A SQLSTATE is longer.
fn plain(code: Cow<'_, str>) -> Cow<'_, str> {
    match code.parse::<u32>() {
        Ok(extended) if code.len() < 5 => Cow::Owned((extended & 0xff).to_string()),
        _ => code,
    }
}

fn by_code(code: &str) -> Remedy {
    match code {
        // serialization_failure, deadlock_detected; SQLITE_BUSY, SQLITE_LOCKED
        "40001" | "40P01" | "5" | "6" => Remedy::Again(code.to_owned()),
        // statement_completion_unknown, admin_shutdown, crash_shutdown, idle_in_transaction_session_timeout,
        // idle_session_timeout
        "40003" | "57P01" | "57P02" | "25P03" | "57P05" => Remedy::Reconnect,
        // query_canceled (our own time-out), cannot_connect_now, read_only_sql_transaction (a replica),
        // invalid_catalog_name, lock_not_available; CockroachDB's range_unavailable, internal_connection_failure;
        // SQLITE_IOERR, _FULL, _CANTOPEN
        "57014" | "57P03" | "25006" | "3D000" | "55P03" | "58C00" | "58C01" | "10" | "13" | "14" => {
            Remedy::Wait
        }
        _ if code.len() == 5 && code.starts_with("08") => Remedy::Reconnect,
        // invalid_authorization, insufficient_resources
        _ if code.len() == 5 && (code.starts_with("28") || code.starts_with("53")) => Remedy::Wait,
        _ => Remedy::GiveUp,
    }
}

/// Whether the statement named a table that is not there.
pub(super) fn is_missing_table(error: &sqlx::Error) -> bool {
    error.as_database_error().is_some_and(|error| {
        error.code().as_deref() == Some("42P01") || error.message().starts_with("no such table")
    })
}

/// The error as the rest of the service sees it. No text of ours or of a driver holds a URL or a password.
pub(super) fn outward(fault: Fault) -> StoreError {
    match fault {
        Fault::Database(sqlx::Error::PoolTimedOut) => {
            StoreError::Unavailable("no connection in time; it is down, or all connections are busy".into())
        }
        // A process that starts beside an empty database answers before it has migrated it.
        Fault::Database(error) if is_missing_table(&error) => {
            StoreError::Unavailable("its schema is not there yet; `migrate` makes it".into())
        }
        Fault::Database(error) => match remedy(&error) {
            Remedy::GiveUp => StoreError::Failed(error.to_string()),
            Remedy::Again(_) | Remedy::Reconnect | Remedy::Wait => StoreError::Unavailable(error.to_string()),
        },
        Fault::Corrupt(what) => StoreError::Corrupt(what),
        Fault::Misuse(what) => StoreError::Failed(what.to_owned()),
    }
}

/// A failed migration as the rest of the service sees it.
pub(super) fn migration(error: MigrateError) -> StoreError {
    match error {
        MigrateError::Execute(error) => outward(Fault::Database(error)),
        MigrateError::ExecuteMigration(error, version) => match outward(Fault::Database(error)) {
            StoreError::Failed(what) => StoreError::Failed(format!("migration {version}: {what}")),
            other => other,
        },
        other => StoreError::Failed(other.to_string()),
    }
}

/// The database's own complaint within a failed migration.
pub(super) fn complaint(error: &MigrateError) -> Option<&dyn DatabaseError> {
    match error {
        MigrateError::Execute(error) | MigrateError::ExecuteMigration(error, _) => error.as_database_error(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_has_its_remedy() {
        for (code, expected) in [
            ("40001", Remedy::Again("40001".into())),
            ("40P01", Remedy::Again("40P01".into())),
            // SQLITE_BUSY_SNAPSHOT; _IOERR_WRITE, _FSYNC and _SHMSIZE, as a full disk may say; _CONSTRAINT_UNIQUE
            ("517", Remedy::Again("5".into())),
            ("778", Remedy::Wait),
            ("1034", Remedy::Wait),
            ("4874", Remedy::Wait),
            ("13", Remedy::Wait),
            ("2067", Remedy::GiveUp),
            ("40003", Remedy::Reconnect),
            ("57P01", Remedy::Reconnect),
            ("08006", Remedy::Reconnect),
            ("25P03", Remedy::Reconnect),
            ("57P05", Remedy::Reconnect),
            ("55P03", Remedy::Wait),
            ("58C00", Remedy::Wait),
            ("58C01", Remedy::Wait),
            ("57014", Remedy::Wait),
            ("53300", Remedy::Wait),
            ("28P01", Remedy::Wait),
            ("23505", Remedy::GiveUp),
            ("42P01", Remedy::GiveUp),
            ("", Remedy::GiveUp),
        ] {
            assert_eq!(by_code(&plain(code.into())), expected, "{code}");
        }
    }
}
