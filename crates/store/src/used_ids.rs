//! Ids of signed requests that were used: what one server of an installation has seen, for the others and for the next start.
//!
//! They come by the thousand a second and are good for ten minutes, so a row holds what a server has seen since its row before,
//! and nobody searches in it: servers read rows whole and remember what is in them.

use async_trait::async_trait;
use model::{Timestamp, UsedIdsId};

use crate::StoreError;

/// A row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UsedIds {
    /// Its id.
    pub id: UsedIdsId,
    /// When it was written: what is in it was used shortly before.
    pub written_at: Timestamp,
    /// What was used, as the servers write it.
    pub entries: Vec<u8>,
}

/// The installation's memory of used ids.
#[async_trait]
pub trait UsedIdMemory {
    /// Adds a row.
    async fn add_used_ids(&self, row: &UsedIds) -> Result<(), StoreError>;

    /// The rows that were written from `since` on and before `until`, without those that are `known`. Servers' clocks and commits
    /// may be behind, so whoever wants to miss none asks for some time again.
    async fn used_ids(
        &self,
        since: Timestamp,
        until: Timestamp,
        known: &[UsedIdsId],
    ) -> Result<Vec<UsedIds>, StoreError>;

    /// Forgets what was written before `end`, and says how many rows that were.
    async fn forget_used_ids(&self, end: Timestamp) -> Result<u64, StoreError>;
}
