//! Opening a file: what is wrong with it, and bringing its schema up to date.

use std::path::{Path, PathBuf};

use sqlx::{AssertSqlSafe, Executor as _, SqliteConnection, SqlitePool, raw_sql};

use crate::migrations::{Difference, SQLITE};

/// The database cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The file cannot be opened or is not a database.
    #[error(
        "the database {path} cannot be opened ({cause}): check the folder's permissions, or set `data_dir`"
    )]
    Unusable {
        /// Which file.
        path: PathBuf,
        /// What SQLite said.
        cause: sqlx::Error,
    },
    /// Somebody else has it open.
    #[error("the database {path} is in use: stop the server on it first")]
    InUse {
        /// Which file.
        path: PathBuf,
    },
    /// Its schema has still to be brought up to date.
    #[error("the database {path} is older than this latchkey (it lacks {missing}): run `latchkey migrate`")]
    TooOld {
        /// Which file.
        path: PathBuf,
        /// The migrations that it lacks.
        missing: String,
    },
    /// It was made by a newer Latchkey.
    #[error(
        "the database {path} is newer than this latchkey (which does not know {unknown}): run the version that was \
         running on it, or restore the backup from before that"
    )]
    TooNew {
        /// Which file.
        path: PathBuf,
        /// The migrations that this version doesn't know.
        unknown: String,
    },
    /// A migration failed; none was kept.
    #[error(
        "the database {path} is as it was, the migration {name} failed ({cause}): report this, with that line"
    )]
    Migration {
        /// Which file.
        path: PathBuf,
        /// Which migration.
        name: &'static str,
        /// What SQLite said.
        cause: sqlx::Error,
    },
}

/// Before migrations had names, `PRAGMA user_version` counted the first ones of these. It still counts, so that an older
/// version sees that it is older.
const COUNTED: usize = 23;

/// Whether the schema is the one that this version speaks to.
pub(crate) async fn check(db: &mut SqliteConnection, path: &Path) -> Result<(), OpenError> {
    let difference = difference(db, path).await?;
    if difference.missing.is_empty() {
        return Ok(());
    }
    Err(OpenError::TooOld { path: path.to_owned(), missing: difference.missing() })
}

/// Takes the migrations that are missing: all of them, or none. A process that is killed on its way leaves the file as it
/// was, and the next start begins anew.
pub(crate) async fn run(writer: &SqlitePool, path: &Path) -> Result<(), OpenError> {
    let unusable = |cause| OpenError::Unusable { path: path.to_owned(), cause };
    // Read inside the transaction: two processes at their first start take each once.
    let mut tx = writer.begin_with("BEGIN IMMEDIATE").await.map_err(unusable)?;
    let difference = difference(&mut tx, path).await?;
    if difference.missing.is_empty() && has_names(&mut tx).await.map_err(unusable)? {
        return Ok(());
    }
    // Also for a database from before migrations had names.
    let ledger = "-- migrate: begin\nCREATE TABLE IF NOT EXISTS schema_steps (name TEXT PRIMARY KEY) STRICT";
    tx.execute(raw_sql(ledger)).await.map_err(unusable)?;
    for migration in &difference.missing {
        let failed = |cause| OpenError::Migration { path: path.to_owned(), name: migration.name, cause };
        tx.execute(raw_sql(migration.sql)).await.map_err(failed)?;
    }
    for migration in SQLITE {
        let taken = "-- migrate: taken\nINSERT INTO schema_steps (name) VALUES ($1) ON CONFLICT DO NOTHING";
        sqlx::query(taken).bind(migration.name).execute(&mut *tx).await.map_err(unusable)?;
    }
    let counted = format!("PRAGMA user_version = {}", SQLITE.len());
    tx.execute(raw_sql(AssertSqlSafe(counted))).await.map_err(unusable)?;
    tx.commit().await.map_err(unusable)
}

async fn difference(db: &mut SqliteConnection, path: &Path) -> Result<Difference, OpenError> {
    let taken = taken(db).await.map_err(|cause| OpenError::Unusable { path: path.to_owned(), cause })?;
    let difference = Difference::between(SQLITE, &taken);
    if difference.unknown.is_empty() {
        return Ok(difference);
    }
    Err(OpenError::TooNew { path: path.to_owned(), unknown: difference.unknown.join(", ") })
}

/// The names of the migrations that the database has.
async fn taken(db: &mut SqliteConnection) -> Result<Vec<String>, sqlx::Error> {
    if has_names(db).await? {
        return sqlx::query_scalar("-- schema: taken\nSELECT name FROM schema_steps").fetch_all(db).await;
    }
    let counted: i64 = sqlx::query_scalar("PRAGMA user_version").fetch_one(db).await?;
    let counted = usize::try_from(counted).unwrap_or(usize::MAX);
    if counted > COUNTED {
        return Ok(vec![format!("schema {counted}")]);
    }
    Ok(SQLITE.iter().take(counted).map(|migration| migration.name.to_owned()).collect())
}

async fn has_names(db: &mut SqliteConnection) -> Result<bool, sqlx::Error> {
    let ledger = "-- schema: named\nSELECT count(*) FROM sqlite_master WHERE name = 'schema_steps'";
    sqlx::query_scalar::<_, i64>(ledger).fetch_one(db).await.map(|count| count > 0)
}
