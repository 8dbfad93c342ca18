//! The embedded store: SQLite, in one file.
//!
//! One connection writes, in `BEGIN IMMEDIATE` transactions, so writers queue here instead of meeting `SQLITE_BUSY`;
//! readers have a pool of their own and never wait for the writer (WAL). `synchronous = FULL`: what was answered
//! survives a power cut.

mod access;
mod apps;
mod audit;
mod bots;
mod census;
mod connect;
mod copy;
mod credentials;
#[cfg(test)]
mod ended_transactions;
mod idempotency;
mod inbox;
mod limits;
mod links;
mod log;
mod meetings;
mod migrations;
mod page;
mod parked;
mod pools;
mod probe;
mod row;
mod sealed_cells;
mod used_ids;

use std::{path::Path, time::Duration};

use sqlx::{
    ConnectOptions, Connection as _, SqlitePool, SqliteTransaction,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
};
use store::StoreError;

pub use migrations::OpenError;

/// The store. Cheap to share behind an `Arc`.
#[derive(Debug)]
pub struct SqliteStore {
    readers: SqlitePool,
    writer: SqlitePool,
}

impl SqliteStore {
    /// Opens the database at `path`, makes it if it is not there, and brings its schema up to date.
    pub async fn open(path: &Path) -> Result<Self, OpenError> {
        let options = SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .foreign_keys(true)
            // What is erased is overwritten: a tombstone's tokens are not to be found in the file's gaps.
            .pragma("secure_delete", "ON")
            .busy_timeout(Duration::from_secs(5))
            .disable_statement_logging();
        let unusable = |cause| OpenError::Unusable { path: path.to_owned(), cause };
        let writer = pool(1).connect_with(options.clone()).await.map_err(unusable)?;
        migrations::run(&writer, path).await?;
        let readers =
            pool(4).connect_with(options.read_only(true).create_if_missing(false)).await.map_err(unusable)?;
        Ok(Self { readers, writer })
    }

    /// Closes the files. What follows on this store fails.
    pub async fn close(&self) {
        self.readers.close().await;
        // Into the one file: the last connection to go would do it, but not if that is a reader's, given back late.
        let checkpoint = sqlx::query("-- close\nPRAGMA wal_checkpoint(TRUNCATE)").execute(&self.writer).await;
        // What is not in the one file is in the one beside it, where the next start finds it.
        drop(checkpoint);
        self.writer.close().await;
    }

    /// A transaction that holds the write lock from its first statement on: what it reads cannot change under it.
    async fn write(&self) -> Result<SqliteTransaction<'_>, StoreError> {
        self.writer.begin_with("BEGIN IMMEDIATE").await.map_err(unavailable)
    }
}

/// A pool that lends a connection again only if the driver and SQLite agree that no transaction is open on it.
///
/// SQLite ends a transaction by itself when the disk is full, cannot be read or written, or memory runs out
/// (<https://www.sqlite.org/lang_transaction.html>, "Response To Errors Within A Transaction"). The driver doesn't hear of
/// it: its ROLLBACK or COMMIT fails, it believes that the transaction is still open, and it refuses to begin another.
/// Whatever the cause was, such a connection is closed, and the next caller gets a new one.
fn pool(connections: u32) -> SqlitePoolOptions {
    SqlitePoolOptions::new()
        .max_connections(connections)
        // A file does not hang up: asking the connection first would double every statement's way.
        .test_before_acquire(false)
        .after_release(|connection, _| {
            Box::pin(async move {
                // Behind the ROLLBACK of a transaction that was dropped, which waits in the connection's queue.
                connection.ping().await?;
                let is_settled = !connection.is_in_transaction();
                if !is_settled {
                    tracing::warn!("SQLite has ended a transaction by itself: its connection is closed");
                }
                Ok(is_settled)
            })
        })
}

fn unavailable(error: sqlx::Error) -> StoreError {
    match error {
        sqlx::Error::ColumnDecode { index, source } => {
            StoreError::Corrupt { table: "sqlite", cause: format!("column {index}: {source}") }
        }
        error => StoreError::Unavailable(Box::new(error)),
    }
}

/// Like [`unavailable`], but a broken uniqueness says what exists already.
fn exists(what: &'static str) -> impl Fn(sqlx::Error) -> StoreError {
    move |error| match &error {
        sqlx::Error::Database(database) if database.is_unique_violation() => StoreError::Exists(what),
        _ => unavailable(error),
    }
}
