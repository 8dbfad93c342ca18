//! Copies a whole store into another.
//!
//! A [`Snapshot`] is one consistent view of a store, a [`CopyTarget`] one transaction on an empty one.
//! [`copy`] transfers the rows table by table and counts them at the end.

use async_trait::async_trait;

use crate::StoreError;

/// A table and its order.
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

/// Every table. Rows refer only to rows of tables further up. The conformance suite compares this
/// list with the real database.
pub const TABLES: &[Table] = &[
    table("workspaces"),
    table("api_keys"),
    Table { name: "console_sessions", key: &["digest"] },
    table("zoom_oauth_apps"),
    table("credentials"),
    Table { name: "meetings", key: &["credential", "number"] },
    table("account_log"),
    Table { name: "refresh_counts", key: &["workspace", "hour", "outcome"] },
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
    table("bot_pictures"),
    table("bot_chat_messages"),
    table("bot_log"),
    table("meeting_events"),
    table("realtime_endpoints"),
    Table { name: "bot_places", key: &["bot"] },
    Table { name: "event_numbers", key: &["workspace"] },
    table("events"),
    table("webhook_endpoints"),
    Table { name: "deliveries", key: &["endpoint", "event"] },
    Table { name: "audit_batches", key: &["slice", "id"] },
    Table { name: "audit_subjects", key: &["subject", "workspace", "minute"] },
];

/// Rows in one transfer.
const BATCH: u32 = 500;

/// The value of a cell. Both databases have these types and no others; JSON is transferred as text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// NULL.
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

    /// The text, if it is text.
    pub fn into_text(self) -> Option<String> {
        if let Self::Text(text) = self { Some(text) } else { None }
    }

    /// The bytes, if it is bytes.
    pub fn into_bytes(self) -> Option<Vec<u8>> {
        if let Self::Bytes(bytes) = self { Some(bytes) } else { None }
    }
}

/// The cells of a row, in the order of the columns.
pub type Row = Vec<Value>;

/// A consistent view of a store.
#[async_trait]
pub trait Snapshot: Send {
    /// The columns of a table, by name.
    async fn columns(&mut self, table: &Table) -> Result<Vec<String>, StoreError>;

    /// How many rows a table has.
    async fn count(&mut self, table: &Table) -> Result<u64, StoreError>;

    /// The next rows, at most `limit`, in the order of the table's key, after the key `after`.
    async fn rows(
        &mut self,
        table: &Table,
        columns: &[String],
        after: Option<&[Value]>,
        limit: u32,
    ) -> Result<Vec<Row>, StoreError>;
}

/// One transaction on a store. Dropping it rolls back.
#[async_trait]
pub trait CopyTarget: Send {
    /// How many rows a table has now.
    async fn count(&mut self, table: &Table) -> Result<u64, StoreError>;

    /// Adds rows. A column that the table lacks is an error.
    async fn insert(&mut self, table: &Table, columns: &[String], rows: Vec<Row>) -> Result<(), StoreError>;

    /// Commits.
    async fn commit(self: Box<Self>) -> Result<(), StoreError>;
}

/// A store was not copied, and the target is unchanged.
#[derive(Debug, thiserror::Error)]
pub enum CopyError {
    /// The target is not empty.
    #[error("the target is not empty (it has {rows} rows in {table}): copy into a new database")]
    NotEmpty {
        /// The first table with rows in it.
        table: &'static str,
        /// How many rows.
        rows: u64,
    },
    /// The counts differ: a bug, or another process writes to one of the databases.
    #[error(
        "{table} has {expected} rows at the source but {found} at the target: stop every server and copy again"
    )]
    Short {
        /// Which table.
        table: &'static str,
        /// Rows of the source.
        expected: u64,
        /// Rows of the target.
        found: u64,
    },
    /// A call on one of the databases failed.
    #[error("{table} cannot be copied: {cause}")]
    Store {
        /// Which table.
        table: &'static str,
        /// Why.
        cause: StoreError,
    },
}

/// Copies everything and returns the number of rows. Calls `progress` with the number of copied rows
/// and the total.
pub async fn copy(
    source: &mut dyn Snapshot,
    mut target: Box<dyn CopyTarget>,
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
