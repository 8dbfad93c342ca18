//! A whole store, moved into another.
//!
//! A [`Snapshot`] is one moment of a store, a [`Filling`] one transaction on an empty one. [`copy`] carries the rows
//! across, table by table, and counts them at the end.

use async_trait::async_trait;

use crate::StoreError;

/// A table, and what its rows are ordered by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Table {
    /// Its name.
    pub name: &'static str,
    /// The columns of its primary key.
    pub key: &'static [&'static str],
}

const fn table(name: &'static str) -> Table {
    Table { name, key: &["id"] }
}

/// Every table. A row points only at rows of tables above its own. The conformance suite compares this list with what a
/// database really has.
pub const TABLES: &[Table] = &[
    table("workspaces"),
    table("api_keys"),
    table("zoom_oauth_apps"),
    table("credentials"),
    Table { name: "meetings", key: &["credential", "number"] },
    table("account_log"),
    Table { name: "zoom_events", key: &["key"] },
    table("consents"),
    table("parked_consents"),
    table("pools"),
    Table { name: "pool_members", key: &["pool", "credential", "zoom_user"] },
    table("pool_seats"),
    Table { name: "zoom_limits", key: &["lane"] },
    table("token_links"),
    Table { name: "revisions", key: &["what"] },
    Table { name: "seen_requests", key: &["request"] },
    table("used_ids"),
    table("idempotent_requests"),
    table("bot_servers"),
    table("bots"),
    Table { name: "bot_steps", key: &["bot", "step"] },
    table("bot_screenshots"),
    Table { name: "audit_batches", key: &["slice", "id"] },
];

/// Rows that cross at a time.
const BATCH: u32 = 500;

/// What a cell holds. Both backends know these, and nothing else; JSON travels as text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// Nothing.
    Null,
    /// A number.
    Integer(i64),
    /// Text, or JSON.
    Text(String),
    /// Bytes.
    Bytes(Vec<u8>),
}

impl Value {
    /// The number, if it is one.
    pub fn into_integer(self) -> Option<i64> {
        if let Self::Integer(number) = self { Some(number) } else { None }
    }

    /// The text, if it is some.
    pub fn into_text(self) -> Option<String> {
        if let Self::Text(text) = self { Some(text) } else { None }
    }

    /// The bytes, if it is some.
    pub fn into_bytes(self) -> Option<Vec<u8>> {
        if let Self::Bytes(bytes) = self { Some(bytes) } else { None }
    }
}

/// The cells of a row, in the order of the columns.
pub type Row = Vec<Value>;

/// One moment of a store.
#[async_trait]
pub trait Snapshot: Send {
    /// The columns of a table, by name.
    async fn columns(&mut self, table: &Table) -> Result<Vec<String>, StoreError>;

    /// How many rows a table has.
    async fn count(&mut self, table: &Table) -> Result<u64, StoreError>;

    /// The next rows, `limit` at most, in the order of the table's key and beyond the key `after`.
    async fn rows(
        &mut self,
        table: &Table,
        columns: &[String],
        after: Option<&[Value]>,
        limit: u32,
    ) -> Result<Vec<Row>, StoreError>;
}

/// One transaction on a store. Dropped, it leaves everything as it was.
#[async_trait]
pub trait Filling: Send {
    /// How many rows a table has by now.
    async fn count(&mut self, table: &Table) -> Result<u64, StoreError>;

    /// Adds rows. A column that the table lacks is an error.
    async fn insert(&mut self, table: &Table, columns: &[String], rows: Vec<Row>) -> Result<(), StoreError>;

    /// Makes it last.
    async fn commit(self: Box<Self>) -> Result<(), StoreError>;
}

/// A store was not copied, and the target is as it was.
#[derive(Debug, thiserror::Error)]
pub enum CopyError {
    /// The target holds an installation, or a part of one.
    #[error("the target is not empty (it has {rows} rows in {table}): copy into a new database")]
    NotEmpty {
        /// The first table with something in it.
        table: &'static str,
        /// How much.
        rows: u64,
    },
    /// Rows were lost on the way: a bug, or somebody else writes to one of both.
    #[error(
        "{table} has {expected} rows at the source, and {found} have arrived: stop every server and copy again"
    )]
    Short {
        /// Which table.
        table: &'static str,
        /// What the source has.
        expected: u64,
        /// What the target has.
        found: u64,
    },
    /// One of both stores.
    #[error("{table} cannot be copied: {cause}")]
    Store {
        /// Which table.
        table: &'static str,
        /// Why.
        cause: StoreError,
    },
}

/// Copies everything, and tells `progress` of how many rows have crossed, of how many. Answers their number.
pub async fn copy(
    source: &mut dyn Snapshot,
    mut target: Box<dyn Filling>,
    mut progress: impl FnMut(u64, u64),
) -> Result<u64, CopyError> {
    let at = |table: &Table| {
        let table = table.name;
        move |cause| CopyError::Store { table, cause }
    };
    let (mut counts, mut total) = (Vec::new(), 0);
    for table in TABLES {
        let rows = target.count(table).await.map_err(at(table))?;
        if rows > 0 {
            return Err(CopyError::NotEmpty { table: table.name, rows });
        }
        let count = source.count(table).await.map_err(at(table))?;
        counts.push((table, count));
        total += count;
    }
    let mut copied = 0;
    progress(copied, total);
    for table in TABLES {
        let columns = source.columns(table).await.map_err(at(table))?;
        let key: Vec<usize> =
            table.key.iter().filter_map(|key| columns.iter().position(|column| column == key)).collect();
        let mut after: Option<Row> = None;
        loop {
            let rows = source.rows(table, &columns, after.as_deref(), BATCH).await.map_err(at(table))?;
            let Some(last) = rows.last() else { break };
            after = Some(key.iter().map(|column| last[*column].clone()).collect());
            copied += rows.len() as u64;
            target.insert(table, &columns, rows).await.map_err(at(table))?;
            progress(copied, total);
        }
    }
    for (table, expected) in counts {
        let found = target.count(table).await.map_err(at(table))?;
        if found != expected {
            return Err(CopyError::Short { table: table.name, expected, found });
        }
    }
    target.commit().await.map_err(at(&TABLES[0]))?;
    Ok(copied)
}
