//! Reads or fills a whole file under an exclusive lock.

use std::{path::Path, time::Duration};

use async_trait::async_trait;
use sqlx::{
    AssertSqlSafe, ConnectOptions as _, Connection as _, Executor as _, Row as _, SqliteConnection,
    TypeInfo as _, ValueRef as _,
    error::DatabaseError,
    sqlite::{SqliteConnectOptions, SqliteLockingMode, SqliteRow},
};
use store::{CopyTarget, Row, Snapshot, StoreError, Table, Value};

use super::{OpenError, migrations};
use crate::error::failed;

/// A transaction with an exclusive lock on the file, which also excludes servers. Dropping it rolls back.
struct Alone {
    db: SqliteConnection,
}

/// A snapshot of the file at `path`. Its schema has to be current, and no server may have it open.
pub async fn snapshot(path: &Path) -> Result<Box<dyn Snapshot>, OpenError> {
    Ok(Box::new(Alone::begin(path).await?))
}

/// The file at `path` as a target. The same conditions apply.
pub async fn copy_target(path: &Path) -> Result<Box<dyn CopyTarget>, OpenError> {
    Ok(Box::new(Alone::begin(path).await?))
}

impl Alone {
    async fn begin(path: &Path) -> Result<Self, OpenError> {
        let refused = |cause: sqlx::Error| match cause.as_database_error().and_then(DatabaseError::code) {
            // SQLITE_BUSY and SQLITE_BUSY_RECOVERY: another process has it open.
            Some(code) if code == "5" || code == "261" => OpenError::InUse { path: path.to_owned() },
            _ => OpenError::Unusable { path: path.to_owned(), cause },
        };
        let options = SqliteConnectOptions::new()
            .filename(path)
            .locking_mode(SqliteLockingMode::Exclusive)
            .foreign_keys(true)
            .busy_timeout(Duration::from_secs(1))
            .disable_statement_logging();
        let mut db = options.connect().await.map_err(refused)?;
        db.execute("-- copy: begin\nBEGIN IMMEDIATE").await.map_err(refused)?;
        migrations::check(&mut db, path).await?;
        Ok(Self { db })
    }

    async fn count_rows(&mut self, table: &Table) -> Result<u64, StoreError> {
        let sql = format!("-- copy: count\nSELECT count(*) FROM {}", table.name);
        let count: i64 =
            sqlx::query_scalar(AssertSqlSafe(sql)).fetch_one(&mut self.db).await.map_err(failed)?;
        Ok(count.unsigned_abs())
    }
}

#[async_trait]
impl Snapshot for Alone {
    async fn columns(&mut self, table: &Table) -> Result<Vec<String>, StoreError> {
        sqlx::query_scalar("-- copy: columns\nSELECT name FROM pragma_table_info(?) ORDER BY cid")
            .bind(table.name)
            .fetch_all(&mut self.db)
            .await
            .map_err(failed)
    }

    async fn count(&mut self, table: &Table) -> Result<u64, StoreError> {
        self.count_rows(table).await
    }

    async fn rows(
        &mut self,
        table: &Table,
        columns: &[String],
        after: Option<&[Value]>,
        limit: u32,
    ) -> Result<Vec<Row>, StoreError> {
        let key = table.key.join(", ");
        let beyond = match after {
            Some(after) => format!("WHERE ({key}) > ({})", vec!["?"; after.len()].join(", ")),
            None => String::new(),
        };
        let sql = format!(
            "-- copy: rows\nSELECT {} FROM {} {beyond} ORDER BY {key} LIMIT {limit}",
            columns.join(", "),
            table.name
        );
        let mut query = sqlx::query(AssertSqlSafe(sql));
        for value in after.unwrap_or_default() {
            query = bind(query, value.clone());
        }
        let rows = query.fetch_all(&mut self.db).await.map_err(failed)?;
        rows.iter().map(|row| (0..columns.len()).map(|column| value(table, row, column)).collect()).collect()
    }
}

#[async_trait]
impl CopyTarget for Alone {
    async fn count(&mut self, table: &Table) -> Result<u64, StoreError> {
        self.count_rows(table).await
    }

    async fn insert(&mut self, table: &Table, columns: &[String], rows: Vec<Row>) -> Result<(), StoreError> {
        let sql = format!(
            "-- copy: insert\nINSERT INTO {} ({}) VALUES ({})",
            table.name,
            columns.join(", "),
            vec!["?"; columns.len()].join(", ")
        );
        for row in rows {
            let mut query = sqlx::query(AssertSqlSafe(&*sql));
            for value in row {
                query = bind(query, value);
            }
            query.execute(&mut self.db).await.map_err(failed)?;
        }
        Ok(())
    }

    async fn commit(mut self: Box<Self>) -> Result<(), StoreError> {
        self.db.execute("-- copy: commit\nCOMMIT").await.map_err(failed)?;
        self.db.close().await.map_err(failed)
    }
}

type Query<'q> = sqlx::query::Query<'q, sqlx::Sqlite, sqlx::sqlite::SqliteArguments>;

fn bind(query: Query<'_>, value: Value) -> Query<'_> {
    match value {
        Value::Null => query.bind(None::<i64>),
        Value::Integer(number) => query.bind(number),
        Value::Text(text) => query.bind(text),
        Value::Bytes(bytes) => query.bind(bytes),
    }
}

fn value(table: &Table, row: &SqliteRow, column: usize) -> Result<Value, StoreError> {
    let raw = row.try_get_raw(column).map_err(failed)?;
    if raw.is_null() {
        return Ok(Value::Null);
    }
    match raw.type_info().name() {
        "INTEGER" => row.try_get(column).map(Value::Integer).map_err(failed),
        "TEXT" => row.try_get(column).map(Value::Text).map_err(failed),
        "BLOB" => row.try_get(column).map(Value::Bytes).map_err(failed),
        other => {
            Err(StoreError::Corrupt { table: table.name, cause: format!("a value of type {other}").into() })
        }
    }
}
