//! An installation is copied from SQLite to PostgreSQL and back, without any loss or change.
#![expect(clippy::unwrap_used, reason = "a test may fail loudly")]

mod server;

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use model::Secret;
use sqlx::{AssertSqlSafe, Connection as _, Executor as _, SqliteConnection, SqlitePool, raw_sql};
use store::{CopyError, Snapshot, TABLES, Value, copy};
use store_sql::{
    postgres::{self, Address, OpenError},
    sqlite,
};
use tempfile::TempDir;

/// More rows than in one transfer.
const ROWS: usize = 700;

async fn empty_file(folder: &TempDir, name: &str) -> PathBuf {
    let path = folder.path().join(name);
    sqlite::open(&path).await.unwrap().close().await;
    path
}

async fn empty_database() -> Address {
    let address = Address::read(&Secret::new(server::database("template1").await)).unwrap();
    postgres::migrate(&address).await.unwrap();
    address
}

/// Fills every table: every column has a value, and NULL where that is allowed.
async fn furnish(path: &Path) {
    let mut db = SqliteConnection::connect(path.to_str().unwrap()).await.unwrap();
    for table in TABLES {
        let columns: Vec<(String, String, bool)> =
            sqlx::query_as("SELECT name, type, \"notnull\" OR pk > 0 FROM pragma_table_info(?)")
                .bind(table.name)
                .fetch_all(&mut db)
                .await
                .unwrap();
        let parents: Vec<(String, String)> =
            sqlx::query_as("SELECT \"from\", \"table\" FROM pragma_foreign_key_list(?)")
                .bind(table.name)
                .fetch_all(&mut db)
                .await
                .unwrap();
        let parents: BTreeMap<_, _> = parents.into_iter().collect();
        let names: Vec<&str> = columns.iter().map(|(name, ..)| &**name).collect();
        let rows = (0..ROWS).map(|row| {
            let cells = columns.iter().map(|(name, kind, needed)| match (parents.get(name), &**kind) {
                _ if !needed && row % 3 == 0 => "NULL".to_owned(),
                // Text is JSON, because some columns need it.
                (Some(parent), _) => format!("'[\"{parent} {row} 🗝\"]'"),
                (None, "TEXT") if name == "id" => format!("'[\"{} {row} 🗝\"]'", table.name),
                (None, "TEXT") => format!("'[\"{name} {row} Zoë’s\"]'"),
                (None, "INTEGER") => format!("{}", 1_800_000_000_123_456_i64 - i64::try_from(row).unwrap()),
                (None, "BLOB") => format!("X'00FF{row:08x}'"),
                (None, other) => panic!("{}.{name} is {other}", table.name),
            });
            format!("({})", cells.collect::<Vec<_>>().join(","))
        });
        let values = rows.collect::<Vec<_>>().join(",");
        let sql = format!("INSERT INTO {} ({}) VALUES {values}", table.name, names.join(","));
        db.execute(raw_sql(AssertSqlSafe(sql))).await.unwrap();
    }
    db.close().await.unwrap();
}

/// Every row, with its cells by column name.
async fn everything(mut snapshot: Box<dyn Snapshot>) -> BTreeMap<&'static str, Vec<BTreeMap<String, Value>>> {
    let mut tables = BTreeMap::new();
    for table in TABLES {
        let columns = snapshot.columns(table).await.unwrap();
        let rows = snapshot.rows(table, &columns, None, u32::MAX).await.unwrap();
        assert_eq!(rows.len() as u64, snapshot.count(table).await.unwrap());
        let rows = rows.into_iter().map(|row| columns.iter().cloned().zip(row).collect());
        tables.insert(table.name, rows.collect());
    }
    tables
}

#[tokio::test]
async fn copying_there_and_back_loses_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let (here, address) = (empty_file(&folder, "here.db").await, empty_database().await);
    furnish(&here).await;
    let before = everything(sqlite::snapshot(&here).await.unwrap()).await;

    let mut seen = Vec::new();
    let mut source = sqlite::snapshot(&here).await.unwrap();
    let target = postgres::copy_target(&address).await.unwrap();
    let copied = copy(&mut *source, target, |done, total| seen.push((done, total))).await.unwrap();
    drop(source);
    assert_eq!(copied, (ROWS * TABLES.len()) as u64);
    assert_eq!((seen.first(), seen.last()), (Some(&(0, copied)), Some(&(copied, copied))));
    assert!(seen.is_sorted(), "progress increases");
    assert_eq!(everything(postgres::snapshot(&address).await.unwrap()).await, before);

    let back = empty_file(&folder, "back.db").await;
    let mut source = postgres::snapshot(&address).await.unwrap();
    let target = sqlite::copy_target(&back).await.unwrap();
    assert_eq!(copy(&mut *source, target, |_, _| {}).await.unwrap(), copied);
    assert_eq!(everything(sqlite::snapshot(&back).await.unwrap()).await, before);
    // The server's own store opens it.
    sqlite::open(&back).await.unwrap().close().await;
}

#[tokio::test]
async fn a_target_that_is_not_empty_is_not_changed() {
    let folder = tempfile::tempdir().unwrap();
    let (here, address) = (empty_file(&folder, "here.db").await, empty_database().await);
    furnish(&here).await;
    let fill = async || {
        let mut source = sqlite::snapshot(&here).await.unwrap();
        copy(&mut *source, postgres::copy_target(&address).await.unwrap(), |_, _| {}).await
    };
    fill().await.unwrap();
    let before = everything(postgres::snapshot(&address).await.unwrap()).await;
    let refused = fill().await.unwrap_err();
    assert!(matches!(refused, CopyError::NotEmpty { table: "workspaces", .. }), "{refused}");
    assert_eq!(everything(postgres::snapshot(&address).await.unwrap()).await, before);

    let there = empty_file(&folder, "there.db").await;
    furnish(&there).await;
    let mut source = sqlite::snapshot(&here).await.unwrap();
    let refused =
        copy(&mut *source, sqlite::copy_target(&there).await.unwrap(), |_, _| {}).await.unwrap_err();
    assert!(matches!(refused, CopyError::NotEmpty { .. }), "{refused}");
}

#[tokio::test]
async fn a_failed_copy_leaves_nothing_behind() {
    let folder = tempfile::tempdir().unwrap();
    let (here, address) = (empty_file(&folder, "here.db").await, empty_database().await);
    furnish(&here).await;
    let db = SqlitePool::connect(here.to_str().unwrap()).await.unwrap();
    // The last table has a value that PostgreSQL can't store.
    sqlx::query("UPDATE bot_screenshots SET file = char(0) || 'x'").execute(&db).await.unwrap();
    db.close().await;
    let mut source = sqlite::snapshot(&here).await.unwrap();
    let target = postgres::copy_target(&address).await.unwrap();
    let refused = copy(&mut *source, target, |_, _| {}).await.unwrap_err();
    assert!(matches!(refused, CopyError::Store { table: "bot_screenshots", .. }), "{refused}");
    let mut empty = postgres::snapshot(&address).await.unwrap();
    for table in TABLES {
        assert_eq!(empty.count(table).await.unwrap(), 0, "{}", table.name);
    }
}

#[tokio::test]
async fn a_database_in_use_is_not_copied() {
    let folder = tempfile::tempdir().unwrap();
    let (here, address) = (empty_file(&folder, "here.db").await, empty_database().await);
    let server = sqlite::open(&here).await.unwrap();
    let refused = sqlite::snapshot(&here).await.err().unwrap();
    assert!(matches!(refused, sqlite::OpenError::InUse { .. }), "{refused}");
    server.close().await;
    let held = sqlite::snapshot(&here).await.unwrap();
    sqlite::open(&here).await.expect_err("no server starts during a copy");
    drop(held);

    let server = postgres::open(&address).await.unwrap();
    store::Access::workspaces(&server).await.unwrap();
    let refused = postgres::copy_target(&address).await.err().unwrap();
    assert!(matches!(refused, OpenError::InUse { .. }), "{refused}");
}

#[tokio::test]
async fn an_older_schema_is_not_copied() {
    let folder = tempfile::tempdir().unwrap();
    let here = empty_file(&folder, "here.db").await;
    let db = SqlitePool::connect(here.to_str().unwrap()).await.unwrap();
    sqlx::query("DELETE FROM schema_steps WHERE name = '0030_used_ids'").execute(&db).await.unwrap();
    db.close().await;
    let refused = sqlite::snapshot(&here).await.err().unwrap();
    assert!(refused.to_string().contains("latchkey migrate"), "{refused}");

    let url = server::database("template1").await;
    let refused = postgres::copy_target(&Address::read(&Secret::new(&*url)).unwrap()).await.err().unwrap();
    assert!(matches!(refused, OpenError::TooOld { .. }), "{refused}");
}
