//! Used ids of signed requests.

use async_trait::async_trait;
use model::{Timestamp, UsedIdsId};
use store::{StoreError, UsedIdMemory, UsedIds};

use crate::{
    SqlStore,
    query::{list, query, values},
    row::Row,
};

fn used_ids(row: &Row) -> Result<UsedIds, StoreError> {
    let reader = row.of("used_ids");
    Ok(UsedIds {
        id: reader.parsed("id")?,
        written_at: reader.time("written_at")?,
        entries: reader.bytes("entries")?,
    })
}

#[async_trait]
impl UsedIdMemory for SqlStore {
    async fn add_used_ids(&self, row: &UsedIds) -> Result<(), StoreError> {
        query("-- add_used_ids\nINSERT INTO used_ids (id, written_at, entries) VALUES ($1, $2, $3)")
            .with(values![row.id, row.written_at, row.entries.as_slice()])
            .execute(&self.writer)
            .await?;
        Ok(())
    }

    async fn used_ids(
        &self,
        since: Timestamp,
        until: Timestamp,
        known: &[UsedIdsId],
    ) -> Result<Vec<UsedIds>, StoreError> {
        query(
            "-- used_ids\n\
             SELECT id, written_at, entries FROM used_ids\n\
             WHERE written_at >= $1 AND written_at < $2 AND id <> ALL($3)",
        )
        .with(values![since, until, list(known)])
        .all(&self.readers, used_ids)
        .await
    }

    async fn forget_used_ids(&self, end: Timestamp) -> Result<u64, StoreError> {
        query("-- forget_used_ids\nDELETE FROM used_ids WHERE written_at < $1")
            .bind(end)
            .execute(&self.writer)
            .await
    }
}
