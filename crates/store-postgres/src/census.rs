//! Counts for metrics.

use async_trait::async_trait;
use model::{CredentialStatus, Timestamp};
use store::{Census, StoreError};

use crate::{PostgresStore, row::Reader, unavailable};

#[async_trait]
impl Census for PostgresStore {
    async fn credentials_by_status(&self) -> Result<Vec<(CredentialStatus, u64)>, StoreError> {
        let rows = sqlx::query(
            "-- credentials_by_status\nSELECT status, count(*) AS count FROM credentials GROUP BY status",
        )
        .fetch_all(&self.pool)
        .await
        .map_err(unavailable)?;
        let counted = rows.iter().map(|row| {
            let row = Reader { table: "credentials", row };
            Ok((row.parsed("status")?, u64::try_from(row.number("count")?).unwrap_or(0)))
        });
        counted.collect()
    }

    async fn seats_taken(&self, now: Timestamp) -> Result<u64, StoreError> {
        let query = "-- seats_taken\nSELECT count(*) FROM pool_seats WHERE ends_at > $1";
        let count: i64 = sqlx::query_scalar(query)
            .bind(now.as_microsecond())
            .fetch_one(&self.pool)
            .await
            .map_err(unavailable)?;
        Ok(u64::try_from(count).unwrap_or(0))
    }
}
