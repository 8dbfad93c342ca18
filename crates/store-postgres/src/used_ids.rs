//! Ids of signed requests that were used.

use async_trait::async_trait;
use model::{Timestamp, UsedIdsId};
use sqlx::{Row as _, postgres::PgRow};
use store::{StoreError, UsedIdMemory, UsedIds};

use crate::{PostgresStore, row::Reader, unavailable};

fn used_ids(row: &PgRow) -> Result<UsedIds, StoreError> {
    let reader = Reader { table: "used_ids", row };
    Ok(UsedIds {
        id: reader.parsed("id")?,
        written_at: reader.time("written_at")?,
        entries: row.try_get("entries").map_err(unavailable)?,
    })
}

#[async_trait]
impl UsedIdMemory for PostgresStore {
    async fn add_used_ids(&self, row: &UsedIds) -> Result<(), StoreError> {
        sqlx::query("-- add_used_ids\nINSERT INTO used_ids (id, written_at, entries) VALUES ($1, $2, $3)")
            .bind(row.id.to_string())
            .bind(row.written_at.as_microsecond())
            .bind(row.entries.as_slice())
            .execute(&self.pool)
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
        let known: Vec<String> = known.iter().map(ToString::to_string).collect();
        let rows = sqlx::query(
            "-- used_ids\n\
             SELECT id, written_at, entries FROM used_ids\n\
             WHERE written_at >= $1 AND written_at < $2 AND id <> ALL($3)",
        )
        .bind(since.as_microsecond())
        .bind(until.as_microsecond())
        .bind(known)
        .fetch_all(&self.pool)
        .await
        .map_err(unavailable)?;
        rows.iter().map(used_ids).collect()
    }

    async fn forget_used_ids(&self, end: Timestamp) -> Result<u64, StoreError> {
        let done = sqlx::query("-- forget_used_ids\nDELETE FROM used_ids WHERE written_at < $1")
            .bind(end.as_microsecond())
            .execute(&self.pool)
            .await
            .map_err(unavailable)?;
        Ok(done.rows_affected())
    }
}
