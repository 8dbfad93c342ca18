//! The first connection, and what is wrong when there is none.

use std::time::Duration;

use sqlx::{Connection as _, PgConnection, error::DatabaseError, postgres::PgConnectOptions};

use crate::{Address, migrations::KNOWN};

/// Longer than a healthy server takes to answer, shorter than whoever waits for a start is patient.
const ANSWERS_WITHIN: Duration = Duration::from_secs(10);

/// The oldest PostgreSQL that the conformance suite runs on.
const OLDEST: i32 = 15;

/// The database cannot be used. Each says what to do about it.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// It is not an address at all.
    #[error(
        "database_url is not an address of a PostgreSQL database, postgres://user:password@host/database ({cause})"
    )]
    Address {
        /// What is wrong with it. Never the address: it holds a password.
        cause: String,
    },
    /// Nobody answers.
    #[error("no PostgreSQL answers at {address} ({cause}): start it, or correct `database_url`")]
    Away {
        /// Where.
        address: Address,
        /// What the system said.
        cause: String,
    },
    /// Wrong password, unknown user, or not from here.
    #[error(
        "PostgreSQL at {address} does not let {} in ({cause}): correct the user or password in `database_url`",
        address.user()
    )]
    Refused {
        /// Where.
        address: Address,
        /// What PostgreSQL said.
        cause: String,
    },
    /// The server has no such database.
    #[error(
        "PostgreSQL at {address} has no database {0}: create it (createdb {0}), or correct `database_url`",
        address.database()
    )]
    Missing {
        /// Where.
        address: Address,
    },
    /// The server is too old.
    #[error("PostgreSQL at {address} is version {found}, and latchkey needs {OLDEST} or later: upgrade it")]
    OldServer {
        /// Where.
        address: Address,
        /// Its version.
        found: i32,
    },
    /// The schema has still to be brought up to date.
    #[error(
        "the database {} at {address} has schema {found}, and this latchkey needs {KNOWN}: run `latchkey migrate`",
        address.database()
    )]
    TooOld {
        /// Where.
        address: Address,
        /// Its schema; 0 when it is empty.
        found: i64,
    },
    /// A newer Latchkey has migrated it.
    #[error(
        "the database {} at {address} has schema {found}, and this latchkey knows {KNOWN}: run the newer version",
        address.database()
    )]
    TooNew {
        /// Where.
        address: Address,
        /// Its schema.
        found: i64,
    },
    /// Servers are up that should not be.
    #[error(
        "{connections} connections of latchkey to the database {} at {address} are open: stop every server on it first",
        address.database()
    )]
    InUse {
        /// Where.
        address: Address,
        /// How many.
        connections: i64,
    },
    /// A step failed; none was taken.
    #[error(
        "the database {} at {address} is as it was, a step of its schema failed ({cause}): run `latchkey migrate` again",
        address.database()
    )]
    Migration {
        /// Where.
        address: Address,
        /// What PostgreSQL said.
        cause: sqlx::Error,
    },
    /// Anything else.
    #[error("the database {} at {address} cannot be used ({cause}): see PostgreSQL's log", address.database())]
    Unusable {
        /// Where.
        address: Address,
        /// What PostgreSQL said.
        cause: sqlx::Error,
    },
}

/// One connection, to a server that is new enough.
pub(crate) async fn connect(
    address: &Address,
    options: &PgConnectOptions,
) -> Result<PgConnection, OpenError> {
    let answer = tokio::time::timeout(ANSWERS_WITHIN, PgConnection::connect_with(options)).await;
    let mut db = match answer {
        Ok(answer) => answer.map_err(|error| judge(address, error))?,
        Err(_) => {
            return Err(OpenError::Away { address: address.clone(), cause: "no answer within 10 s".into() });
        }
    };
    let unusable = |cause| OpenError::Unusable { address: address.clone(), cause };
    let version: i32 =
        sqlx::query_scalar("-- server version\nSELECT current_setting('server_version_num')::int / 10000")
            .fetch_one(&mut db)
            .await
            .map_err(unusable)?;
    if version < OLDEST {
        return Err(OpenError::OldServer { address: address.clone(), found: version });
    }
    Ok(db)
}

/// By what PostgreSQL calls it (<https://www.postgresql.org/docs/current/errcodes-appendix.html>), never by its prose.
fn judge(address: &Address, error: sqlx::Error) -> OpenError {
    let address = address.clone();
    let code = error.as_database_error().and_then(DatabaseError::code).unwrap_or_default().into_owned();
    match (code.as_str(), error) {
        ("28000" | "28P01", error) => OpenError::Refused { address, cause: said(&error) },
        ("3D000", _) => OpenError::Missing { address },
        // Starting, stopping, or full.
        ("57P03" | "57P01" | "53300", error) => OpenError::Away { address, cause: said(&error) },
        (_, sqlx::Error::Io(error)) => OpenError::Away { address, cause: error.to_string() },
        (_, cause) => OpenError::Unusable { address, cause },
    }
}

/// PostgreSQL's own words, without the driver's around them.
fn said(error: &sqlx::Error) -> String {
    error.as_database_error().map_or_else(|| error.to_string(), |error| error.message().to_owned())
}
