//! Statements with their values, for either database.

use std::borrow::Cow;

use model::{
    ApiKeyId, BotId, BotLogEntryId, ChatMessageId, ConnectLinkId, CredentialId, EventId, IdempotentRequestId,
    LeaseToken, LogLineId, MeetingEventsId, ParkedConsentId, PoolId, RealtimeEndpointId, ScreenshotId,
    Sealed, SeatId, Timestamp, TokenLinkId, UsedIdsId, WebhookEndpointId, WorkspaceId, ZoomOauthAppId,
};
use serde::Serialize;
use sqlx::{
    AssertSqlSafe,
    postgres::{PgArguments, Postgres},
    query::Query as Bound,
    sqlite::{Sqlite, SqliteArguments},
    types::Json,
};
use store::StoreError;

use crate::{
    db::{Pool, Target, Tx, TxOn},
    error::failed,
    row::{Cell, Row},
    sqlite,
};

/// The maximum number of rows of one statement: far below the number of values that either database accepts.
pub(crate) const MAX_ROWS: usize = 500;
/// The value of a secret that is erased or absent.
pub(crate) const NO_BYTES: &[u8] = &[];

/// The value of a `$n`. The variants are the column types of the schema. NULL also has a type, because
/// PostgreSQL needs it.
#[derive(Debug, Clone)]
pub(crate) enum Value {
    Integer(Option<i64>),
    Text(Option<String>),
    Bytes(Option<Vec<u8>>),
    Flag(bool),
    /// For `= ANY($n)`.
    List(Vec<String>),
    Json(serde_json::Value),
}

macro_rules! kinds {
    ($($kind:ident: $($type:ty)|+ => |$value:ident| $made:expr;)+) => {$($(
        impl From<$type> for Value {
            fn from($value: $type) -> Self {
                Self::$kind(Some($made))
            }
        }

        impl From<Option<$type>> for Value {
            fn from(value: Option<$type>) -> Self {
                Self::$kind(value.map(|$value| $made))
            }
        }
    )+)+};
}

kinds! {
    Integer: i64 => |number| number;
    Integer: u32 => |number| i64::from(number);
    Integer: Timestamp => |time| time.as_microsecond();
    Text: String => |text| text;
    Text: &str | &String => |text| text.to_owned();
    Text: ApiKeyId | BotId | BotLogEntryId | ChatMessageId | ConnectLinkId | CredentialId | EventId | IdempotentRequestId | LeaseToken | LogLineId | MeetingEventsId
        | ParkedConsentId | PoolId | RealtimeEndpointId | ScreenshotId | SeatId | TokenLinkId | UsedIdsId | WebhookEndpointId | WorkspaceId | ZoomOauthAppId => |id| id.to_string();
    Bytes: Vec<u8> => |bytes| bytes;
    Bytes: &[u8] => |bytes| bytes.to_vec();
    Bytes: &Vec<u8> => |bytes| bytes.clone();
    Bytes: &Sealed => |sealed| sealed.0.clone();
}

impl From<&Option<String>> for Value {
    fn from(text: &Option<String>) -> Self {
        Self::Text(text.clone())
    }
}

impl From<bool> for Value {
    fn from(flag: bool) -> Self {
        Self::Flag(flag)
    }
}

impl From<Vec<String>> for Value {
    fn from(list: Vec<String>) -> Self {
        Self::List(list)
    }
}

/// Values for [`Query::with`], which may have different types.
macro_rules! values {
    ($($value:expr),* $(,)?) => { [$(::std::convert::Into::<$crate::query::Value>::into($value)),*] };
}

pub(crate) use values;

/// The value of a JSON column.
pub(crate) fn json<T: Serialize>(value: &T) -> Value {
    Value::Json(serde_json::to_value(value).expect("only lists and maps of text"))
}

/// The value for `= ANY($n)`.
pub(crate) fn list<T: ToString>(items: impl IntoIterator<Item = T>) -> Value {
    Value::List(items.into_iter().map(|item| item.to_string()).collect())
}

/// A statement and the values of its `$1`, `$2`, ...
#[derive(Debug)]
pub(crate) struct Query {
    sql: Cow<'static, str>,
    values: Vec<Value>,
}

/// A statement in PostgreSQL's dialect. It begins with its name, `-- name`, which is shown in the databases'
/// own logs. The text comes only from this crate: external data is bound.
pub(crate) fn query(sql: impl Into<Cow<'static, str>>) -> Query {
    Query { sql: sql.into(), values: Vec::new() }
}

impl Query {
    /// Binds the value of the next `$n`.
    pub(crate) fn bind(mut self, value: impl Into<Value>) -> Self {
        self.values.push(value.into());
        self
    }

    /// Binds the next values.
    pub(crate) fn with(mut self, values: impl IntoIterator<Item = Value>) -> Self {
        self.values.extend(values);
        self
    }

    /// Appends text.
    pub(crate) fn push(&mut self, text: &str) -> &mut Self {
        self.sql.to_mut().push_str(text);
        self
    }

    /// Appends a value.
    pub(crate) fn push_bind(&mut self, value: impl Into<Value>) -> &mut Self {
        self.values.push(value.into());
        let parameter = format!("${}", self.values.len());
        self.push(&parameter)
    }

    /// Appends `VALUES` with a row for each item, whose columns `row` adds.
    pub(crate) fn push_rows<T>(&mut self, items: &[T], row: impl Fn(&mut Self, &T)) {
        self.push(" VALUES ");
        for (number, item) in items.iter().enumerate() {
            self.push(if number == 0 { "(" } else { ", (" });
            row(self, item);
            self.push(")");
        }
    }

    /// Runs the statement and returns how many rows it changed.
    pub(crate) async fn execute(self, on: impl Into<Target<'_>>) -> Result<u64, StoreError> {
        match on.into() {
            Target::Pool(Pool::Sqlite(pool)) => {
                self.for_sqlite().execute(pool).await.map(|done| done.rows_affected())
            }
            Target::Tx(Tx { on: TxOn::Sqlite(tx), .. }) => {
                self.for_sqlite().execute(&mut **tx).await.map(|done| done.rows_affected())
            }
            Target::Pool(Pool::Postgres(pool)) => pool.execute(self.for_postgres()).await,
            Target::Tx(Tx { on: TxOn::Postgres(tx), .. }) => tx.execute(self.for_postgres()).await,
        }
        .map_err(failed)
    }

    pub(crate) async fn fetch_all(self, on: impl Into<Target<'_>>) -> Result<Vec<Row>, StoreError> {
        match on.into() {
            Target::Pool(Pool::Sqlite(pool)) => self.for_sqlite().fetch_all(pool).await.map(Row::of_sqlite),
            Target::Tx(Tx { on: TxOn::Sqlite(tx), .. }) => {
                self.for_sqlite().fetch_all(&mut **tx).await.map(Row::of_sqlite)
            }
            Target::Pool(Pool::Postgres(pool)) => {
                pool.fetch_all(self.for_postgres()).await.map(Row::of_postgres)
            }
            Target::Tx(Tx { on: TxOn::Postgres(tx), .. }) => {
                tx.fetch_all(self.for_postgres()).await.map(Row::of_postgres)
            }
        }
        .map_err(failed)
    }

    /// The row, if there is one.
    pub(crate) async fn fetch_optional(self, on: impl Into<Target<'_>>) -> Result<Option<Row>, StoreError> {
        Ok(self.fetch_all(on).await?.into_iter().next())
    }

    /// The row, if there is one, as read by `read`.
    pub(crate) async fn one<T>(
        self,
        on: impl Into<Target<'_>>,
        read: impl Fn(&Row) -> Result<T, StoreError>,
    ) -> Result<Option<T>, StoreError> {
        self.fetch_optional(on).await?.as_ref().map(read).transpose()
    }

    /// All rows, as read by `read`.
    pub(crate) async fn all<T>(
        self,
        on: impl Into<Target<'_>>,
        read: impl Fn(&Row) -> Result<T, StoreError>,
    ) -> Result<Vec<T>, StoreError> {
        self.fetch_all(on).await?.iter().map(read).collect()
    }

    /// The first row, which always exists.
    pub(crate) async fn fetch_one(self, on: impl Into<Target<'_>>) -> Result<Row, StoreError> {
        self.fetch_optional(on).await?.ok_or_else(|| failed(sqlx::Error::RowNotFound))
    }

    /// The first column of every row.
    pub(crate) async fn column<T: Cell>(self, on: impl Into<Target<'_>>) -> Result<Vec<T>, StoreError> {
        self.fetch_all(on).await?.iter().map(Row::first).collect()
    }

    /// The first column of the row, if there is one.
    pub(crate) async fn scalar<T: Cell>(self, on: impl Into<Target<'_>>) -> Result<Option<T>, StoreError> {
        self.fetch_optional(on).await?.as_ref().map(Row::first).transpose()
    }

    /// The result of a `SELECT count(*)`.
    pub(crate) async fn count(self, on: impl Into<Target<'_>>) -> Result<u64, StoreError> {
        Ok(self.fetch_one(on).await?.first::<i64>()?.unsigned_abs())
    }

    fn for_sqlite(self) -> Bound<'static, Sqlite, SqliteArguments> {
        let bound = sqlx::query(AssertSqlSafe(sqlite::translated(self.sql)));
        self.values.into_iter().fold(bound, |bound, value| match value {
            Value::Integer(number) => bound.bind(number),
            Value::Text(text) => bound.bind(text.map(without_nul)),
            Value::Bytes(bytes) => bound.bind(bytes),
            Value::Flag(flag) => bound.bind(flag),
            Value::List(list) => bound.bind(Json(list)),
            Value::Json(value) => bound.bind(Json(json_without_nul(value))),
        })
    }

    fn for_postgres(self) -> Bound<'static, Postgres, PgArguments> {
        let bound = sqlx::query(AssertSqlSafe(self.sql));
        self.values.into_iter().fold(bound, |bound, value| match value {
            Value::Integer(number) => bound.bind(number),
            Value::Text(text) => bound.bind(text.map(without_nul)),
            Value::Bytes(bytes) => bound.bind(bytes),
            Value::Flag(flag) => bound.bind(flag),
            Value::List(list) => bound.bind(list.into_iter().map(without_nul).collect::<Vec<_>>()),
            Value::Json(value) => bound.bind(Json(json_without_nul(value))),
        })
    }
}

/// PostgreSQL can't store U+0000 and refuses the statement. Texts from Zoom, pages and callers may contain it. It is
/// replaced in both databases.
fn without_nul(text: String) -> String {
    if text.contains('\0') { text.replace('\0', "\u{fffd}") } else { text }
}

/// The same for all texts of a JSON value.
fn json_without_nul(value: serde_json::Value) -> serde_json::Value {
    use serde_json::Value as J;
    match value {
        J::String(text) => J::String(without_nul(text)),
        J::Array(items) => items.into_iter().map(json_without_nul).collect(),
        J::Object(fields) => {
            fields.into_iter().map(|(name, value)| (without_nul(name), json_without_nul(value))).collect()
        }
        value => value,
    }
}

/// An `INSERT` of one row, with each column next to its value.
#[derive(Debug)]
pub(crate) struct Insert {
    name: &'static str,
    table: &'static str,
    columns: Vec<&'static str>,
    values: Vec<Value>,
    then: &'static str,
}

pub(crate) fn insert(name: &'static str, table: &'static str) -> Insert {
    Insert { name, table, columns: Vec::new(), values: Vec::new(), then: "" }
}

impl Insert {
    pub(crate) fn set(mut self, column: &'static str, value: impl Into<Value>) -> Self {
        self.columns.push(column);
        self.values.push(value.into());
        self
    }

    /// Adds a clause after the values, such as `ON CONFLICT`.
    pub(crate) const fn then(mut self, text: &'static str) -> Self {
        self.then = text;
        self
    }

    pub(crate) async fn execute(self, on: impl Into<Target<'_>>) -> Result<u64, StoreError> {
        let Self { name, table, columns, values, then } = self;
        let parameters: Vec<String> = (1..=columns.len()).map(|number| format!("${number}")).collect();
        let (columns, parameters) = (columns.join(", "), parameters.join(", "));
        let sql = format!("{name}\nINSERT INTO {table} ({columns}) VALUES ({parameters}) {then}");
        Query { sql: sql.into(), values }.execute(on).await
    }
}
