//! Which files a store opens, and migrations.
#![expect(clippy::unwrap_used, reason = "a test may fail loudly")]

use std::{fs, path::Path, sync::Arc};

use model::Timestamp;
use sqlx::{AssertSqlSafe, Connection as _, Executor as _, SqliteConnection, SqlitePool, raw_sql};
use store_sql::sqlite::{self, OpenError};

async fn run(path: &Path, sql: &'static str) {
    let db = SqlitePool::connect(path.to_str().unwrap()).await.unwrap();
    db.execute(raw_sql(sql)).await.unwrap();
    db.close().await;
}

#[tokio::test]
async fn a_newer_schema_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    // Once detected by the names, once by the count that older versions used.
    for (file, newer) in [
        ("names.db", "INSERT INTO schema_steps VALUES ('0999_later')"),
        ("count.db", "DROP TABLE schema_steps; PRAGMA user_version = 999"),
    ] {
        let path = dir.path().join(file);
        sqlite::open(&path).await.unwrap().close().await;
        run(&path, newer).await;
        let complaint = sqlite::open(&path).await.unwrap_err();
        assert!(matches!(complaint, OpenError::TooNew { .. }), "{complaint}");
        let said = complaint.to_string();
        assert!(said.contains("999") && said.contains("run the version that was running on it"), "{said}");
    }
}

/// As when a branch with a lower number is merged after one with a higher number.
#[tokio::test]
async fn a_migration_that_was_added_late_is_run() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("latchkey.db");
    sqlite::open(&path).await.unwrap().close().await;
    let before = "DELETE FROM schema_steps WHERE name IN ('0026_bot_servers', '0063_bot_server_capacity'); DROP TABLE bot_servers";
    run(&path, before).await;
    let store = sqlite::open(&path).await.unwrap();
    assert!(store::BotServers::bot_servers(&store, Timestamp::MAX).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_failed_migration_leaves_the_file_unchanged() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("latchkey.db");
    sqlite::open(&path).await.unwrap().close().await;
    let before = "DELETE FROM schema_steps WHERE name IN ('0026_bot_servers', '0030_used_ids', '0063_bot_server_capacity'); DROP TABLE bot_servers";
    run(&path, before).await;
    // `used_ids` exists already.
    let complaint = sqlite::open(&path).await.unwrap_err();
    assert!(matches!(complaint, OpenError::Migration { name: "0030_used_ids", .. }), "{complaint}");
    run(&path, "CREATE TABLE bot_servers (one TEXT); DROP TABLE bot_servers; DROP TABLE used_ids").await;
    sqlite::open(&path).await.unwrap();
}

/// `kill -9` leaves what is on the disk at that moment, uncommitted pages included.
#[tokio::test]
async fn an_interrupted_migration_is_run_again_by_the_next_start() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("latchkey.db");
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(&path).create_if_missing(true);
    let options = options.journal_mode(sqlx::sqlite::SqliteJournalMode::Wal);
    let mut db = SqliteConnection::connect_with(&options).await.unwrap();
    // The page cache is small, so that pages are written before the commit.
    db.execute("PRAGMA cache_size = 5; BEGIN IMMEDIATE").await.unwrap();
    for step in steps_before("0010") {
        db.execute(raw_sql(AssertSqlSafe(step))).await.unwrap();
    }
    let left = dir.path().join("left.db");
    for (from, to) in [("latchkey.db", "left.db"), ("latchkey.db-wal", "left.db-wal")] {
        fs::copy(dir.path().join(from), dir.path().join(to)).unwrap();
    }
    assert!(fs::metadata(dir.path().join("left.db-wal")).unwrap().len() > 4096, "something was written");
    let store = sqlite::open(&left).await.unwrap();
    assert!(store::Access::workspaces(&store).await.unwrap().is_empty());
}

#[tokio::test]
async fn committed_data_is_there_after_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("latchkey.db");
    let suite = store_conformance::Conformance::new(Arc::new(sqlite::open(&path).await.unwrap()));
    let workspace = suite.workspace().await;
    drop(suite);
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
    db.execute(store_conformance::audit::ROWS_BEFORE_BATCHES).await.unwrap();
    db.execute(AssertSqlSafe(format!("PRAGMA user_version = {}", steps.len()))).await.unwrap();
    db.close().await;
    let store = sqlite::open(&path).await.unwrap();
    store_conformance::audit::rows_from_before_batches_are_kept(&store).await;
}

fn steps_before(name: &str) -> Vec<String> {
    let folder = fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/migrations/sqlite")).unwrap();
    let mut files: Vec<_> = folder.map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.file_name().unwrap().to_str().unwrap() < name);
    files.sort_unstable();
    files.iter().map(|path| fs::read_to_string(path).unwrap()).collect()
}
