//! Counts for metrics.

use async_trait::async_trait;
use model::{CredentialStatus, Timestamp};

use crate::StoreError;

/// Counts over all workspaces, asked by the server for itself.
#[async_trait]
pub trait Stats {
    /// How many accounts there are in each state; a state that none is in may be missing. It reads an index to its
    /// end, so its caller keeps the answer for a while.
    async fn credentials_by_status(&self) -> Result<Vec<(CredentialStatus, u64)>, StoreError>;

    /// How many seats are taken, of all pools.
    async fn seats_taken(&self, now: Timestamp) -> Result<u64, StoreError>;
}
