//! Maps errors of the driver to errors of the store.

use sqlx::{error::DatabaseError, postgres::PgDatabaseError};
use store::StoreError;

/// Classes of PostgreSQL's error codes that are not caused by the statement: connection, authorization, lost session,
/// rollback, missing database, resources, object state, operator, system, and a trigger of the operator's: our schema has none
/// (<https://www.postgresql.org/docs/current/errcodes-appendix.html>).
const POSTGRES_UNAVAILABLE: [&str; 10] = ["08", "26", "28", "3D", "40", "53", "55", "57", "58", "P0"];
/// The server is a standby, as after a failover.
const POSTGRES_READ_ONLY: &str = "25006";
/// The same for SQLite: busy, locked, out of memory, read-only, interrupted, I/O, corrupt, full, cannot open, protocol,
/// not a database (<https://www.sqlite.org/rescode.html>).
const SQLITE_UNAVAILABLE: [i32; 11] = [5, 6, 7, 8, 9, 10, 11, 13, 14, 15, 26];

/// A trigger of the operator's refuses writes; our schema has none.
const SQLITE_TRIGGER_REFUSED: i32 = 1811;

/// The error of a failed call: the database is unavailable, or it refuses the statement.
pub(crate) fn failed(error: sqlx::Error) -> StoreError {
    match error {
        sqlx::Error::ColumnDecode { .. } => StoreError::Corrupt { table: "a query", cause: error.into() },
        sqlx::Error::Database(ref said) if !is_unavailable(&**said) => StoreError::Refused(error.into()),
        sqlx::Error::Database(_)
        | sqlx::Error::Io(_)
        | sqlx::Error::Tls(_)
        | sqlx::Error::Protocol(_)
        | sqlx::Error::PoolTimedOut
        | sqlx::Error::PoolClosed
        | sqlx::Error::WorkerCrashed
        | sqlx::Error::BeginFailed => StoreError::Unavailable(error.into()),
        _ => StoreError::Refused(error.into()),
    }
}

fn is_unavailable(error: &dyn DatabaseError) -> bool {
    let code = error.code().unwrap_or_default();
    if error.try_downcast_ref::<PgDatabaseError>().is_some() {
        return code == POSTGRES_READ_ONLY
            || POSTGRES_UNAVAILABLE.iter().any(|class| code.starts_with(class));
    }
    // The low byte is the primary code.
    let is_unavailable =
        |code: i32| code == SQLITE_TRIGGER_REFUSED || SQLITE_UNAVAILABLE.contains(&(code & 0xff));
    code.parse().is_ok_and(is_unavailable)
}

/// The database's own error, if it is one.
pub(crate) fn database_error(error: &StoreError) -> Option<&dyn DatabaseError> {
    let (StoreError::Unavailable(cause) | StoreError::Refused(cause)) = error else { return None };
    cause.downcast_ref::<sqlx::Error>()?.as_database_error()
}

/// For `map_err`: turns a violated unique constraint into [`StoreError::Exists`].
pub(crate) fn exists(what: &'static str) -> impl Fn(StoreError) -> StoreError {
    move |error| match database_error(&error) {
        Some(said) if said.is_unique_violation() => StoreError::Exists(what),
        _ => error,
    }
}

#[cfg(test)]
mod tests {
    use sqlx::{Executor as _, SqlitePool};
    use store::StoreError;

    use super::failed;

    /// A retry helps if the database is temporarily read-only, but not if the statement is wrong.
    #[tokio::test]
    async fn a_wrong_statement_is_not_an_unavailable_database() {
        let db = SqlitePool::connect("sqlite::memory:").await.unwrap();
        let wrong = failed(db.execute("SELECT nothing").await.unwrap_err());
        assert!(matches!(wrong, StoreError::Refused(_)), "{wrong:?}");
        let mut db = db.acquire().await.unwrap();
        db.execute("CREATE TABLE t (x); PRAGMA query_only = 1").await.unwrap();
        let read_only = failed(db.execute("INSERT INTO t VALUES (1)").await.unwrap_err());
        assert!(matches!(read_only, StoreError::Unavailable(_)), "{read_only:?}");
    }
}
