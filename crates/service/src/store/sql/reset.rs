//! Away with the schema and all that is in it: for development.

use super::SqlStore;
use super::arg::args;
use super::fault::Fault;
use super::migrate;
use super::session::{Scope, Session};
use super::work::Work;
use crate::store::{Store as _, StoreError};

/// Where the driver notes what was migrated.
const NOTES: &str = "_sqlx_migrations";

impl SqlStore {
    /// Drops our tables, with every job, and makes them anew. Other tables of the database stay.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] where somebody else holds a table for longer than a statement may wait.
    pub async fn reset(&self) -> Result<(), StoreError> {
        self.runner.perform(&DropTables).await?;
        self.migrate().await
    }
}

struct DropTables;

impl Work for DropTables {
    type Answer = ();
    const OPERATION: &'static str = "drop_tables";
    const SCOPE: Scope = Scope::Statement;
    const REPEATABLE: bool = true;

    /// The notes go first: broken off after that, a migration finds what is left and makes what is not there.
    async fn run(&self, session: &mut Session) -> Result<(), Fault> {
        for table in std::iter::once(NOTES).chain(migrate::tables()) {
            session.run(&format!("DROP TABLE IF EXISTS {table}"), args![]).await?;
        }
        Ok(())
    }
}
