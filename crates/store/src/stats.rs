//! Counts for metrics.

use async_trait::async_trait;
use model::{CredentialStatus, Timestamp};

use crate::StoreError;

/// Counts over all workspaces, for the server's metrics.
#[async_trait]
pub trait Stats {
    /// How many accounts have each status; a status without accounts may be missing. It scans an
    /// index, so the caller caches the answer.
    async fn credentials_by_status(&self) -> Result<Vec<(CredentialStatus, u64)>, StoreError>;

    /// How many seats are taken in all pools.
    async fn seats_taken(&self, now: Timestamp) -> Result<u64, StoreError>;

    /// How many bots are due and not leased by a server, up to the limit of each workspace.
    async fn bots_waiting(&self, now: Timestamp) -> Result<u64, StoreError>;
}
