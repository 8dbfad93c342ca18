//! The schema, step by step. Steps are only ever added; `PRAGMA user_version` counts those that were taken.

use std::path::{Path, PathBuf};

use sqlx::{Executor as _, SqliteConnection, SqlitePool};

const STEPS: &[&str] = &[
    include_str!("../../migrations/sqlite/0001_first.sql"),
    include_str!("../../migrations/sqlite/0002_health.sql"),
    include_str!("../../migrations/sqlite/0003_zoom_inbox.sql"),
    include_str!("../../migrations/sqlite/0004_link_users.sql"),
    include_str!("../../migrations/sqlite/0005_audit.sql"),
    include_str!("../../migrations/sqlite/0006_parked_consents.sql"),
    include_str!("../../migrations/sqlite/0007_pools.sql"),
    include_str!("../../migrations/sqlite/0008_audit_about.sql"),
    include_str!("../../migrations/sqlite/0009_meetings.sql"),
    include_str!("../../migrations/sqlite/0010_zoom_limits.sql"),
    include_str!("../../migrations/sqlite/0011_api_keys.sql"),
    include_str!("../../migrations/sqlite/0012_link_terms.sql"),
    include_str!("../../migrations/sqlite/0013_audit_batches.sql"),
    include_str!("../../migrations/sqlite/0014_idempotent_requests.sql"),
    include_str!("../../migrations/sqlite/0015_management.sql"),
    include_str!("../../migrations/sqlite/0016_link_revision.sql"),
    include_str!("../../migrations/sqlite/0017_bot_limits.sql"),
    include_str!("../../migrations/sqlite/0021_app_registrations.sql"),
    include_str!("../../migrations/sqlite/0022_member_addresses.sql"),
    include_str!("../../migrations/sqlite/0025_app_signatures.sql"),
    include_str!("../../migrations/sqlite/0026_bot_servers.sql"),
    include_str!("../../migrations/sqlite/0029_authorizations_travel.sql"),
    include_str!("../../migrations/sqlite/0030_used_ids.sql"),
];

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
    #[error("the database {path} has schema {found}, and this latchkey needs {}: run `latchkey migrate`", STEPS.len())]
    TooOld {
        /// Which file.
        path: PathBuf,
        /// Its schema.
        found: i64,
    },
    /// It was made by a newer Latchkey.
    #[error("the database {path} has schema {found}, and this latchkey knows {}: run the newer version", STEPS.len())]
    TooNew {
        /// Which file.
        path: PathBuf,
        /// Its schema.
        found: i64,
    },
}

/// Whether the schema is the one that this version speaks to.
pub(crate) async fn check(db: &mut SqliteConnection, path: &Path) -> Result<(), OpenError> {
    let unusable = |cause| OpenError::Unusable { path: path.to_owned(), cause };
    let found: i64 = sqlx::query_scalar("PRAGMA user_version").fetch_one(db).await.map_err(unusable)?;
    match usize::try_from(found) {
        Ok(current) if current == STEPS.len() => Ok(()),
        Ok(older) if older < STEPS.len() => Err(OpenError::TooOld { path: path.to_owned(), found }),
        _ => Err(OpenError::TooNew { path: path.to_owned(), found }),
    }
}

pub(crate) async fn run(writer: &SqlitePool, path: &Path) -> Result<(), OpenError> {
    let unusable = |cause| OpenError::Unusable { path: path.to_owned(), cause };
    // Read inside the transaction: two processes at their first start take the steps once.
    let mut tx = writer.begin_with("BEGIN IMMEDIATE").await.map_err(unusable)?;
    let found: i64 = sqlx::query_scalar("PRAGMA user_version").fetch_one(&mut *tx).await.map_err(unusable)?;
    let taken = usize::try_from(found).ok().filter(|taken| *taken <= STEPS.len());
    let taken = taken.ok_or_else(|| OpenError::TooNew { path: path.to_owned(), found })?;
    for (number, step) in STEPS.iter().enumerate().skip(taken) {
        tx.execute(sqlx::raw_sql(*step)).await.map_err(unusable)?;
        let version = format!("PRAGMA user_version = {}", number + 1);
        tx.execute(sqlx::raw_sql(sqlx::AssertSqlSafe(version))).await.map_err(unusable)?;
    }
    tx.commit().await.map_err(unusable)
}
