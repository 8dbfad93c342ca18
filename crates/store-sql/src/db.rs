//! Connections and transactions of either database.

use sqlx::{SqlitePool, SqliteTransaction};
use store::StoreError;

use crate::{
    commit_signals::CommitSignals,
    error::failed,
    postgres::connections::{PostgresPool, PostgresTx},
    query::Query,
};

/// The isolation of a transaction. On SQLite a writing transaction excludes all others from its start.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Isolation {
    /// For a transaction that locks the rows on which its decision depends.
    ReadCommitted,
    /// For a transaction whose decision depends on the absence of rows, which can't be locked.
    Serializable,
    /// For several reads of one snapshot.
    Snapshot,
}

/// A connection pool.
#[derive(Debug, Clone)]
pub(crate) enum Pool {
    Sqlite(SqlitePool),
    Postgres(PostgresPool),
}

impl Pool {
    pub(crate) async fn begin(
        &self,
        isolation: Isolation,
        written: &CommitSignals,
    ) -> Result<Tx, StoreError> {
        let on = match self {
            Self::Sqlite(pool) => {
                let begin = match isolation {
                    Isolation::ReadCommitted | Isolation::Serializable => "BEGIN IMMEDIATE",
                    Isolation::Snapshot => "BEGIN",
                };
                pool.begin_with(begin).await.map(TxOn::Sqlite)
            }
            Self::Postgres(pool) => pool.begin(isolation).await.map(TxOn::Postgres),
        };
        let written = written.clone();
        Ok(Tx { on: on.map_err(failed)?, written, has_event: false, has_meeting_change: false })
    }

    /// Adds the condition that the labels in a JSON column contain this one.
    pub(crate) fn push_label(&self, query: &mut Query, column: &str, key: &str, value: &str) {
        match self {
            // SQLite's `->>` reads some keys as a path.
            Self::Sqlite(_) => {
                query.push(" AND EXISTS (SELECT 1 FROM json_each(").push(column);
                query.push(") label WHERE label.key = ").push_bind(key);
                query.push(" AND label.value = ").push_bind(value).push(")");
            }
            Self::Postgres(_) => {
                query.push(" AND ").push(column).push(" ->> ").push_bind(key).push(" = ").push_bind(value);
            }
        }
    }

    /// How many connections are in use, and how many are open.
    pub(crate) fn lent_and_open(&self) -> (u32, u32) {
        let (open, idle) = match self {
            Self::Sqlite(pool) => (pool.size(), pool.num_idle()),
            Self::Postgres(pool) => pool.open_and_idle(),
        };
        (open.saturating_sub(u32::try_from(idle).unwrap_or(u32::MAX)), open)
    }

    /// Closes the connections. Later calls fail.
    pub(crate) async fn close(&self) {
        match self {
            Self::Sqlite(pool) => pool.close().await,
            Self::Postgres(pool) => pool.close().await,
        }
    }
}

/// A transaction. Dropping it rolls it back. It records whether it has written rows that tasks wait for, and wakes these
/// tasks after the commit.
pub(crate) struct Tx {
    pub(crate) on: TxOn,
    written: CommitSignals,
    has_event: bool,
    has_meeting_change: bool,
}

/// The database's own transaction.
pub(crate) enum TxOn {
    Sqlite(SqliteTransaction<'static>),
    Postgres(PostgresTx),
}

impl Tx {
    /// Records that it has written an event.
    pub(crate) const fn mark_event_written(&mut self) {
        self.has_event = true;
    }

    /// Records that it has made a real-time endpoint due.
    pub(crate) const fn mark_meeting_written(&mut self) {
        self.has_meeting_change = true;
    }

    pub(crate) async fn commit(self) -> Result<(), StoreError> {
        match self.on {
            TxOn::Sqlite(transaction) => transaction.commit().await,
            TxOn::Postgres(transaction) => transaction.commit().await,
        }
        .map_err(failed)?;
        self.written.wake(self.has_event, self.has_meeting_change);
        Ok(())
    }
}

/// Where a statement runs: on its own, or in a transaction.
pub(crate) enum Target<'t> {
    Pool(&'t Pool),
    Tx(&'t mut Tx),
}

impl<'t> From<&'t Pool> for Target<'t> {
    fn from(pool: &'t Pool) -> Self {
        Self::Pool(pool)
    }
}

impl<'t> From<&'t mut Tx> for Target<'t> {
    fn from(tx: &'t mut Tx) -> Self {
        Self::Tx(tx)
    }
}
