//! The first connection, and its errors.

use std::{error::Error, time::Duration};

use sqlx::{Connection as _, Executor as _, PgConnection, Row as _, error::DatabaseError, raw_sql};

use super::Address;

/// The timeout: longer than a healthy server takes to answer, and short enough for an operator who waits for the start.
const ANSWERS_WITHIN: Duration = Duration::from_secs(10);

/// The oldest PostgreSQL that the conformance suite runs on.
const MIN_POSTGRES_VERSION: i64 = 15;

/// The database cannot be used. Each message says what to do.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The URL is malformed.
    #[error(
        "database_url is not an address of a PostgreSQL database, postgres://user:password@host/database ({cause})"
    )]
    Address {
        /// The cause. Never the URL, because it contains a password.
        #[source]
        cause: Box<dyn Error + Send + Sync>,
    },
    /// The server does not answer.
    #[error("no PostgreSQL answers at {address} ({}): start it, or correct `database_url`", said(&**cause))]
    Unavailable {
        /// The server.
        address: Address,
        /// The system's error, or PostgreSQL's.
        #[source]
        cause: Box<dyn Error + Send + Sync>,
    },
    /// Wrong password, unknown user, or a refused client address.
    #[error(
        "PostgreSQL at {address} refuses {} ({}): correct the user or password in `database_url`",
        address.user(),
        said(cause)
    )]
    Refused {
        /// The server.
        address: Address,
        /// PostgreSQL's error.
        #[source]
        cause: sqlx::Error,
    },
    /// The server has no such database.
    #[error(
        "PostgreSQL at {address} has no database {0}: create it (createdb {0}), or correct `database_url`",
        address.database()
    )]
    Missing {
        /// The server.
        address: Address,
    },
    /// The server is too old.
    #[error(
        "PostgreSQL at {address} is version {found}, but latchkey needs {MIN_POSTGRES_VERSION} or later: upgrade it"
    )]
    OldServer {
        /// The server.
        address: Address,
        /// Its version.
        found: i64,
    },
    /// The schema lacks migrations.
    #[error(
        "the database {} at {address} is older than this latchkey (it lacks {missing}): run `latchkey migrate`",
        address.database()
    )]
    TooOld {
        /// The server.
        address: Address,
        /// The missing migrations.
        missing: String,
    },
    /// A newer Latchkey has migrated the database.
    #[error(
        "the database {} at {address} is newer than this latchkey (which does not know {unknown}): run the version that \
         migrated it, or restore the backup from before that",
        address.database()
    )]
    TooNew {
        /// The server.
        address: Address,
        /// The migrations that this version doesn't know.
        unknown: String,
    },
    /// A pooler shares the connections, and this command needs a session.
    #[error(
        "a pooler at {address} shares its connections among transactions, but copying needs one session: give the \
         address of PostgreSQL itself"
    )]
    Pooled {
        /// The pooler.
        address: Address,
    },
    /// Servers are running that have to be stopped.
    #[error(
        "{connections} connections of latchkey to the database {} at {address} are open: stop every server on it first",
        address.database()
    )]
    InUse {
        /// The server.
        address: Address,
        /// How many connections they have.
        connections: i64,
    },
    /// A migration failed, and all were rolled back.
    #[error(
        "the database {} at {address} is unchanged, because a migration failed ({cause}): run `latchkey migrate` again",
        address.database()
    )]
    Migration {
        /// The server.
        address: Address,
        /// PostgreSQL's error.
        #[source]
        cause: sqlx::Error,
    },
    /// Any other error.
    #[error("the database {} at {address} cannot be used ({cause}): see PostgreSQL's log", address.database())]
    Unusable {
        /// The server.
        address: Address,
        /// PostgreSQL's error.
        #[source]
        cause: sqlx::Error,
    },
}

/// One connection to a server that is new enough.
pub(crate) async fn connect(address: &Address) -> Result<PgConnection, OpenError> {
    let options = address.options();
    let answer = tokio::time::timeout(ANSWERS_WITHIN, PgConnection::connect_with(&options)).await;
    let Ok(answer) = answer else {
        let cause = "no answer within 10 s".into();
        return Err(OpenError::Unavailable { address: address.clone(), cause });
    };
    let mut db = answer.map_err(|error| judge(address, error))?;
    let unusable = |cause| OpenError::Unusable { address: address.clone(), cause };
    let version = "-- server version\nSELECT current_setting('server_version_num')::bigint / 10000";
    let version = number(&mut db, version).await.map_err(unusable)?;
    if version < MIN_POSTGRES_VERSION {
        return Err(OpenError::OldServer { address: address.clone(), found: version });
    }
    Ok(db)
}

/// Whether a pooler shares the server connections of `one` among transactions. Then settings and prepared
/// statements of one transaction are missing in the next.
///
/// A second connection keeps a transaction open. If it gets the backend that `one` had, or `one` now gets
/// another backend, backends are assigned for one transaction. Other clients may interfere, so the test is
/// repeated several times.
pub(crate) async fn is_shared(one: &mut PgConnection, address: &Address) -> Result<bool, OpenError> {
    const ATTEMPTS: u32 = 5;
    let unusable = |cause| OpenError::Unusable { address: address.clone(), cause };
    let mut other = connect(address).await?;
    let looked = async {
        for _ in 0..ATTEMPTS {
            let before = backend(one).await?;
            other.execute(raw_sql("BEGIN")).await?;
            let is_shared = backend(&mut other).await? == before || backend(one).await? != before;
            other.execute(raw_sql("ROLLBACK")).await?;
            if is_shared {
                return Ok(true);
            }
        }
        Ok(false)
    };
    let looked = tokio::time::timeout(ANSWERS_WITHIN, looked).await;
    // Only a pooler makes a client wait here, for the backend that the other connection uses.
    let is_shared = looked.unwrap_or(Ok(true)).map_err(unusable)?;
    drop(other.close().await);
    Ok(is_shared)
}

async fn backend(db: &mut PgConnection) -> Result<i64, sqlx::Error> {
    number(db, "-- backend\nSELECT pg_backend_pid()::bigint").await
}

/// The number that a statement returns. The statement is not prepared, so it works through any pooler.
pub(crate) async fn number(db: &mut PgConnection, sql: &'static str) -> Result<i64, sqlx::Error> {
    raw_sql(sql).fetch_one(db).await?.try_get(0)
}

/// Classifies an error by PostgreSQL's codes (<https://www.postgresql.org/docs/current/errcodes-appendix.html>),
/// never by its text.
fn judge(address: &Address, error: sqlx::Error) -> OpenError {
    let address = address.clone();
    let code = error.as_database_error().and_then(DatabaseError::code).unwrap_or_default().into_owned();
    match (code.as_str(), error) {
        ("28000" | "28P01", cause) => OpenError::Refused { address, cause },
        ("3D000", _) => OpenError::Missing { address },
        // The server is starting, stopping or full.
        ("57P03" | "57P01" | "53300", error) => OpenError::Unavailable { address, cause: error.into() },
        (_, sqlx::Error::Io(error)) => OpenError::Unavailable { address, cause: error.into() },
        (_, cause) => OpenError::Unusable { address, cause },
    }
}

/// PostgreSQL's message without the driver's prefix.
fn said(error: &(dyn Error + 'static)) -> String {
    let from_postgres = error.downcast_ref().and_then(sqlx::Error::as_database_error);
    from_postgres.map_or_else(|| error.to_string(), |error| error.message().to_owned())
}
