//! Reading the audit, deleting what is older than is kept, and bringing what older versions wrote into
//! today's form.

use std::{convert::Infallible, time::Duration};

use model::{Timestamp, WorkspaceId, chain};
use store::{AuditPage, AuditRecord, StoreError};

use crate::Audit;

/// Between two rounds of deleting old records.
const PRUNE_INTERVAL: Duration = Duration::from_secs(3600);
/// Rows are deleted or rewritten so many at a time: others want to write meanwhile.
const PRUNE_BATCH: u32 = 200;
/// Between two batches.
const PRUNE_PAUSE: Duration = Duration::from_millis(100);

impl Audit {
    /// A stretch of the workspace's audit. The record of a token that this server gave before is in it.
    pub async fn page(
        &self,
        workspace: WorkspaceId,
        page: &AuditPage,
    ) -> Result<Vec<AuditRecord>, StoreError> {
        self.catch_up().await?;
        self.store().audit(workspace, page).await
    }

    /// Brings what older versions wrote into today's form, and deletes records that are older than
    /// `keep`, for as long as it is polled.
    pub async fn run_upkeep(&self, keep: Duration) -> Infallible {
        loop {
            match self.modernize().await {
                Ok(0) => {}
                Ok(batches) => tracing::info!(batches, "records of an older version can be searched now"),
                Err(error) => {
                    tracing::warn!(error = %chain(&error), "records of an older version are searched slowly")
                }
            }
            match self.prune(self.env().now() - keep).await {
                Ok(0) => {}
                Ok(pruned) => tracing::info!(pruned, "old records were deleted from the audit"),
                Err(error) => tracing::warn!(error = %chain(&error), "old records stay in the audit"),
            }
            self.env().clock.sleep(PRUNE_INTERVAL).await;
        }
    }

    /// Deletes what is older than `end`, a few rows at a time. Answers how many records that were.
    pub async fn prune(&self, end: Timestamp) -> Result<u64, StoreError> {
        let mut pruned = 0;
        loop {
            let gone = self.store().prune_audit(end, PRUNE_BATCH).await?;
            pruned += gone.records;
            if gone.batches < PRUNE_BATCH && gone.subjects < PRUNE_BATCH {
                return Ok(pruned);
            }
            self.env().clock.sleep(PRUNE_PAUSE).await;
        }
    }

    /// Brings what older versions wrote into today's form, a few rows at a time. Answers how many.
    async fn modernize(&self) -> Result<u64, StoreError> {
        let mut done = 0;
        loop {
            let batches = self.store().modernize_audit(PRUNE_BATCH).await?;
            done += u64::from(batches);
            if batches < PRUNE_BATCH {
                return Ok(done);
            }
            self.env().clock.sleep(PRUNE_PAUSE).await;
        }
    }
}
