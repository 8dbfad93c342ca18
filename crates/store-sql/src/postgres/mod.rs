//! PostgreSQL 15 or later, for any number of replicas, directly or through a pooler that shares connections.

mod address;
pub(crate) mod connections;
mod copy;
mod migrations;
mod open;

use sqlx::{Connection as _, error::DatabaseError};
use store::StoreError;

use crate::{
    SqlStore, commit_signals::CommitSignals, db::Pool, error::database_error, statements::NotedSubjects,
};
use connections::PostgresPool;

pub use address::Address;
pub use copy::{copy_target, snapshot};
pub use migrations::Migrated;
pub use open::OpenError;

/// Connections of one process. A call uses one for a few milliseconds, so a few are enough.
const CONNECTIONS: u32 = 8;
/// Further connections for the audit. It writes one batch after the other, so it uses one unless that hangs.
/// Reusing the same one keeps the backend's caches warm, which gives a tenth more reads with a strict audit.
const AUDIT_CONNECTIONS: u32 = 4;

/// Connects to a database that has this version's schema.
pub async fn open(address: &Address) -> Result<SqlStore, OpenError> {
    let mut first = open::connect(address).await?;
    migrations::check(&mut first, address).await?;
    let is_shared = open::is_shared(&mut first, address).await?;
    if is_shared {
        tracing::info!("a pooler shares the connections to PostgreSQL among transactions");
    }
    // An error while closing doesn't matter; the pools open their own connections.
    drop(first.close().await);
    let pool = |connections| Pool::Postgres(PostgresPool::new(address.options(), connections, is_shared));
    let readers = pool(CONNECTIONS);
    Ok(SqlStore {
        writer: readers.clone(),
        readers,
        audit: pool(AUDIT_CONNECTIONS),
        noted: NotedSubjects::default(),
        observer: None,
        written: CommitSignals::default(),
    })
}

/// Migrates the database. Servers may be running.
pub async fn migrate(address: &Address) -> Result<Migrated, OpenError> {
    migrations::run(address).await
}

/// Whether PostgreSQL rolled the transaction back because of a conflict, so that a repetition may succeed.
pub(crate) fn collided(error: &StoreError) -> bool {
    const SERIALIZATION_FAILURE: &str = "40001";
    const DEADLOCK_DETECTED: &str = "40P01";
    let code = database_error(error).and_then(DatabaseError::code);
    code.is_some_and(|code| [SERIALIZATION_FAILURE, DEADLOCK_DETECTED].contains(&&*code))
}
