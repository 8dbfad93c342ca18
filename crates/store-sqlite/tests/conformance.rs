//! SQLite keeps what `store` promises.
#![expect(clippy::unwrap_used, reason = "a test may fail loudly")]

use std::{collections::BTreeSet, sync::Arc};

use store::Store;
use store_sqlite::{OpenError, SqliteStore};

async fn empty_store() -> (Arc<dyn Store>, tempfile::TempDir) {
    let dir = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(&dir.path().join("latchkey.db")).await.unwrap();
    (Arc::new(store), dir)
}

store::conformance_tests!(empty_store);

#[tokio::test]
async fn no_column_of_bytes_and_no_table_is_forgotten() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("latchkey.db");
    SqliteStore::open(&path).await.unwrap().close().await;
    let db = sqlx::SqlitePool::connect(path.to_str().unwrap()).await.unwrap();
    let columns: Vec<(String, String, String)> = sqlx::query_as(
        "SELECT t.name, c.name, c.type FROM sqlite_master t, pragma_table_info(t.name) c\n\
         WHERE t.type = 'table' AND t.name NOT LIKE 'sqlite_%'",
    )
    .fetch_all(&db)
    .await
    .unwrap();
    let bytes = columns.iter().filter(|(_, _, kind)| kind == "BLOB");
    store::conformance::sealed_cells::every_column_of_bytes_is_known(
        bytes.map(|(table, column, _)| (table.clone(), column.clone())),
    );
    let found: BTreeSet<&str> = columns.iter().map(|(table, ..)| &**table).collect();
    let known: BTreeSet<&str> = store::TABLES.iter().map(|table| table.name).collect();
    assert_eq!(found, known, "a table would not be copied");
}

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
