//! The shared store: PostgreSQL 15 or later, for any number of replicas.
//!
//! Who may write is decided by rows alone; a replica that dies or stalls leaves nothing behind but a lease that lapses.
//!
//! - A change that hangs on one row is one statement which names what it expects to find, under `READ COMMITTED`: of
//!   two at once, the second waits for the first, looks again, and changes nothing.
//! - A change that has to read first locks what it reads: `FOR UPDATE`; bots that are due `SKIP LOCKED`, so that
//!   supervisors share the work instead of queueing for it.
//! - Founding hangs on a row that is not there, which nobody can lock: it alone is `SERIALIZABLE`.
//! - PostgreSQL may end a transaction for another's sake. It is run again here, a few times; callers never see it.
//!
//! Through a pooler that shares connections, all of that holds too (`db`).
//!
//! Statements name their columns, because a `*` that a migration widens breaks what running replicas have prepared.

mod access;
mod address;
mod apps;
mod audit;
mod bots;
mod census;
mod connect;
mod copy;
mod credentials;
mod db;
mod idempotency;
mod inbox;
mod limits;
mod links;
mod log;
mod meetings;
mod migrations;
mod open;
mod page;
mod parked;
mod pools;
mod probe;
mod row;
mod sealed_cells;
mod used_ids;

use std::time::Duration;

use sqlx::{Connection as _, error::DatabaseError};
use store::StoreError;

use db::{Db, Tx};

pub use address::Address;
pub use migrations::Migrated;
pub use open::OpenError;

/// Connections of one process. A call holds one for a few milliseconds, so that few serve many.
const CONNECTIONS: u32 = 8;
/// Those for the audit, beside them. It writes one batch after another, so there is one, unless that hangs.
const AUDIT_CONNECTIONS: u32 = 4;
/// How long a call waits for one of them.
const FREE_WITHIN: Duration = Duration::from_secs(5);
/// A connection that has lain idle for so long is asked whether it still works before it is used: a round trip, which one
/// that was in use a moment ago need not take.
const DOUBTED_AFTER: Duration = Duration::from_millis(500);
/// How often a transaction is begun before its collisions are the caller's to see.
const ATTEMPTS: u32 = 8;

/// Decides about rows that are there, and locks them.
const ON_ROWS: &str = "BEGIN ISOLATION LEVEL READ COMMITTED";
/// Decides about rows that are not there.
const ON_ABSENCE: &str = "BEGIN ISOLATION LEVEL SERIALIZABLE";
/// Several reads of one moment.
const ONE_MOMENT: &str = "BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY";

/// The store. Cheap to share behind an `Arc`.
#[derive(Debug)]
pub struct PostgresStore {
    pool: Db,
    /// What writes the audit: a token waits for its record, which shall not wait for a free connection. And it is the same
    /// one each time, whose process at the server has everything at hand; that is a tenth more reads with a strict audit.
    audit: Db,
}

impl PostgresStore {
    /// Connects to a database whose schema is the one this version speaks to.
    pub async fn open(address: &Address) -> Result<Self, OpenError> {
        let mut first = open::connect(address).await?;
        migrations::check(&mut first, address).await?;
        let is_shared = open::is_shared(&mut first, address).await?;
        if is_shared {
            tracing::info!("a pooler shares the connections to PostgreSQL among transactions");
        }
        // It has done its work; the pools make their own.
        drop(first.close().await);
        let db = |connections| Db::new(address.options(), connections, is_shared);
        Ok(Self { pool: db(CONNECTIONS), audit: db(AUDIT_CONNECTIONS) })
    }

    /// Brings the schema of a database up to date. Replicas may be running meanwhile.
    pub async fn migrate(address: &Address) -> Result<Migrated, OpenError> {
        migrations::run(address).await
    }

    /// Closes the connections. What follows on this store fails.
    pub async fn close(&self) {
        self.pool.close().await;
        self.audit.close().await;
    }

    /// Runs `body` with a transaction, and again with another when PostgreSQL ended that for another's sake: one of two
    /// that wait for each other, or that cannot be put in an order. A body commits as its last act and touches nothing
    /// but its transaction, so that it may run again; dropped, a transaction takes everything back.
    async fn transaction<T, Body>(
        &self,
        name: &'static str,
        begin: &'static str,
        body: impl Fn(Tx) -> Body,
    ) -> Result<T, StoreError>
    where
        Body: Future<Output = Result<T, StoreError>>,
    {
        let mut attempt = 1;
        loop {
            let tx = self.pool.begin(begin).await.map_err(unavailable)?;
            match body(tx).await {
                Err(error) if attempt < ATTEMPTS && collided(&error) => {
                    tracing::debug!(name, attempt, %error, "a transaction collided and runs again");
                    attempt += 1;
                }
                done => return done,
            }
        }
    }
}

/// Whether a transaction was ended for another's sake: nothing of it is left, and it may well succeed now.
fn collided(error: &StoreError) -> bool {
    const SERIALIZATION_FAILURE: &str = "40001";
    const DEADLOCK_DETECTED: &str = "40P01";
    let StoreError::Unavailable(cause) = error else { return false };
    let database = cause.downcast_ref::<sqlx::Error>().and_then(sqlx::Error::as_database_error);
    let code = database.and_then(DatabaseError::code);
    code.is_some_and(|code| [SERIALIZATION_FAILURE, DEADLOCK_DETECTED].contains(&&*code))
}

fn unavailable(error: sqlx::Error) -> StoreError {
    match error {
        sqlx::Error::ColumnDecode { index, source } => {
            StoreError::Corrupt { table: "postgres", cause: format!("column {index}: {source}") }
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
