//! Opens a file: checks it and migrates its schema.

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
        /// The file.
        path: PathBuf,
        /// SQLite's error.
        #[source]
        cause: sqlx::Error,
    },
    /// Another process has it open.
    #[error("the database {path} is in use: stop the server on it first")]
    InUse {
        /// The file.
        path: PathBuf,
    },
    /// The schema lacks migrations.
    #[error("the database {path} is older than this latchkey (it lacks {missing}): run `latchkey migrate`")]
    TooOld {
        /// The file.
        path: PathBuf,
        /// The missing migrations.
        missing: String,
    },
    /// A newer Latchkey has migrated it.
    #[error(
        "the database {path} is newer than this latchkey (which does not know {unknown}): run the version that was \
         running on it, or restore the backup from before that"
    )]
    TooNew {
        /// The file.
        path: PathBuf,
        /// The migrations that this version doesn't know.
        unknown: String,
    },
    /// A migration failed, and all were rolled back.
    #[error(
        "the database {path} is unchanged, because the migration {name} failed ({cause}): report this with this line"
    )]
    Migration {
        /// The file.
        path: PathBuf,
        /// The migration.
        name: &'static str,
        /// SQLite's error.
        #[source]
        cause: sqlx::Error,
    },
}

/// Before migrations had names, `PRAGMA user_version` counted the first of them. It is still set, so that an
/// older version sees a newer schema.
const COUNTED: usize = 23;

/// Checks that the schema is this version's.
pub(crate) async fn check(db: &mut SqliteConnection, path: &Path) -> Result<(), OpenError> {
    let difference = difference(db, path).await?;
    if difference.missing.is_empty() {
        return Ok(());
    }
    Err(OpenError::TooOld { path: path.to_owned(), missing: difference.missing() })
}

/// Runs the missing migrations, all or none. A killed process leaves the file unchanged, and the next start
/// runs them again.
pub(crate) async fn run(writer: &SqlitePool, path: &Path) -> Result<(), OpenError> {
    let unusable = |cause| OpenError::Unusable { path: path.to_owned(), cause };
    // Read inside the transaction, so that two concurrent first starts run each migration once.
    let mut tx = writer.begin_with("BEGIN IMMEDIATE").await.map_err(unusable)?;
    let difference = difference(&mut tx, path).await?;
    if difference.missing.is_empty() && has_names(&mut tx).await.map_err(unusable)? {
        return Ok(());
    }
    // This is also needed for a database from before migrations had names.
    let steps_table =
        "-- migrate: begin\nCREATE TABLE IF NOT EXISTS schema_steps (name TEXT PRIMARY KEY) STRICT";
    tx.execute(raw_sql(steps_table)).await.map_err(unusable)?;
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

/// The names of the migrations that were run.
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
    let steps_table = "-- schema: named\nSELECT count(*) FROM sqlite_master WHERE name = 'schema_steps'";
    sqlx::query_scalar::<_, i64>(steps_table).fetch_one(db).await.map(|count| count > 0)
}
