//! Ids of signed requests that were used on any server of the installation, even before this server's
//! start.
//!
//! Thousands arrive in a second and each is stored for ten minutes. So a row has all ids that one
//! server has seen since its previous row, and servers read whole rows.

use async_trait::async_trait;
use model::{Timestamp, UsedIdsId};

use crate::StoreError;

/// A row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UsedIds {
    /// Its id.
    pub id: UsedIdsId,
    /// When it was written, shortly after the ids were used.
    pub written_at: Timestamp,
    /// The ids, in the servers' encoding.
    pub entries: Vec<u8>,
}

/// The used ids of the installation.
#[async_trait]
pub trait UsedIdMemory {
    /// Adds a row.
    async fn add_used_ids(&self, row: &UsedIds) -> Result<(), StoreError>;

    /// The rows written from `since` on and before `until`, without those in `known`. Clocks and
    /// commits of other servers may be late, so callers ask for an overlapping time again.
    async fn used_ids(
        &self,
        since: Timestamp,
        until: Timestamp,
        known: &[UsedIdsId],
    ) -> Result<Vec<UsedIds>, StoreError>;

    /// Deletes rows written before `end`; returns how many.
    async fn forget_used_ids(&self, end: Timestamp) -> Result<u64, StoreError>;
}
