//! SQLite keeps what `store` promises.
#![expect(clippy::unwrap_used, reason = "a test may fail loudly")]

use std::sync::Arc;

use store::Store;
use store_sqlite::{OpenError, SqliteStore};

async fn empty_store() -> (Arc<dyn Store>, tempfile::TempDir) {
    let dir = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(&dir.path().join("latchkey.db")).await.unwrap();
    (Arc::new(store), dir)
}

store::conformance_tests!(empty_store);

#[tokio::test]
async fn a_newer_schema_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("latchkey.db");
    SqliteStore::open(&path).await.unwrap().close().await;
    let db = sqlx::SqlitePool::connect(path.to_str().unwrap()).await.unwrap();
    sqlx::query("PRAGMA user_version = 999").execute(&db).await.unwrap();
    db.close().await;
    let complaint = SqliteStore::open(&path).await.unwrap_err();
    assert!(matches!(complaint, OpenError::TooNew { found: 999, .. }), "{complaint}");
}

#[tokio::test]
async fn what_was_written_is_there_after_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("latchkey.db");
    let bench = store::conformance::Bench::new(Arc::new(SqliteStore::open(&path).await.unwrap()));
    let workspace = bench.workspace().await;
    drop(bench);
    let again = SqliteStore::open(&path).await.unwrap();
    assert!(store::Access::workspace(&again, workspace).await.unwrap().is_some());
}
