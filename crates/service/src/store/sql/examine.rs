//! How the database itself is: for `doctor`, not for work.

use std::time::Duration;

use sqlx::{ConnectOptions as _, Connection as _};

use super::arg::args;
use super::fault::{Fault, is_missing_table};
use super::migrate;
use super::session::{Pools, Scope, Session};
use super::work::{Runner, Work};
use crate::store::{Examination, StoreError};

/// Longest wait for the connection that shows why there is none.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);

const SELECT_SERVER: &str = "SELECT {version} AS server, {now} AS now_ms";

const SELECT_MIGRATIONS: &str = "SELECT version FROM _sqlx_migrations WHERE success";

/// Nothing is written, but a user without the right to write, or a server that only reads, refuses it.
const WRITE_NOTHING: [&str; 7] = [
    "INSERT INTO simulation_jobs SELECT * FROM simulation_jobs WHERE false",
    "UPDATE simulation_jobs SET progress = progress WHERE false",
    "DELETE FROM simulation_jobs WHERE false",
    "INSERT INTO simulation_inputs SELECT * FROM simulation_inputs WHERE false",
    "INSERT INTO simulation_results SELECT * FROM simulation_results WHERE false",
    "INSERT INTO outbox SELECT * FROM outbox WHERE false",
    "UPDATE outbox SET leased_until_ms = leased_until_ms WHERE false",
];

impl Runner {
    /// Looks at the database; an absent one is told by its cause.
    pub(super) async fn examine(&self) -> Result<Examination, StoreError> {
        let Server { version, now_ms } = match self.perform(&ExamineServer).await {
            Err(StoreError::Unavailable(symptom)) => {
                return Err(StoreError::Unavailable(self.cause().await.unwrap_or(symptom)));
            }
            answer => answer?,
        };
        let missing_migrations = self.perform(&MissingMigrations).await?;
        let refusal = match missing_migrations.is_empty() {
            true => self.perform(&WriteNothing).await.err().map(|error| error.to_string()),
            false => None,
        };
        Ok(Examination { version, now_ms, missing_migrations, refusal })
    }

    /// A pool only says that it got no connection in time; one that is opened by hand says why.
    async fn cause(&self) -> Option<String> {
        let Pools::Postgres { pool, .. } = &self.pools else { return None };
        let options = pool.connect_options();
        match tokio::time::timeout(CONNECT_TIMEOUT, options.connect()).await {
            Ok(Ok(connection)) => {
                let _ = connection.close().await;
                None
            }
            Ok(Err(error)) => Some(error.to_string()),
            Err(_) => Some(format!("no answer within {} s", CONNECT_TIMEOUT.as_secs())),
        }
    }
}

struct Server {
    version: String,
    now_ms: i64,
}

struct ExamineServer;

impl Work for ExamineServer {
    type Answer = Server;
    const OPERATION: &'static str = "examine_server";
    const SCOPE: Scope = Scope::Read;
    const REPEATABLE: bool = true;

    async fn run(&self, session: &mut Session) -> Result<Server, Fault> {
        let answer = session.run(SELECT_SERVER, args![]).await?;
        let row = answer.rows.first().ok_or_else(|| Fault::Corrupt("no version".to_owned()))?;
        Ok(Server { version: row.get("server")?, now_ms: row.get("now_ms")? })
    }
}

/// The migrations that are missing.
pub(super) struct MissingMigrations;

impl Work for MissingMigrations {
    type Answer = Vec<i64>;
    const OPERATION: &'static str = "missing_migrations";
    const SCOPE: Scope = Scope::Read;
    const REPEATABLE: bool = true;

    async fn run(&self, session: &mut Session) -> Result<Vec<i64>, Fault> {
        let applied = match session.run(SELECT_MIGRATIONS, args![]).await {
            Ok(answer) => answer.rows,
            Err(error) if is_missing_table(&error) => Vec::new(),
            Err(error) => return Err(error.into()),
        };
        let applied = applied.iter().map(|row| row.get("version")).collect::<Result<Vec<i64>, _>>()?;
        Ok(migrate::versions().filter(|version| !applied.contains(version)).collect())
    }
}

struct WriteNothing;

impl Work for WriteNothing {
    type Answer = ();
    const OPERATION: &'static str = "write_nothing";
    const SCOPE: Scope = Scope::Transaction;
    const REPEATABLE: bool = true;

    async fn run(&self, session: &mut Session) -> Result<(), Fault> {
        for statement in WRITE_NOTHING {
            session.run(statement, args![]).await?;
        }
        Ok(())
    }
}
