//! Reads or fills a whole database in one transaction.

use std::collections::BTreeMap;

use async_trait::async_trait;
use sqlx::{AssertSqlSafe, Connection as _, Executor as _, PgConnection, Row as _, postgres::PgRow};
use store::{CopyTarget, Row, Snapshot, StoreError, Table, Value};

use super::{
    Address, OpenError,
    connections::{BEGIN_READ_COMMITTED, BEGIN_SNAPSHOT},
    migrations, open,
};
use crate::error::failed;

/// How often to check for running servers, every tenth of a second.
const CHECKS: u32 = 20;

/// A transaction on its own connection. Dropping it rolls back.
struct Copying {
    db: PgConnection,
    /// The columns of a table, by name.
    kinds: BTreeMap<&'static str, BTreeMap<String, Kind>>,
}

/// The type of a column.
#[derive(Debug, Clone, Copy)]
enum Kind {
    Integer,
    Text,
    Bytes,
    Json,
}

/// A snapshot of the database. Its schema has to be current, and no server may run, because later writes would
/// not be copied.
pub async fn snapshot(address: &Address) -> Result<Box<dyn Snapshot>, OpenError> {
    Ok(Box::new(Copying::begin(address, BEGIN_SNAPSHOT).await?))
}

/// The database as a target. The same conditions apply.
pub async fn copy_target(address: &Address) -> Result<Box<dyn CopyTarget>, OpenError> {
    let mut copying = Copying::begin(address, BEGIN_READ_COMMITTED).await?;
    // Prevents a second copy, and a server that creates the first workspace during the copy.
    let lock = "-- copy: lock\nLOCK TABLE workspaces IN SHARE ROW EXCLUSIVE MODE";
    let unusable = |cause| OpenError::Unusable { address: address.clone(), cause };
    copying.db.execute(lock).await.map_err(unusable)?;
    Ok(Box::new(copying))
}

impl Copying {
    async fn begin(address: &Address, begin: &'static str) -> Result<Self, OpenError> {
        let unusable = |cause| OpenError::Unusable { address: address.clone(), cause };
        let mut db = open::connect(address).await?;
        migrations::check(&mut db, address).await?;
        if open::is_shared(&mut db, address).await? {
            return Err(OpenError::Pooled { address: address.clone() });
        }
        db.execute("-- copy: timeouts\nSET statement_timeout = 0; SET lock_timeout = '10s'")
            .await
            .map_err(unusable)?;
        let mut others = servers(&mut db).await.map_err(unusable)?;
        for _ in 0..CHECKS {
            if others == 0 {
                break;
            }
            // A closed connection stays in PostgreSQL's list for a moment.
            db.execute("-- copy: wait\nSELECT pg_sleep(0.1)").await.map_err(unusable)?;
            others = servers(&mut db).await.map_err(unusable)?;
        }
        if others > 0 {
            return Err(OpenError::InUse { address: address.clone(), connections: others });
        }
        db.execute(begin).await.map_err(unusable)?;
        Ok(Self { db, kinds: BTreeMap::new() })
    }

    async fn kinds(&mut self, table: &Table) -> Result<&BTreeMap<String, Kind>, StoreError> {
        if !self.kinds.contains_key(table.name) {
            let rows: Vec<(String, String)> = sqlx::query_as(
                "-- copy: columns\n\
                 SELECT column_name::text, data_type::text FROM information_schema.columns\n\
                 WHERE table_schema = current_schema() AND table_name = $1",
            )
            .bind(table.name)
            .fetch_all(&mut self.db)
            .await
            .map_err(failed)?;
            let kinds = rows.into_iter().map(|(name, kind)| Ok((name, known(table, &kind)?)));
            self.kinds.insert(table.name, kinds.collect::<Result<_, StoreError>>()?);
        }
        Ok(&self.kinds[table.name])
    }

    /// The kinds of `columns`, in their order.
    async fn kinds_of(&mut self, table: &Table, columns: &[String]) -> Result<Vec<Kind>, StoreError> {
        let kinds = self.kinds(table).await?;
        let kind = |column: &String| {
            kinds.get(column).copied().ok_or_else(|| corrupt(table, format!("it has no column {column}")))
        };
        columns.iter().map(kind).collect()
    }

    async fn count_rows(&mut self, table: &Table) -> Result<u64, StoreError> {
        let sql = format!("-- copy: count\nSELECT count(*) FROM {}", table.name);
        let count: i64 =
            sqlx::query_scalar(AssertSqlSafe(sql)).fetch_one(&mut self.db).await.map_err(failed)?;
        Ok(count.unsigned_abs())
    }
}

#[async_trait]
impl Snapshot for Copying {
    async fn columns(&mut self, table: &Table) -> Result<Vec<String>, StoreError> {
        Ok(self.kinds(table).await?.keys().cloned().collect())
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
        let kinds = self.kinds_of(table, columns).await?;
        let selected = columns.iter().zip(&kinds).map(|(column, kind)| match kind {
            Kind::Json => format!("{column}::text"),
            _ => column.clone(),
        });
        let selected = selected.collect::<Vec<_>>().join(", ");
        let key = table.key.join(", ");
        let beyond = match after {
            Some(after) => format!("WHERE ({key}) > ({})", parameters(after.len())),
            None => String::new(),
        };
        let sql = format!(
            "-- copy: rows\nSELECT {selected} FROM {} {beyond} ORDER BY {key} LIMIT {limit}",
            table.name
        );
        let mut query = sqlx::query(AssertSqlSafe(sql));
        for value in after.unwrap_or_default() {
            query = match value {
                Value::Null => return Err(corrupt(table, "a row without a key")),
                Value::Integer(number) => query.bind(*number),
                Value::Text(text) => query.bind(text),
                Value::Bytes(bytes) => query.bind(bytes),
            };
        }
        let rows = query.fetch_all(&mut self.db).await.map_err(failed)?;
        let cells = |row| kinds.iter().enumerate().map(|(column, kind)| value(row, column, *kind)).collect();
        rows.iter().map(cells).collect()
    }
}

#[async_trait]
impl CopyTarget for Copying {
    async fn count(&mut self, table: &Table) -> Result<u64, StoreError> {
        self.count_rows(table).await
    }

    /// Inserts all rows with one statement: an array for each column.
    async fn insert(&mut self, table: &Table, columns: &[String], rows: Vec<Row>) -> Result<(), StoreError> {
        let kinds = self.kinds_of(table, columns).await?;
        let arrays = kinds.iter().enumerate().map(|(column, kind)| match kind {
            Kind::Integer => format!("${}::bigint[]", column + 1),
            Kind::Text | Kind::Json => format!("${}::text[]", column + 1),
            Kind::Bytes => format!("${}::bytea[]", column + 1),
        });
        let selected = columns.iter().zip(&kinds).map(|(column, kind)| match kind {
            Kind::Json => format!("{column}::jsonb"),
            _ => column.clone(),
        });
        let names = columns.join(", ");
        let sql = format!(
            "-- copy: insert\nINSERT INTO {} ({names}) SELECT {} FROM unnest({}) AS r ({names})",
            table.name,
            selected.collect::<Vec<_>>().join(", "),
            arrays.collect::<Vec<_>>().join(", "),
        );
        let mut cells: Vec<Vec<Value>> = kinds.iter().map(|_| Vec::with_capacity(rows.len())).collect();
        for row in rows {
            cells.iter_mut().zip(row).for_each(|(column, value)| column.push(value));
        }
        let mut query = sqlx::query(AssertSqlSafe(sql));
        for (kind, cells) in kinds.iter().zip(cells) {
            let mismatch = || corrupt(table, format!("a column of the source does not contain {kind:?}"));
            query = match kind {
                Kind::Integer => query.bind(each(cells, Value::into_integer).ok_or_else(mismatch)?),
                Kind::Text | Kind::Json => query.bind(each(cells, Value::into_text).ok_or_else(mismatch)?),
                Kind::Bytes => query.bind(each(cells, Value::into_bytes).ok_or_else(mismatch)?),
            };
        }
        query.execute(&mut self.db).await.map_err(failed)?;
        Ok(())
    }

    async fn commit(mut self: Box<Self>) -> Result<(), StoreError> {
        self.db.execute("-- copy: commit\nCOMMIT").await.map_err(failed)?;
        // An error while closing doesn't matter.
        drop(self.db.close().await);
        Ok(())
    }
}

/// How many connections of our servers are open. All servers have the same application name.
async fn servers(db: &mut PgConnection) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar(
        "-- copy: servers\n\
         SELECT count(*) FROM pg_stat_activity\n\
         WHERE datname = current_database() AND application_name = current_setting('application_name')\n\
             AND pid <> pg_backend_pid()",
    )
    .fetch_one(db)
    .await
}

fn known(table: &Table, kind: &str) -> Result<Kind, StoreError> {
    Ok(match kind {
        "bigint" => Kind::Integer,
        "text" => Kind::Text,
        "bytea" => Kind::Bytes,
        "jsonb" => Kind::Json,
        other => return Err(corrupt(table, format!("a column of type {other}"))),
    })
}

/// `$1, $2, …`
fn parameters(count: usize) -> String {
    (1..=count).map(|number| format!("${number}")).collect::<Vec<_>>().join(", ")
}

fn value(row: &PgRow, column: usize, kind: Kind) -> Result<Value, StoreError> {
    let value = match kind {
        Kind::Integer => row.try_get::<Option<i64>, _>(column).map(|number| number.map(Value::Integer)),
        Kind::Text | Kind::Json => row.try_get::<Option<String>, _>(column).map(|text| text.map(Value::Text)),
        Kind::Bytes => row.try_get::<Option<Vec<u8>>, _>(column).map(|bytes| bytes.map(Value::Bytes)),
    };
    value.map(|value| value.unwrap_or(Value::Null)).map_err(failed)
}

/// A column as an array; `None` when a cell has another type.
fn each<T>(cells: Vec<Value>, of: impl Fn(Value) -> Option<T>) -> Option<Vec<Option<T>>> {
    let cell = |value| match value {
        Value::Null => Some(None),
        value => of(value).map(Some),
    };
    cells.into_iter().map(cell).collect()
}

fn corrupt(table: &Table, cause: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> StoreError {
    StoreError::Corrupt { table: table.name, cause: cause.into() }
}
