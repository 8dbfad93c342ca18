//! Whether the store works.

use async_trait::async_trait;
use store::{Probe, StoreError};

use crate::{ON_ROWS, PostgresStore, Tx, unavailable};

#[async_trait]
impl Probe for PostgresStore {
    async fn probe(&self) -> Result<(), StoreError> {
        let body = |mut tx: Tx| async move {
            sqlx::query(
                "-- probe\n\
                 INSERT INTO revisions VALUES ('probe', 1)\n\
                 ON CONFLICT (what) DO UPDATE SET revision = revisions.revision + 1",
            )
            .execute(&mut *tx)
            .await
            .map_err(unavailable)?;
            tx.commit().await.map_err(unavailable)
        };
        self.transaction("probe", ON_ROWS, body).await
    }
}
