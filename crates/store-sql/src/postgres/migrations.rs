//! Migrates a database.

use sqlx::{Connection as _, Executor as _, PgConnection, Row as _, raw_sql};

use super::{Address, OpenError, open};
use crate::migrations::{Difference, POSTGRES};

/// The advisory lock of the migrating transaction, so that concurrent runs run each migration once. The number
/// is arbitrary.
const LOCK: i64 = 0x6c61_7463_686b_6579;

/// A migration may take long, but must not make servers wait behind a lock that it can't get. The settings are
/// for the transaction only: through a pooler, a setting of the session would affect other clients.
const BEGIN: &str =
    "BEGIN ISOLATION LEVEL READ COMMITTED; SET LOCAL statement_timeout = 0; SET LOCAL lock_timeout = '10s'";

/// The result of a migration.
#[derive(Debug, PartialEq, Eq)]
pub struct Migrated {
    /// The migrations that were run, oldest first. Empty if the schema was current.
    pub taken: Vec<&'static str>,
    /// The newest migration of the database.
    pub schema: &'static str,
}

/// Runs the missing migrations, all or none. An interrupted run leaves the database unchanged.
pub(crate) async fn run(address: &Address) -> Result<Migrated, OpenError> {
    let mut db = open::connect(address).await?;
    let refused = |cause| OpenError::Migration { address: address.clone(), cause };
    let mut tx = db.begin_with(BEGIN).await.map_err(refused)?;
    let lock = sqlx::query("-- migrate: lock\nSELECT pg_advisory_xact_lock($1)").bind(LOCK);
    lock.persistent(false).execute(&mut *tx).await.map_err(refused)?;
    let difference = difference(&mut tx, address).await?;
    // The numbers are stored as before migrations had names, because older versions compare them.
    let steps_table = "-- migrate: begin\n\
                  CREATE TABLE IF NOT EXISTS schema_steps (number BIGINT PRIMARY KEY, name TEXT NOT NULL)";
    tx.execute(raw_sql(steps_table)).await.map_err(refused)?;
    for migration in &difference.missing {
        tx.execute(raw_sql(migration.sql)).await.map_err(refused)?;
        let taken = "-- migrate: taken\n\
                     INSERT INTO schema_steps (number, name) SELECT coalesce(max(number), 0) + 1, $1 FROM schema_steps";
        let taken = sqlx::query(taken).bind(migration.name).persistent(false);
        taken.execute(&mut *tx).await.map_err(refused)?;
    }
    tx.commit().await.map_err(refused)?;
    // An error while closing doesn't matter.
    drop(db.close().await);
    let taken = difference.missing.iter().map(|migration| migration.name).collect();
    Ok(Migrated { taken, schema: POSTGRES.last().map_or("", |migration| migration.name) })
}

/// Checks that the schema is this version's.
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

/// The names of the migrations that were run.
async fn taken(db: &mut PgConnection) -> Result<Vec<String>, sqlx::Error> {
    let begun = "-- schema: begun\nSELECT count(to_regclass('schema_steps'))";
    if open::number(db, begun).await? == 0 {
        return Ok(Vec::new());
    }
    // The statement is not prepared, so that it works through any pooler.
    let names =
        raw_sql("-- schema: taken\nSELECT name FROM schema_steps ORDER BY number").fetch_all(db).await?;
    names.iter().map(|row| row.try_get(0)).collect()
}
