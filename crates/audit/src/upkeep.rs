//! Deletes expired records, and converts records of older versions to the current format.

use std::{convert::Infallible, time::Duration};

use model::{Timestamp, chain};
use store::StoreError;

use crate::Audit;

/// The time between two rounds of deleting old records.
const PRUNE_INTERVAL: Duration = Duration::from_secs(3600);
/// How many rows are deleted or rewritten at a time, so that others can write in between.
const PRUNE_BATCH: u32 = 200;
/// The pause between two batches.
const PRUNE_PAUSE: Duration = Duration::from_millis(100);

impl Audit {
    /// Converts records of older versions to the current format, and deletes records that are older
    /// than `keep`, for as long as it is polled.
    pub async fn run_upkeep(&self, keep: Duration) -> Infallible {
        loop {
            match self.modernize().await {
                Ok(0) => {}
                Ok(batches) => tracing::info!(batches, "records of an older version can now be searched"),
                Err(error) => {
                    tracing::warn!(error = %chain(&error), "records of an older version were not converted");
                }
            }
            match self.prune(self.env().now() - keep).await {
                Ok(0) => {}
                Ok(pruned) => tracing::info!(pruned, "old records were deleted from the audit"),
                Err(error) => {
                    tracing::warn!(error = %chain(&error), "old records were not deleted from the audit");
                }
            }
            self.env().clock.sleep(PRUNE_INTERVAL).await;
        }
    }

    /// Deletes records that are older than `end`, a few rows at a time. Returns the number of records.
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

    /// Converts records of older versions to the current format, a few rows at a time. Returns how many.
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
