//! Between columns and the words of the domain.

use std::str::FromStr;

use model::{Code, MeetingNumber, Sealed, Timestamp};
use sqlx::{Row as _, sqlite::SqliteRow};
use store::StoreError;

use crate::unavailable;

/// Typed reads that name the table when a value makes no sense.
pub(crate) struct Reader<'r> {
    pub(crate) table: &'static str,
    pub(crate) row: &'r SqliteRow,
}

impl Reader<'_> {
    pub(crate) fn text(&self, column: &str) -> Result<String, StoreError> {
        self.row.try_get(column).map_err(unavailable)
    }

    pub(crate) fn optional_text(&self, column: &str) -> Result<Option<String>, StoreError> {
        self.row.try_get(column).map_err(unavailable)
    }

    pub(crate) fn number(&self, column: &str) -> Result<i64, StoreError> {
        self.row.try_get(column).map_err(unavailable)
    }

    pub(crate) fn parsed<T: FromStr<Err: ToString>>(&self, column: &str) -> Result<T, StoreError> {
        self.text(column)?.parse().map_err(|error: T::Err| self.corrupt(error.to_string()))
    }

    pub(crate) fn optional<T: FromStr<Err: ToString>>(&self, column: &str) -> Result<Option<T>, StoreError> {
        let text = self.optional_text(column)?;
        text.map(|text| text.parse().map_err(|error: T::Err| self.corrupt(error.to_string()))).transpose()
    }

    /// An absent key is empty.
    pub(crate) fn unless_blank<T: FromStr<Err: ToString>>(
        &self,
        column: &str,
    ) -> Result<Option<T>, StoreError> {
        let text = Some(self.text(column)?).filter(|text| !text.is_empty());
        text.map(|text| text.parse().map_err(|error: T::Err| self.corrupt(error.to_string()))).transpose()
    }

    pub(crate) fn time(&self, column: &str) -> Result<Timestamp, StoreError> {
        self.number(column).map(Timestamp::from_microsecond)
    }

    pub(crate) fn optional_time(&self, column: &str) -> Result<Option<Timestamp>, StoreError> {
        let micros: Option<i64> = self.row.try_get(column).map_err(unavailable)?;
        Ok(micros.map(Timestamp::from_microsecond))
    }

    pub(crate) fn sealed(&self, column: &str) -> Result<Sealed, StoreError> {
        self.row.try_get(column).map(Sealed).map_err(unavailable)
    }

    pub(crate) fn optional_sealed(&self, column: &str) -> Result<Option<Sealed>, StoreError> {
        let bytes: Option<Vec<u8>> = self.row.try_get(column).map_err(unavailable)?;
        Ok(bytes.map(Sealed))
    }

    /// An erased or absent secret is empty.
    pub(crate) fn unless_empty(&self, column: &str) -> Result<Option<Sealed>, StoreError> {
        Ok(Some(self.sealed(column)?).filter(|sealed| !sealed.0.is_empty()))
    }

    /// The code of a failure; `None` also when a newer version wrote one that this one doesn't know.
    pub(crate) fn code(&self, column: &str) -> Result<Option<Code>, StoreError> {
        Ok(self.optional_text(column)?.as_deref().and_then(Code::from_text))
    }

    pub(crate) fn count(&self, column: &str) -> Result<u32, StoreError> {
        u32::try_from(self.number(column)?).map_err(|_| self.corrupt(format!("{column} is not a count")))
    }

    pub(crate) fn meeting(&self, column: &str) -> Result<MeetingNumber, StoreError> {
        self.number(column)?.try_into().map_err(|_| self.corrupt(format!("{column} is not a meeting number")))
    }

    pub(crate) fn optional_count(&self, column: &str) -> Result<Option<u32>, StoreError> {
        let number: Option<i64> = self.row.try_get(column).map_err(unavailable)?;
        let count = number.map(u32::try_from);
        count.transpose().map_err(|_| self.corrupt(format!("{column} is not a count")))
    }

    pub(crate) fn optional_digest<const N: usize>(
        &self,
        column: &str,
    ) -> Result<Option<[u8; N]>, StoreError> {
        let bytes: Option<Vec<u8>> = self.row.try_get(column).map_err(unavailable)?;
        let digest = bytes.map(TryInto::try_into).transpose();
        digest.map_err(|_| self.corrupt(format!("{column} is not a digest")))
    }

    pub(crate) fn digest<const N: usize>(&self, column: &str) -> Result<[u8; N], StoreError> {
        let bytes: Vec<u8> = self.row.try_get(column).map_err(unavailable)?;
        bytes.try_into().map_err(|_| self.corrupt(format!("{column} is not a digest")))
    }

    pub(crate) fn json<T: serde::de::DeserializeOwned>(&self, column: &str) -> Result<T, StoreError> {
        serde_json::from_str(&self.text(column)?).map_err(|error| self.corrupt(error.to_string()))
    }

    fn corrupt(&self, cause: String) -> StoreError {
        StoreError::Corrupt { table: self.table, cause }
    }
}

/// Text of a JSON column.
pub(crate) fn json<T: serde::Serialize>(value: &T) -> String {
    serde_json::to_string(value).expect("lists and maps of text")
}

/// The bytes of a secret; none for one that is not there.
pub(crate) fn bytes(sealed: Option<&Sealed>) -> &[u8] {
    sealed.map_or(&[], |sealed| &sealed.0)
}
