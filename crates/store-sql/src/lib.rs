//! The store on two databases: SQLite in one file, for one server, and PostgreSQL 15 or later, for any number of replicas.
//!
//! The statements are written once, in `statements`, in PostgreSQL's dialect. `query` runs a statement with its values on
//! either database, `db` has the connection pools and transactions, `row` reads rows by column name. What differs has a
//! module for each database: opening, migrating, copying, and on SQLite the translation of statements
//! (`sqlite::translated`).
//!
//! Only rows decide which server may write. A server that dies or stalls leaves only a lease, which expires.
//!
//! - A change that depends on one row is one statement with its condition: the second of two concurrent ones waits for
//!   the first, evaluates the condition again, and changes nothing.
//! - A change that has to read first locks the rows it reads with `FOR UPDATE`. Due bots are read with `SKIP LOCKED`, so
//!   that supervisors share the work. SQLite has one writer, which locks the whole database.
//! - PostgreSQL may roll a transaction back because of a conflict. The store then repeats it a few times.
//!
//! Statements name their columns: a migration that widens a `*` would break the prepared statements of running servers.

mod commit_signals;
mod db;
mod error;
mod migrations;
mod page;
pub mod postgres;
mod query;
mod row;
pub mod sqlite;
mod statements;

use std::sync::Arc;

use model::{Environment, chain};
use store::{StoreError, StoreObserver};

use commit_signals::CommitSignals;
use db::{Isolation, Pool, Tx};
use query::query;
use statements::NotedSubjects;

/// How often a transaction is tried before its conflict is returned to the caller.
const ATTEMPTS: u32 = 8;

/// The store. Cheap to share behind an `Arc`. [`sqlite::open`] and [`postgres::open`] create one.
#[derive(Debug)]
pub struct SqlStore {
    /// On PostgreSQL the same as `writer`.
    readers: Pool,
    writer: Pool,
    /// Connections that only the audit uses: a token waits for its record, which must not wait for a free
    /// connection.
    audit: Pool,
    noted: NotedSubjects,
    observer: Option<(Arc<dyn StoreObserver>, Environment)>,
    written: CommitSignals,
}

impl SqlStore {
    /// The database's name and version, for people.
    pub async fn version(&self) -> Result<String, StoreError> {
        let (name, sql) = if self.is_sqlite() {
            ("SQLite", "-- version\nSELECT sqlite_version() AS version")
        } else {
            ("PostgreSQL", "-- version\nSELECT current_setting('server_version') AS version")
        };
        let rows = query(sql).fetch_all(&self.readers).await?;
        let version = rows.first().map(|row| row.of("version").text("version")).transpose()?;
        Ok(format!("{name} {}", version.unwrap_or_default()))
    }

    /// Whether it is one file with this process as its only writer.
    pub const fn is_sqlite(&self) -> bool {
        matches!(self.writer, Pool::Sqlite(_))
    }

    /// The same, with an observer that measures its transactions and connections.
    #[must_use]
    pub fn observed_by(self, observer: Arc<dyn StoreObserver>, env: Environment) -> Self {
        Self { observer: Some((observer, env)), ..self }
    }

    /// Closes the connections. Later calls fail.
    pub async fn close(&self) {
        self.readers.close().await;
        if let Pool::Sqlite(writer) = &self.writer {
            // Changes that are still in the WAL are replayed by the next start.
            drop(sqlite::checkpoint(writer).await);
        }
        self.writer.close().await;
        self.audit.close().await;
    }

    async fn begin(&self, isolation: Isolation) -> Result<Tx, StoreError> {
        let pool = match isolation {
            Isolation::Snapshot => &self.readers,
            Isolation::ReadCommitted | Isolation::Serializable => &self.writer,
        };
        pool.begin(isolation, &self.written).await
    }

    /// Runs `body` in a transaction, and again in a new one after PostgreSQL rolled it back because of a
    /// deadlock or a serialization failure. A body may run several times, so it touches nothing but its
    /// transaction and commits last.
    #[tracing::instrument(level = "debug", skip_all, fields(name))]
    async fn transaction<T, Body>(
        &self,
        name: &'static str,
        isolation: Isolation,
        body: impl Fn(Tx) -> Body,
    ) -> Result<T, StoreError>
    where
        Body: Future<Output = Result<T, StoreError>>,
    {
        let begun = self.observer.as_ref().map(|(_, env)| env.now());
        let mut attempt = 1;
        let done = loop {
            let tx = match self.begin(isolation).await {
                Ok(tx) => tx,
                Err(error) => break Err(error),
            };
            match body(tx).await {
                Err(error) if attempt < ATTEMPTS && postgres::collided(&error) => {
                    tracing::debug!(name, attempt, error = %chain(&error), "a transaction had a conflict and is repeated");
                    if let Some((observer, _)) = &self.observer {
                        observer.collision(name);
                    }
                    attempt += 1;
                }
                done => break done,
            }
        };
        if let (Some((observer, env)), Some(begun)) = (&self.observer, begun) {
            observer.transaction(name, env.now().since(begun), done.is_ok());
            for (pool, connections) in
                [("readers", &self.readers), ("writer", &self.writer), ("audit", &self.audit)]
            {
                let (lent, open) = connections.lent_and_open();
                observer.connections(pool, lent, open);
            }
        }
        done
    }
}
