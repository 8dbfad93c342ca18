//! Rows, read by column name.

use std::{error::Error, str::FromStr};

use model::{Code, MeetingNumber, Sealed, Timestamp};
use serde::de::DeserializeOwned;
use sqlx::{
    ColumnIndex, Decode, Row as _, Type,
    postgres::{PgRow, Postgres},
    sqlite::{Sqlite, SqliteRow},
    types::Json,
};
use store::StoreError;

use crate::error::failed;

/// A row of either database.
pub(crate) enum Row {
    Sqlite(SqliteRow),
    Postgres(PgRow),
}

/// A type that a column may have.
pub(crate) trait Cell:
    Type<Sqlite> + Type<Postgres> + for<'r> Decode<'r, Sqlite> + for<'r> Decode<'r, Postgres>
{
}

impl<T> Cell for T where
    T: Type<Sqlite> + Type<Postgres> + for<'r> Decode<'r, Sqlite> + for<'r> Decode<'r, Postgres>
{
}

impl Row {
    pub(crate) fn of_sqlite(rows: Vec<SqliteRow>) -> Vec<Self> {
        rows.into_iter().map(Self::Sqlite).collect()
    }

    pub(crate) fn of_postgres(rows: Vec<PgRow>) -> Vec<Self> {
        rows.into_iter().map(Self::Postgres).collect()
    }

    /// A reader of its columns, whose errors name the table.
    pub(crate) const fn of(&self, table: &'static str) -> Reader<'_> {
        Reader { table, row: self }
    }

    /// Its first column.
    pub(crate) fn first<T: Cell>(&self) -> Result<T, StoreError> {
        self.get(0).map_err(failed)
    }

    fn get<T: Cell, C: ColumnIndex<SqliteRow> + ColumnIndex<PgRow>>(
        &self,
        column: C,
    ) -> Result<T, sqlx::Error> {
        match self {
            Self::Sqlite(row) => row.try_get(column),
            Self::Postgres(row) => row.try_get(column),
        }
    }
}

/// Typed reads whose errors name the table.
#[derive(Clone, Copy)]
pub(crate) struct Reader<'r> {
    table: &'static str,
    row: &'r Row,
}

impl Reader<'_> {
    fn get<T: Cell>(&self, column: &str) -> Result<T, StoreError> {
        self.row.get(column).map_err(|error| match error {
            sqlx::Error::ColumnDecode { .. } => self.corrupt(error),
            error => failed(error),
        })
    }

    pub(crate) fn text(&self, column: &str) -> Result<String, StoreError> {
        self.get(column)
    }

    pub(crate) fn optional_text(&self, column: &str) -> Result<Option<String>, StoreError> {
        self.get(column)
    }

    pub(crate) fn number(&self, column: &str) -> Result<i64, StoreError> {
        self.get(column)
    }

    pub(crate) fn parsed<T: FromStr<Err: Into<Box<dyn Error + Send + Sync>>>>(
        &self,
        column: &str,
    ) -> Result<T, StoreError> {
        self.text(column)?.parse().map_err(|error: T::Err| self.corrupt(error))
    }

    pub(crate) fn optional<T: FromStr<Err: Into<Box<dyn Error + Send + Sync>>>>(
        &self,
        column: &str,
    ) -> Result<Option<T>, StoreError> {
        let text = self.optional_text(column)?;
        text.map(|text| text.parse().map_err(|error: T::Err| self.corrupt(error))).transpose()
    }

    /// Reads a key; an absent key is stored as the empty text.
    pub(crate) fn unless_blank<T: FromStr<Err: Into<Box<dyn Error + Send + Sync>>>>(
        &self,
        column: &str,
    ) -> Result<Option<T>, StoreError> {
        let text = Some(self.text(column)?).filter(|text| !text.is_empty());
        text.map(|text| text.parse().map_err(|error: T::Err| self.corrupt(error))).transpose()
    }

    pub(crate) fn time(&self, column: &str) -> Result<Timestamp, StoreError> {
        self.number(column).map(Timestamp::from_microsecond)
    }

    pub(crate) fn optional_time(&self, column: &str) -> Result<Option<Timestamp>, StoreError> {
        let micros: Option<i64> = self.get(column)?;
        Ok(micros.map(Timestamp::from_microsecond))
    }

    pub(crate) fn bytes(&self, column: &str) -> Result<Vec<u8>, StoreError> {
        self.get(column)
    }

    pub(crate) fn sealed(&self, column: &str) -> Result<Sealed, StoreError> {
        self.get(column).map(Sealed)
    }

    pub(crate) fn optional_sealed(&self, column: &str) -> Result<Option<Sealed>, StoreError> {
        let bytes: Option<Vec<u8>> = self.get(column)?;
        Ok(bytes.map(Sealed))
    }

    /// Reads a secret; an erased or absent secret is stored as empty bytes.
    pub(crate) fn unless_empty(&self, column: &str) -> Result<Option<Sealed>, StoreError> {
        Ok(Some(self.sealed(column)?).filter(|sealed| !sealed.0.is_empty()))
    }

    /// Reads an error code; `None` also for a code of a newer version.
    pub(crate) fn code(&self, column: &str) -> Result<Option<Code>, StoreError> {
        Ok(self.optional_text(column)?.as_deref().and_then(Code::from_text))
    }

    pub(crate) fn count(&self, column: &str) -> Result<u32, StoreError> {
        u32::try_from(self.number(column)?).map_err(|_| self.corrupt(format!("{column} is not a count")))
    }

    pub(crate) fn meeting(&self, column: &str) -> Result<MeetingNumber, StoreError> {
        self.number(column)?.try_into().map_err(|_| self.corrupt(format!("{column} is not a meeting number")))
    }

    pub(crate) fn optional_meeting(&self, column: &str) -> Result<Option<MeetingNumber>, StoreError> {
        let number: Option<i64> = self.get(column)?;
        let number = number.map(MeetingNumber::try_from);
        number.transpose().map_err(|_| self.corrupt(format!("{column} is not a meeting number")))
    }

    pub(crate) fn optional_count(&self, column: &str) -> Result<Option<u32>, StoreError> {
        let number: Option<i64> = self.get(column)?;
        let count = number.map(u32::try_from);
        count.transpose().map_err(|_| self.corrupt(format!("{column} is not a count")))
    }

    pub(crate) fn optional_digest<const N: usize>(
        &self,
        column: &str,
    ) -> Result<Option<[u8; N]>, StoreError> {
        let bytes: Option<Vec<u8>> = self.get(column)?;
        let digest = bytes.map(TryInto::try_into).transpose();
        digest.map_err(|_| self.corrupt(format!("{column} is not a digest")))
    }

    pub(crate) fn digest<const N: usize>(&self, column: &str) -> Result<[u8; N], StoreError> {
        self.bytes(column)?.try_into().map_err(|_| self.corrupt(format!("{column} is not a digest")))
    }

    pub(crate) fn json<T: DeserializeOwned + 'static>(&self, column: &str) -> Result<T, StoreError> {
        self.get(column).map(|Json(value)| value)
    }

    fn corrupt(&self, cause: impl Into<Box<dyn Error + Send + Sync>>) -> StoreError {
        StoreError::Corrupt { table: self.table, cause: cause.into() }
    }
}

/// The bytes of a secret; empty when it is absent.
pub(crate) fn bytes(sealed: Option<&Sealed>) -> &[u8] {
    sealed.map_or(&[], |sealed| &sealed.0)
}
