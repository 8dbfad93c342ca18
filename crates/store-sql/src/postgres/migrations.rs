//! Bringing the schema of a database up to date.

use sqlx::{Connection as _, Executor as _, PgConnection, Row as _, raw_sql};

use super::{Address, OpenError, open};
use crate::migrations::{Difference, POSTGRES};

/// Taken for the length of a transaction, so that two who migrate at once take each step once. Any number does.
const LOCK: i64 = 0x6c61_7463_686b_6579;

/// A step may take long, but does not keep the servers waiting behind a lock that it cannot get. For the length of the
/// transaction: through a pooler, what is set for longer is set for others.
const BEGIN: &str =
    "BEGIN ISOLATION LEVEL READ COMMITTED; SET LOCAL statement_timeout = 0; SET LOCAL lock_timeout = '10s'";

/// What bringing a schema up to date came to.
#[derive(Debug, PartialEq, Eq)]
pub struct Migrated {
    /// The migrations that were run, oldest first. None: it was up to date.
    pub taken: Vec<&'static str>,
    /// The last one that it has now.
    pub schema: &'static str,
}

/// Takes the migrations that are missing: all of them, or none. One that is interrupted leaves the database as it was.
pub(crate) async fn run(address: &Address) -> Result<Migrated, OpenError> {
    let mut db = open::connect(address).await?;
    let refused = |cause| OpenError::Migration { address: address.clone(), cause };
    let mut tx = db.begin_with(BEGIN).await.map_err(refused)?;
    let lock = sqlx::query("-- migrate: lock\nSELECT pg_advisory_xact_lock($1)").bind(LOCK);
    lock.persistent(false).execute(&mut *tx).await.map_err(refused)?;
    let difference = difference(&mut tx, address).await?;
    // The numbers count, as they did before the names were looked at: an older version sees that it is older.
    let ledger = "-- migrate: begin\n\
                  CREATE TABLE IF NOT EXISTS schema_steps (number BIGINT PRIMARY KEY, name TEXT NOT NULL)";
    tx.execute(raw_sql(ledger)).await.map_err(refused)?;
    for migration in &difference.missing {
        tx.execute(raw_sql(migration.sql)).await.map_err(refused)?;
        let taken = "-- migrate: taken\n\
                     INSERT INTO schema_steps (number, name) SELECT coalesce(max(number), 0) + 1, $1 FROM schema_steps";
        let taken = sqlx::query(taken).bind(migration.name).persistent(false);
        taken.execute(&mut *tx).await.map_err(refused)?;
    }
    tx.commit().await.map_err(refused)?;
    // What is done is done, however the goodbye goes.
    drop(db.close().await);
    let taken = difference.missing.iter().map(|migration| migration.name).collect();
    Ok(Migrated { taken, schema: POSTGRES.last().map_or("", |migration| migration.name) })
}

/// Whether the schema is the one that this version speaks to.
pub(crate) async fn check(db: &mut PgConnection, address: &Address) -> Result<(), OpenError> {
    let difference = difference(db, address).await?;
    if difference.missing.is_empty() {
        return Ok(());
    }
    Err(OpenError::TooOld { address: address.clone(), missing: difference.missing() })
}

async fn difference(db: &mut PgConnection, address: &Address) -> Result<Difference, OpenError> {
    let taken = taken(db).await.map_err(|cause| OpenError::Unusable { address: address.clone(), cause })?;
    let difference = Difference::between(POSTGRES, &taken);
    if difference.unknown.is_empty() {
        return Ok(difference);
    }
    Err(OpenError::TooNew { address: address.clone(), unknown: difference.unknown.join(", ") })
}

/// The names of the migrations that the database has.
async fn taken(db: &mut PgConnection) -> Result<Vec<String>, sqlx::Error> {
    let begun = "-- schema: begun\nSELECT count(to_regclass('schema_steps'))";
    if open::number(db, begun).await? == 0 {
        return Ok(Vec::new());
    }
    // Not prepared: such a statement works through any pooler.
    let names =
        raw_sql("-- schema: taken\nSELECT name FROM schema_steps ORDER BY number").fetch_all(db).await?;
    names.iter().map(|row| row.try_get(0)).collect()
}
