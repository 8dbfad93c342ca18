//! Whether the store works.

use async_trait::async_trait;
use store::{Probe, StoreError};

use crate::{SqliteStore, unavailable};

#[async_trait]
impl Probe for SqliteStore {
    async fn probe(&self) -> Result<(), StoreError> {
        let mut tx = self.write().await?;
        sqlx::query(
            "-- probe\n\
             INSERT INTO revisions VALUES ('probe', 1) ON CONFLICT (what) DO UPDATE SET revision = revision + 1",
        )
        .execute(&mut *tx)
        .await
        .map_err(unavailable)?;
        tx.commit().await.map_err(unavailable)
    }
}
