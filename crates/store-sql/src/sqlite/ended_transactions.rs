//! Tests of transactions that SQLite itself rolls back on the store's connections.

use std::sync::Arc;

use model::WorkspaceId;
use sqlx::{AssertSqlSafe, Executor as _, SqlitePool, raw_sql};
use store::{Access as _, Probe as _, Workspace};
use store_conformance::Conformance;
use tempfile::TempDir;

use crate::{
    SqlStore,
    db::{Isolation, Pool, TxOn},
    sqlite,
};

fn raw(pool: &Pool) -> &SqlitePool {
    let Pool::Sqlite(pool) = pool else { panic!("a pool of another kind") };
    pool
}

async fn empty() -> (SqlStore, TempDir) {
    let dir = tempfile::tempdir().unwrap();
    (sqlite::open(&dir.path().join("latchkey.db")).await.unwrap(), dir)
}

/// Limits the file to its current pages and `more`.
async fn limit_pages(store: &SqlStore, more: i64) {
    let pages: i64 = sqlx::query_scalar("PRAGMA page_count").fetch_one(raw(&store.writer)).await.unwrap();
    let limit = format!("PRAGMA max_page_count = {}", pages + more);
    raw(&store.writer).execute(raw_sql(AssertSqlSafe(limit))).await.unwrap();
}

/// Adds workspaces until SQLite has no free page.
async fn fill(store: &SqlStore, suite: &Conformance) -> String {
    loop {
        let id = WorkspaceId::generate(&suite.env);
        let workspace = Workspace { name: "x".repeat(2000), ..suite.workspace_row(id) };
        if let Err(error) = store.add_workspace(&workspace, &suite.api_key(id)).await {
            return error.to_string();
        }
    }
}

#[tokio::test]
async fn a_full_database_refuses_writes_and_then_accepts_them_again() {
    let (store, dir) = empty().await;
    let other = sqlite::open(&dir.path().join("latchkey.db")).await.unwrap();
    let suite = Conformance::new(Arc::new(other));
    limit_pages(&store, 4).await;
    let complaint = fill(&store, &suite).await;
    assert!(complaint.contains("full"), "{complaint}");
    limit_pages(&store, 1000).await;
    // Every kind of caller tries several times: in a transaction, and with a single statement.
    for _ in 0..3 {
        store.probe().await.unwrap();
        let id = WorkspaceId::generate(&suite.env);
        store.add_workspace(&suite.workspace_row(id), &suite.api_key(id)).await.unwrap();
        assert!(store.workspace(id).await.unwrap().is_some());
    }
}

/// A commit hook that refuses turns COMMIT into ROLLBACK, as a full disk does when pages are written.
#[tokio::test]
async fn after_a_commit_that_failed_the_next_one_works() {
    let (store, _dir) = empty().await;
    store.probe().await.unwrap();
    {
        let mut connection = raw(&store.writer).acquire().await.unwrap();
        connection.lock_handle().await.unwrap().set_commit_hook(|| false);
    }
    let complaint = store.probe().await.unwrap_err().to_string();
    assert!(complaint.contains("constraint"), "{complaint}");
    // The connection with the hook is not reused.
    store.probe().await.unwrap();
}

/// SQLite ends an interrupted write in the same way as one that fails because of the disk or lack of memory.
#[tokio::test]
async fn after_an_interrupted_statement_the_next_transaction_works() {
    let (store, _dir) = empty().await;
    let TxOn::Sqlite(mut transaction) = store.begin(Isolation::ReadCommitted).await.unwrap().on else {
        panic!()
    };
    transaction.lock_handle().await.unwrap().set_progress_handler(1, || false);
    let broken_off = transaction.execute(raw_sql("INSERT INTO revisions VALUES ('test', 1)")).await;
    let complaint = broken_off.unwrap_err().to_string();
    assert!(complaint.contains("interrupted"), "{complaint}");
    drop(transaction);
    store.probe().await.unwrap();
}

/// Readers' transactions can end in the same way, and their connections are reused in turn.
#[tokio::test]
async fn a_reader_whose_transaction_was_ended_is_not_reused() {
    let (store, _dir) = empty().await;
    let mut transaction = raw(&store.readers).begin().await.unwrap();
    // SQLite's own ROLLBACK, unknown to the driver.
    transaction.execute(raw_sql("ROLLBACK")).await.unwrap();
    drop(transaction);
    for _ in 0..8 {
        let transaction = raw(&store.readers).begin_with("BEGIN").await.unwrap();
        transaction.commit().await.unwrap();
    }
}
