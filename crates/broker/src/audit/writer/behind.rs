//! From the journal into the store.

use std::{convert::Infallible, future::pending, time::Duration};

use store::StoreError;

use super::{Audit, Desk, GATHER, Journal, MOST_AT_ONCE, PAUSES};
use crate::audit::bring_in_journal;

/// How often it is looked for what other processes have left.
const LOOK: Duration = Duration::from_secs(5);
/// How long whoever reads the audit waits for what is in the journal.
const READ_WITHIN: Duration = Duration::from_secs(2);

impl Audit {
    /// Brings into the store what is in the journal, for as long as it is polled.
    pub(crate) async fn tend(&self) -> Infallible {
        let desk = &self.desk;
        let Some(journal) = &desk.journal else { pending().await };
        tokio::select! {
            never = desk.tend_own(journal) => never,
            never = desk.tend_left(journal) => never,
        }
    }

    /// Brings into the store what processes that are no more have left in the journal.
    pub(crate) async fn replay(&self) {
        if let Some(journal) = &self.desk.journal {
            self.desk.bring_left(journal).await;
        }
    }

    /// Brings into the store what is in the journal by now, so that whoever reads the one has not missed the other.
    pub(crate) async fn catch_up(&self) -> Result<(), StoreError> {
        let desk = &self.desk;
        let Some(journal) = &desk.journal else { return Ok(()) };
        let caught_up = desk.env.clock.timeout(READ_WITHIN, desk.bring(journal)).await;
        let caught_up = caught_up.unwrap_or_else(|| Err("that takes too long".into()));
        caught_up.map_err(|cause| StoreError::Unavailable(cause.into()))
    }

    /// Leaves nothing in the journal that could be in the store. Called when nobody writes any more.
    pub(crate) async fn close(&self) {
        let Some(journal) = &self.desk.journal else { return };
        if let Err(error) = self.desk.bring(journal).await {
            let records = journal.records();
            tracing::warn!(error, records, "records of the audit stay in the journal for the next start");
        } else if let Err(error) = journal.clear().await {
            tracing::warn!(%error, "the audit's journal stays on the disk");
        }
    }
}

impl Desk {
    async fn tend_own(&self, journal: &Journal) -> Infallible {
        let mut pause = PAUSES.0;
        loop {
            journal.news().await;
            if journal.is_first {
                // Many batches share a commit.
                self.env.clock.sleep(GATHER).await;
            }
            if self.bring(journal).await.is_ok() {
                pause = PAUSES.0;
            } else {
                self.env.clock.sleep(pause).await;
                pause = (pause * 2).min(LOOK);
            }
        }
    }

    async fn tend_left(&self, journal: &Journal) -> Infallible {
        loop {
            self.bring_left(journal).await;
            self.env.clock.sleep(LOOK).await;
        }
    }

    async fn bring_left(&self, journal: &Journal) {
        match bring_in_journal(journal.folder(), &*self.store, &self.env).await {
            Ok(0) => {}
            Ok(records) => tracing::info!(records, "records came from the journal into the audit"),
            Err(error) => tracing::warn!(%error, "records of the audit wait in the journal"),
        }
    }

    /// Stores what is in the journal by now, many batches in one transaction.
    async fn bring(&self, journal: &Journal) -> Result<(), String> {
        let (written, stored) = journal.progress();
        if stored == written {
            return Ok(());
        }
        while journal.progress().1 < written {
            let _turn = journal.turn().await;
            let (batches, entries) = journal.oldest(MOST_AT_ONCE);
            if batches.is_empty() {
                break;
            }
            let stored = self.store(&batches).await;
            if journal.set_away(stored.is_err()) && stored.is_err() {
                self.metrics.audit_journaled(journal.records());
            }
            stored?;
            journal.settle(entries);
        }
        if !journal.is_first {
            // It was for a time without the store, and that is over.
            journal.clear().await.map_err(|error| error.to_string())?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
