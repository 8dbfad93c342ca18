//! Moves records from the journal into the store.

use std::{convert::Infallible, future::pending, time::Duration};

use model::chain;
use store::StoreError;

use super::{Audit, BATCH_PAUSE, MAX_AT_ONCE, RETRY_PAUSES, Shared};
use crate::{Journal, recover_journal};

/// How often the folder is checked for journal files of ended processes.
const RECOVERY_INTERVAL: Duration = Duration::from_secs(5);
/// How long a reader of the audit waits for the journal.
const READ_WITHIN: Duration = Duration::from_secs(2);

impl Audit {
    /// Moves the journal's records into the store, for as long as it is polled.
    pub async fn run_journal(&self) -> Infallible {
        let shared = &self.shared;
        let Some(journal) = &shared.journal else { pending().await };
        tokio::select! {
            never = shared.run_drain(journal) => never,
            never = shared.run_recovery(journal) => never,
        }
    }

    /// Moves the records that ended processes left in the journal into the store.
    pub async fn replay_journal(&self) {
        if let Some(journal) = &self.shared.journal {
            self.shared.recover_orphans(journal).await;
        }
    }

    /// Moves the journal into the store, so that a reader of the store sees every record.
    pub(crate) async fn catch_up(&self) -> Result<(), StoreError> {
        let shared = &self.shared;
        let Some(journal) = &shared.journal else { return Ok(()) };
        let caught_up = shared.env.clock.timeout(READ_WITHIN, shared.drain(journal)).await;
        caught_up.unwrap_or_else(|| Err(StoreError::Unavailable("the journal takes too long".into())))
    }

    /// Moves the rest of the journal into the store, after the last writer has ended.
    pub async fn close_journal(&self) {
        let Some(journal) = &self.shared.journal else { return };
        if let Err(error) = self.shared.drain(journal).await {
            let records = journal.records();
            tracing::warn!(error = %chain(&error), records, "records of the audit stay in the journal for the next start");
        } else if let Err(error) = journal.clear().await {
            tracing::warn!(error = %chain(&error), "the audit's journal stays on the disk");
        }
    }
}

impl Shared {
    async fn run_drain(&self, journal: &Journal) -> Infallible {
        let mut pause = RETRY_PAUSES.0;
        loop {
            journal.wait_for_entries().await;
            if journal.is_first {
                // Many batches share a commit.
                self.env.clock.sleep(BATCH_PAUSE).await;
            }
            if self.drain(journal).await.is_ok() {
                pause = RETRY_PAUSES.0;
            } else {
                self.env.clock.sleep(pause).await;
                pause = (pause * 2).min(RECOVERY_INTERVAL);
            }
        }
    }

    async fn run_recovery(&self, journal: &Journal) -> Infallible {
        loop {
            self.recover_orphans(journal).await;
            self.env.clock.sleep(RECOVERY_INTERVAL).await;
        }
    }

    async fn recover_orphans(&self, journal: &Journal) {
        match recover_journal(journal.folder(), &*self.store, &self.env).await {
            Ok(0) => {}
            Ok(records) => tracing::info!(records, "records were moved from the journal into the store"),
            Err(error) => tracing::warn!(error = %chain(&error), "records of the audit stay in the journal"),
        }
    }

    /// Stores the entries that are in the journal now, many batches in one transaction.
    async fn drain(&self, journal: &Journal) -> Result<(), StoreError> {
        let (written, stored) = journal.progress();
        if stored == written {
            return Ok(());
        }
        while journal.progress().1 < written {
            let _turn = journal.turn().await;
            let (batches, entries) = journal.oldest(MAX_AT_ONCE);
            if batches.is_empty() {
                break;
            }
            let stored = self.store(&batches).await;
            if journal.set_store_unavailable(stored.is_err()) && stored.is_err() {
                self.metrics.audit_journaled(journal.records());
            }
            stored?;
            journal.settle(entries);
        }
        if !journal.is_first {
            // It is used only while the store is unavailable, and the store is available again.
            journal.clear().await.map_err(|error| StoreError::Unavailable(error.into()))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
