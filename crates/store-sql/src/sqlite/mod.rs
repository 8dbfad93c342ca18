//! SQLite, in one file.
//!
//! One connection writes, in `BEGIN IMMEDIATE` transactions, so writers queue here instead of getting
//! `SQLITE_BUSY`. Readers have their own pool and never wait for the writer (WAL). With `synchronous = FULL`, a
//! committed change survives a power failure.

mod copy;
#[cfg(test)]
mod ended_transactions;
pub(crate) mod migrations;

use std::{borrow::Cow, path::Path, time::Duration};

use sqlx::{
    ConnectOptions as _, Connection as _, SqlitePool,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
};

use crate::{SqlStore, commit_signals::CommitSignals, db::Pool, statements::NotedSubjects};

pub use copy::{copy_target, snapshot};
pub use migrations::OpenError;

/// Opens the database at `path`, creates it if it is missing, and migrates it.
pub async fn open(path: &Path) -> Result<SqlStore, OpenError> {
    let options = SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .foreign_keys(true)
        // Erased data is overwritten, so that the tokens of a tombstone don't stay in free pages.
        .pragma("secure_delete", "ON")
        .busy_timeout(Duration::from_secs(5))
        .disable_statement_logging();
    let unusable = |cause| OpenError::Unusable { path: path.to_owned(), cause };
    let writer = pool(1).connect_with(options.clone()).await.map_err(unusable)?;
    migrations::run(&writer, path).await?;
    let readers =
        pool(4).connect_with(options.read_only(true).create_if_missing(false)).await.map_err(unusable)?;
    let writer = Pool::Sqlite(writer);
    Ok(SqlStore {
        readers: Pool::Sqlite(readers),
        audit: writer.clone(),
        writer,
        noted: NotedSubjects::default(),
        observer: None,
        written: CommitSignals::default(),
    })
}

/// Checks that the schema of the file at `path` is this version's. Changes nothing.
pub async fn check(path: &Path) -> Result<(), OpenError> {
    let options = SqliteConnectOptions::new().filename(path).read_only(true).disable_statement_logging();
    let unusable = |cause| OpenError::Unusable { path: path.to_owned(), cause };
    let mut db = options.connect().await.map_err(unusable)?;
    let checked = migrations::check(&mut db, path).await;
    drop(db.close().await);
    checked
}

/// A pool that reuses a connection only if the driver and SQLite agree that no transaction is open on it.
///
/// SQLite rolls back by itself when the disk is full, I/O fails or memory runs out
/// (<https://www.sqlite.org/lang_transaction.html>, "Response To Errors Within A Transaction"). The driver
/// doesn't notice: its ROLLBACK or COMMIT fails, it assumes that the transaction is still open, and it
/// refuses to begin another. Such a connection is closed, and the next caller gets a new one.
fn pool(connections: u32) -> SqlitePoolOptions {
    SqlitePoolOptions::new()
        .max_connections(connections)
        // A file does not disconnect, and a test before each use would double the round trips.
        .test_before_acquire(false)
        .after_release(|connection, _| {
            Box::pin(async move {
                // Waits for the ROLLBACK of a dropped transaction, which is in the connection's queue.
                connection.ping().await?;
                let is_settled = !connection.is_in_transaction();
                if !is_settled {
                    tracing::warn!(
                        "SQLite has rolled back a transaction by itself, so its connection is closed"
                    );
                }
                Ok(is_settled)
            })
        })
}

/// Moves the write-ahead log into the file. If a reader prevents that, the log stays and the next start uses
/// it.
pub(crate) async fn checkpoint(writer: &SqlitePool) -> Result<(), sqlx::Error> {
    sqlx::query("-- checkpoint\nPRAGMA wal_checkpoint(TRUNCATE)").execute(writer).await.map(drop)
}

/// Keywords of PostgreSQL and their equivalents in SQLite.
///
/// A writer locks SQLite's whole database, so row locks are not needed. `max` and `min` are NULL when an
/// argument is NULL, while `greatest` and `least` ignore it; our statements pass no NULL.
const WORDS: [(&str, &str); 8] = [
    ("FOR UPDATE OF bots SKIP LOCKED", ""),
    ("FOR UPDATE OF webhook_endpoints SKIP LOCKED", ""),
    ("FOR UPDATE OF realtime_endpoints SKIP LOCKED", ""),
    ("FOR UPDATE SKIP LOCKED", ""),
    ("FOR UPDATE", ""),
    ("FOR NO KEY UPDATE", ""),
    ("greatest(", "max("),
    ("least(", "min("),
];

/// Comparisons with an array, which is a JSON list in SQLite.
const AMONG: [(&str, &str); 2] = [("= ANY(", "IN"), ("<> ALL(", "NOT IN")];

/// Translates a statement to SQLite's dialect.
pub(crate) fn translated(mut sql: Cow<'static, str>) -> Cow<'static, str> {
    for (word, here) in WORDS {
        if sql.contains(word) {
            sql = sql.replace(word, here).into();
        }
    }
    for (array, among) in AMONG {
        while let Some((before, after)) = sql.split_once(array) {
            let (parameter, after) = after.split_once(')').expect("a statement of this crate's own");
            sql = format!("{before}{among} (SELECT value FROM json_each({parameter})){after}").into();
        }
    }
    sql
}

#[cfg(test)]
mod tests {
    use super::translated;

    #[test]
    fn a_statement_is_translated() {
        let sql = "SELECT 1 FROM bots WHERE id = ANY($1) AND x = greatest(x, $2) FOR UPDATE SKIP LOCKED";
        let here = "SELECT 1 FROM bots WHERE id IN (SELECT value FROM json_each($1)) AND x = max(x, $2) ";
        assert_eq!(translated(sql.into()), here);
    }
}
