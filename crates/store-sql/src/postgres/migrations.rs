//! The schema, step by step. Steps are only ever added, with the names they have on SQLite; the table
//! `schema_steps` holds those that were taken.

use sqlx::{Connection as _, Executor as _, PgConnection};

use super::{Address, OpenError, open};

const STEPS: &[(&str, &str)] = &[
    ("0001_first", include_str!("../../migrations/postgres/0001_first.sql")),
    ("0002_health", include_str!("../../migrations/postgres/0002_health.sql")),
    ("0003_zoom_inbox", include_str!("../../migrations/postgres/0003_zoom_inbox.sql")),
    ("0004_link_users", include_str!("../../migrations/postgres/0004_link_users.sql")),
    ("0005_audit", include_str!("../../migrations/postgres/0005_audit.sql")),
    ("0006_parked_consents", include_str!("../../migrations/postgres/0006_parked_consents.sql")),
    ("0007_pools", include_str!("../../migrations/postgres/0007_pools.sql")),
    ("0008_audit_about", include_str!("../../migrations/postgres/0008_audit_about.sql")),
    ("0009_meetings", include_str!("../../migrations/postgres/0009_meetings.sql")),
    ("0010_zoom_limits", include_str!("../../migrations/postgres/0010_zoom_limits.sql")),
    ("0011_api_keys", include_str!("../../migrations/postgres/0011_api_keys.sql")),
    ("0012_link_terms", include_str!("../../migrations/postgres/0012_link_terms.sql")),
    ("0013_audit_batches", include_str!("../../migrations/postgres/0013_audit_batches.sql")),
    ("0014_idempotent_requests", include_str!("../../migrations/postgres/0014_idempotent_requests.sql")),
    ("0015_management", include_str!("../../migrations/postgres/0015_management.sql")),
    ("0016_link_revision", include_str!("../../migrations/postgres/0016_link_revision.sql")),
    ("0017_bot_limits", include_str!("../../migrations/postgres/0017_bot_limits.sql")),
    ("0021_app_registrations", include_str!("../../migrations/postgres/0021_app_registrations.sql")),
    ("0022_member_addresses", include_str!("../../migrations/postgres/0022_member_addresses.sql")),
    ("0025_app_signatures", include_str!("../../migrations/postgres/0025_app_signatures.sql")),
    ("0026_bot_servers", include_str!("../../migrations/postgres/0026_bot_servers.sql")),
    ("0029_authorizations_travel", include_str!("../../migrations/postgres/0029_authorizations_travel.sql")),
    ("0030_used_ids", include_str!("../../migrations/postgres/0030_used_ids.sql")),
];

/// The schema that this version speaks to.
pub(crate) const KNOWN: usize = STEPS.len();

/// Taken for the length of a transaction, so that two who migrate at once take each step once. Any number does.
const LOCK: i64 = 0x6c61_7463_686b_6579;

/// A step may take long, but does not keep the servers waiting behind a lock that it cannot get. For the length of the
/// transaction: through a pooler, what is set for longer is set for others.
const BEGIN: &str =
    "BEGIN ISOLATION LEVEL READ COMMITTED; SET LOCAL statement_timeout = 0; SET LOCAL lock_timeout = '10s'";

/// What bringing a schema up to date came to.
#[derive(Debug, PartialEq, Eq)]
pub struct Migrated {
    /// The steps that were taken, oldest first. None: it was up to date.
    pub taken: Vec<&'static str>,
    /// The schema it has now.
    pub schema: usize,
}

/// Takes the steps that are missing: all of them, or none.
pub(crate) async fn run(address: &Address) -> Result<Migrated, OpenError> {
    let mut db = open::connect(address).await?;
    let refused = |cause| OpenError::Migration { address: address.clone(), cause };
    let mut tx = db.begin_with(BEGIN).await.map_err(refused)?;
    let lock = sqlx::query("-- migrate: lock\nSELECT pg_advisory_xact_lock($1)").bind(LOCK);
    lock.persistent(false).execute(&mut *tx).await.map_err(refused)?;
    let found = taken(&mut tx).await.map_err(refused)?;
    let missing = usize::try_from(found).ok().and_then(|found| STEPS.get(found..));
    let missing = missing.ok_or_else(|| OpenError::TooNew { address: address.clone(), found })?;
    if found == 0 {
        let ledger =
            "-- migrate: begin\nCREATE TABLE schema_steps (number BIGINT PRIMARY KEY, name TEXT NOT NULL)";
        tx.execute(sqlx::raw_sql(ledger)).await.map_err(refused)?;
    }
    for (number, (name, step)) in (found + 1..).zip(missing) {
        tx.execute(sqlx::raw_sql(*step)).await.map_err(refused)?;
        sqlx::query("-- migrate: taken\nINSERT INTO schema_steps (number, name) VALUES ($1, $2)")
            .bind(number)
            .bind(*name)
            .persistent(false)
            .execute(&mut *tx)
            .await
            .map_err(refused)?;
    }
    tx.commit().await.map_err(refused)?;
    // What is done is done, however the goodbye goes.
    drop(db.close().await);
    Ok(Migrated { taken: missing.iter().map(|(name, _)| *name).collect(), schema: KNOWN })
}

/// Whether the schema is the one that this version speaks to.
pub(crate) async fn check(db: &mut PgConnection, address: &Address) -> Result<(), OpenError> {
    let unusable = |cause| OpenError::Unusable { address: address.clone(), cause };
    let found = taken(db).await.map_err(unusable)?;
    match usize::try_from(found) {
        Ok(current) if current == KNOWN => Ok(()),
        Ok(older) if older < KNOWN => Err(OpenError::TooOld { address: address.clone(), found }),
        _ => Err(OpenError::TooNew { address: address.clone(), found }),
    }
}

/// How many steps the database has taken.
async fn taken(db: &mut PgConnection) -> Result<i64, sqlx::Error> {
    let begun = "-- schema: begun\nSELECT count(to_regclass('schema_steps'))";
    if open::number(db, begun).await? == 0 {
        return Ok(0);
    }
    open::number(db, "-- schema: taken\nSELECT coalesce(max(number), 0) FROM schema_steps").await
}
