//! Which files a store opens, and how their schema moves.
#![expect(clippy::unwrap_used, reason = "a test may fail loudly")]

use std::{fs, sync::Arc};

use sqlx::{AssertSqlSafe, Executor as _, raw_sql};
use store_sql::sqlite::{self, OpenError};

#[tokio::test]
async fn a_newer_schema_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("latchkey.db");
    sqlite::open(&path).await.unwrap().close().await;
    let db = sqlx::SqlitePool::connect(path.to_str().unwrap()).await.unwrap();
    sqlx::query("PRAGMA user_version = 999").execute(&db).await.unwrap();
    db.close().await;
    let complaint = sqlite::open(&path).await.unwrap_err();
    assert!(matches!(complaint, OpenError::TooNew { found: 999, .. }), "{complaint}");
}

#[tokio::test]
async fn what_was_written_is_there_after_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("latchkey.db");
    let bench = store::conformance::Bench::new(Arc::new(sqlite::open(&path).await.unwrap()));
    let workspace = bench.workspace().await;
    drop(bench);
    let again = sqlite::open(&path).await.unwrap();
    assert!(store::Access::workspace(&again, workspace).await.unwrap().is_some());
}

#[tokio::test]
async fn the_audit_from_before_batches_is_kept() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("latchkey.db");
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(&path).create_if_missing(true);
    let db = sqlx::SqlitePool::connect_with(options).await.unwrap();
    let steps = steps_before("0013_audit_batches.sql");
    for step in &steps {
        db.execute(raw_sql(AssertSqlSafe(step.clone()))).await.unwrap();
    }
    db.execute(store::conformance::audit::ROWS_BEFORE_BATCHES).await.unwrap();
    db.execute(AssertSqlSafe(format!("PRAGMA user_version = {}", steps.len()))).await.unwrap();
    db.close().await;
    let store = sqlite::open(&path).await.unwrap();
    store::conformance::audit::rows_from_before_batches_are_kept(&store).await;
}

fn steps_before(name: &str) -> Vec<String> {
    let folder = fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/migrations/sqlite")).unwrap();
    let mut files: Vec<_> = folder.map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.file_name().unwrap().to_str().unwrap() < name);
    files.sort_unstable();
    files.iter().map(|path| fs::read_to_string(path).unwrap()).collect()
}
