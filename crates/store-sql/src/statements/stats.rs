//! Counts for metrics.

use async_trait::async_trait;
use model::{CredentialStatus, Timestamp};
use store::{BotServers as _, Stats, StoreError};

use crate::{SqlStore, query::query};

#[async_trait]
impl Stats for SqlStore {
    async fn credentials_by_status(&self) -> Result<Vec<(CredentialStatus, u64)>, StoreError> {
        let rows = query(
            "-- credentials_by_status\nSELECT status, count(*) AS count FROM credentials GROUP BY status",
        )
        .fetch_all(&self.readers)
        .await?;
        let counted = rows.iter().map(|row| {
            let row = row.of("credentials");
            Ok((row.parsed("status")?, u64::try_from(row.number("count")?).unwrap_or(0)))
        });
        counted.collect()
    }

    async fn seats_taken(&self, now: Timestamp) -> Result<u64, StoreError> {
        let sql = "-- seats_taken\nSELECT count(*) FROM pool_seats WHERE ends_at > $1";
        query(sql).bind(now).count(&self.readers).await
    }

    async fn bots_waiting(&self, now: Timestamp) -> Result<u64, StoreError> {
        Ok(self.bot_demand(now, now).await?.waiting)
    }
}
