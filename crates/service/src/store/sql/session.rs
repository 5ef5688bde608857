//! One connection at work, inside a transaction or not, whichever database it belongs to.

use std::sync::Arc;

use futures::TryStreamExt;
use sqlx::pool::PoolConnection;
use sqlx::postgres::PgRow;
use sqlx::sqlite::SqliteRow;
use sqlx::{
    AssertSqlSafe, Decode, Either, Error, Executor, PgPool, Postgres, Row as _, Sqlite, SqlitePool, Type,
};

use super::arg::{self, Arg};
use super::dialect::Dialect;
use super::trust::Trust;

/// What an operation needs of its connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Scope {
    /// Statements that change nothing.
    Read,
    /// One statement that changes something; it is its own transaction.
    Statement,
    /// Several statements, all or nothing.
    Transaction,
}

/// The connections of one database.
#[derive(Debug)]
pub(in crate::store) enum Pools {
    Postgres {
        pool: PgPool,
        trust: Arc<Trust>,
    },
    Sqlite {
        /// One connection: SQLite has one writer at a time, and waiting here is fair, at the file it is not.
        writer: SqlitePool,
        readers: SqlitePool,
    },
}

impl Pools {
    pub(super) async fn session(&self, scope: Scope) -> Result<Session, Error> {
        Ok(match (self, scope) {
            (Self::Postgres { pool, .. }, Scope::Transaction) => {
                Session::PostgresTransaction(pool.begin().await?)
            }
            (Self::Postgres { pool, .. }, _) => Session::Postgres(pool.acquire().await?),
            (Self::Sqlite { readers, .. }, Scope::Read) => Session::Sqlite(readers.acquire().await?),
            // IMMEDIATE: a transaction that begins as a reader cannot always become a writer.
            (Self::Sqlite { writer, .. }, _) => {
                Session::SqliteTransaction(writer.begin_with("BEGIN IMMEDIATE").await?)
            }
        })
    }

    /// A connection broke.
    pub(super) fn shake(&self) {
        if let Self::Postgres { trust, .. } = self {
            trust.shake();
        }
    }
}

/// One connection at work.
pub(super) enum Session {
    Postgres(PoolConnection<Postgres>),
    PostgresTransaction(sqlx::Transaction<'static, Postgres>),
    Sqlite(PoolConnection<Sqlite>),
    SqliteTransaction(sqlx::Transaction<'static, Sqlite>),
}

/// What a statement answered.
#[derive(Default)]
pub(super) struct Answer {
    pub(super) rows: Vec<Row>,
    /// Rows inserted, updated or deleted.
    pub(super) affected: u64,
}

impl Session {
    pub(super) fn dialect(&self) -> Dialect {
        match self {
            Self::Postgres(_) | Self::PostgresTransaction(_) => Dialect::Postgres,
            Self::Sqlite(_) | Self::SqliteTransaction(_) => Dialect::Sqlite,
        }
    }

    /// Runs one statement.
    pub(super) async fn run(&mut self, template: &str, args: Vec<Arg<'_>>) -> Result<Answer, Error> {
        let sql = self.dialect().render(template);
        let mut answer = Answer::default();
        self.perform(sql, None, &args, &mut answer).await?;
        Ok(answer)
    }

    /// Runs one statement over many rows: at once where the database takes arrays, row by row in SQLite, which
    /// lives in this process. `{rows ..}` stands for them; `scalars` are numbered after its columns.
    pub(super) async fn each(
        &mut self,
        template: &str,
        rows: &[Vec<Arg<'_>>],
        scalars: &[Arg<'_>],
    ) -> Result<Answer, Error> {
        let mut answer = Answer::default();
        if rows.is_empty() {
            return Ok(answer);
        }
        let sql = self.dialect().render(template);
        match self.dialect() {
            Dialect::Postgres => self.perform(sql, Some(rows), scalars, &mut answer).await?,
            Dialect::Sqlite => {
                for row in rows {
                    let args = [row, scalars].concat();
                    self.perform(sql.clone(), None, &args, &mut answer).await?;
                }
            }
        }
        Ok(answer)
    }

    async fn perform(
        &mut self,
        sql: String,
        rows: Option<&[Vec<Arg<'_>>]>,
        args: &[Arg<'_>],
        answer: &mut Answer,
    ) -> Result<(), Error> {
        // Our own templates, filled in by `Dialect::render`; values are always bound.
        let sql = AssertSqlSafe(sql);
        let postgres = || match rows {
            Some(rows) => arg::postgres_arrays(rows, args),
            None => arg::postgres(args),
        };
        macro_rules! collect {
            ($connection:expr, $args:expr, $kind:path) => {{
                let query = sqlx::query_with(sql, $args.map_err(Error::Encode)?);
                let mut stream = (&mut **$connection).fetch_many(query);
                while let Some(item) = stream.try_next().await? {
                    match item {
                        Either::Left(done) => answer.affected += done.rows_affected(),
                        Either::Right(row) => answer.rows.push($kind(row)),
                    }
                }
            }};
        }
        match self {
            Self::Postgres(connection) => collect!(connection, postgres(), Row::Postgres),
            Self::PostgresTransaction(connection) => collect!(connection, postgres(), Row::Postgres),
            Self::Sqlite(connection) => collect!(connection, arg::sqlite(args), Row::Sqlite),
            Self::SqliteTransaction(connection) => collect!(connection, arg::sqlite(args), Row::Sqlite),
        }
        Ok(())
    }

    /// Makes it so. A session that is dropped instead leaves nothing behind.
    pub(super) async fn commit(self) -> Result<(), Error> {
        match self {
            Self::PostgresTransaction(transaction) => transaction.commit().await,
            Self::SqliteTransaction(transaction) => transaction.commit().await,
            Self::Postgres(_) | Self::Sqlite(_) => Ok(()),
        }
    }
}

/// One row of an answer.
pub(super) enum Row {
    Postgres(PgRow),
    Sqlite(SqliteRow),
}

impl Row {
    /// The value of a column.
    pub(super) fn get<T>(&self, column: &str) -> Result<T, Error>
    where
        T: for<'r> Decode<'r, Postgres> + Type<Postgres> + for<'r> Decode<'r, Sqlite> + Type<Sqlite>,
    {
        match self {
            Self::Postgres(row) => row.try_get(column),
            Self::Sqlite(row) => row.try_get(column),
        }
    }
}
