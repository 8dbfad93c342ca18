//! The check whether the store can write.

use async_trait::async_trait;
use store::{Probe, StoreError};

use crate::{
    SqlStore,
    db::{Isolation, Tx},
    query::query,
};

#[async_trait]
impl Probe for SqlStore {
    async fn probe(&self) -> Result<(), StoreError> {
        let body = |mut tx: Tx| async move {
            query(
                "-- probe\n\
                 INSERT INTO revisions VALUES ('probe', 1)\n\
                 ON CONFLICT (what) DO UPDATE SET revision = revisions.revision + 1",
            )
            .execute(&mut tx)
            .await?;
            tx.commit().await
        };
        self.transaction("probe", Isolation::ReadCommitted, body).await
    }
}
