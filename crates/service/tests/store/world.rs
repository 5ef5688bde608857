//! A database for one test.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use futures::FutureExt;
use monte_carlo_service::store::{Isolation, SqlStore, Store, StoreOptions, open};
use sqlx::postgres::PgConnection;
use sqlx::sqlite::SqliteConnection;
use sqlx::{AssertSqlSafe, Connection, Executor, Row};
use uuid::Uuid;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Sqlite,
    ReadCommitted,
    Serializable,
    /// Opt-in: `./test store` switches it on where `TEST_COCKROACH_URL` names a server.
    #[cfg(feature = "cockroach-tests")]
    Cockroach,
}

/// A database of its own, with a store that is migrated.
pub(crate) struct World {
    pub(crate) kind: Kind,
    pub(crate) store: Arc<SqlStore>,
    pub(crate) url: String,
    folder: Option<tempfile::TempDir>,
}

/// The server that a variable of `./test` names.
#[expect(clippy::disallowed_methods, reason = "the edge of the tests")]
pub(crate) fn server(variable: &str) -> String {
    let named = std::env::var(variable).ok().filter(|value| !value.is_empty());
    named.unwrap_or_else(|| panic!("{variable} names no server; run ./test store"))
}

impl World {
    /// A migrated database.
    pub(crate) async fn new(kind: Kind) -> Self {
        let world = Self::empty(kind).await;
        world.store.migrate().await.expect("migrates");
        world
    }

    /// A database without our schema.
    pub(crate) async fn empty(kind: Kind) -> Self {
        let (url, folder) = match kind {
            Kind::Sqlite => {
                let folder = tempfile::tempdir().expect("a folder");
                (format!("sqlite:{}", folder.path().join("deep/er/jobs.db").display()), Some(folder))
            }
            Kind::ReadCommitted | Kind::Serializable => {
                (new_database(&server("TEST_DATABASE_URL")).await, None)
            }
            #[cfg(feature = "cockroach-tests")]
            Kind::Cockroach => (new_database(&server("TEST_COCKROACH_URL")).await, None),
        };
        let store = Arc::new(open(&url, &options(kind)).expect("a URL that we understand"));
        Self { kind, store, url, folder }
    }

    /// Another process's store on this database.
    pub(crate) fn another_store(&self) -> Arc<SqlStore> {
        Arc::new(open(&self.url, &options(self.kind)).expect("a URL that we understand"))
    }

    /// Runs a test and drops its database, however the test ends.
    pub(crate) async fn see(&self, scenario: impl Future<Output = ()>) {
        let outcome = AssertUnwindSafe(scenario).catch_unwind().await;
        self.drop_database().await;
        if let Err(panic) = outcome {
            std::panic::resume_unwind(panic);
        }
    }

    pub(crate) async fn drop_database(&self) {
        if self.folder.is_none() {
            let (server, name) = self.url.rsplit_once('/').expect("our own URL");
            let suffix = match self.kind {
                #[cfg(feature = "cockroach-tests")]
                Kind::Cockroach => "CASCADE",
                _ => "WITH (FORCE)",
            };
            on_server(&format!("{server}/postgres"), &format!("DROP DATABASE {name} {suffix}")).await;
        }
    }

    /// Runs a statement behind the store's back.
    pub(crate) async fn execute(&self, sql: &str) {
        let sql = AssertSqlSafe(sql.to_owned());
        if self.kind == Kind::Sqlite {
            self.sqlite().await.execute(sql).await.expect("a statement of the test");
        } else {
            self.postgres().await.execute(sql).await.expect("a statement of the test");
        }
    }

    /// The one number that a query answers.
    pub(crate) async fn number(&self, sql: &str) -> i64 {
        let sql = AssertSqlSafe(sql.to_owned());
        if self.kind == Kind::Sqlite {
            self.sqlite().await.fetch_one(sql).await.expect("a query of the test").get(0)
        } else {
            self.postgres().await.fetch_one(sql).await.expect("a query of the test").get(0)
        }
    }

    /// Lets time pass, as the jobs and messages see it.
    pub(crate) async fn pass_ms(&self, ms: i64) {
        self.execute(&format!(
            "UPDATE simulation_jobs SET run_after_ms = run_after_ms - {ms}, created_at_ms = created_at_ms - {ms},
             lease_expires_ms = lease_expires_ms - {ms}, deadline_at_ms = deadline_at_ms - {ms},
             started_at_ms = started_at_ms - {ms}, completed_at_ms = completed_at_ms - {ms}"
        ))
        .await;
        self.execute(&format!("UPDATE daily_runs SET lease_expires_ms = lease_expires_ms - {ms}")).await;
        self.execute(&format!("UPDATE outbox SET leased_until_ms = leased_until_ms - {ms}")).await;
    }

    async fn sqlite(&self) -> SqliteConnection {
        SqliteConnection::connect(&self.url).await.expect("the test's file")
    }

    pub(crate) async fn postgres(&self) -> PgConnection {
        PgConnection::connect(&self.url).await.expect("the test's database")
    }
}

fn options(kind: Kind) -> StoreOptions {
    let isolation = match kind {
        Kind::Serializable => Isolation::Serializable,
        #[cfg(feature = "cockroach-tests")]
        Kind::Cockroach => Isolation::Serializable,
        Kind::ReadCommitted | Kind::Sqlite => Isolation::ReadCommitted,
    };
    StoreOptions { isolation, connections_max: 8, ..StoreOptions::default() }
}

async fn new_database(server: &str) -> String {
    let name = format!("store_{}", Uuid::new_v4().simple());
    on_server(server, &format!("CREATE DATABASE {name}")).await;
    let (server, _) = server.rsplit_once('/').expect("a URL with a database");
    format!("{server}/{name}")
}

async fn on_server(url: &str, sql: &str) {
    let mut connection = PgConnection::connect(url).await.expect("the test's server");
    connection.execute(AssertSqlSafe(sql.to_owned())).await.expect("a statement of the test");
}
