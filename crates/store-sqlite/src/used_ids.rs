//! Ids of signed requests that were used.

use async_trait::async_trait;
use model::{Timestamp, UsedIdsId};
use sqlx::{Row as _, sqlite::SqliteRow};
use store::{StoreError, UsedIdMemory, UsedIds};

use crate::{
    SqliteStore,
    row::{Reader, json},
    unavailable,
};

fn used_ids(row: &SqliteRow) -> Result<UsedIds, StoreError> {
    let reader = Reader { table: "used_ids", row };
    Ok(UsedIds {
        id: reader.parsed("id")?,
        written_at: reader.time("written_at")?,
        entries: row.try_get("entries").map_err(unavailable)?,
    })
}

#[async_trait]
impl UsedIdMemory for SqliteStore {
    async fn add_used_ids(&self, row: &UsedIds) -> Result<(), StoreError> {
        sqlx::query("-- add_used_ids\nINSERT INTO used_ids (id, written_at, entries) VALUES (?, ?, ?)")
            .bind(row.id.to_string())
            .bind(row.written_at.as_microsecond())
            .bind(row.entries.as_slice())
            .execute(&self.writer)
            .await
            .map_err(unavailable)?;
        Ok(())
    }

    async fn used_ids(
        &self,
        since: Timestamp,
        until: Timestamp,
        known: &[UsedIdsId],
    ) -> Result<Vec<UsedIds>, StoreError> {
        let rows = sqlx::query(
            "-- used_ids\n\
             SELECT * FROM used_ids WHERE written_at >= ? AND written_at < ?\n\
                 AND id NOT IN (SELECT value FROM json_each(?))",
        )
        .bind(since.as_microsecond())
        .bind(until.as_microsecond())
        .bind(json(&known))
        .fetch_all(&self.readers)
        .await
        .map_err(unavailable)?;
        rows.iter().map(used_ids).collect()
    }

    async fn forget_used_ids(&self, end: Timestamp) -> Result<u64, StoreError> {
        let done = sqlx::query("-- forget_used_ids\nDELETE FROM used_ids WHERE written_at < ?")
            .bind(end.as_microsecond())
            .execute(&self.writer)
            .await
            .map_err(unavailable)?;
        Ok(done.rows_affected())
    }
}
