//! Counts for metrics.

use async_trait::async_trait;
use model::CredentialStatus;

use crate::StoreError;

/// Counts over all workspaces, asked by the server for itself.
#[async_trait]
pub trait Census {
    /// How many accounts there are in each state; a state that none is in may be missing. It reads an index to its
    /// end, so its caller keeps the answer for a while.
    async fn credentials_by_status(&self) -> Result<Vec<(CredentialStatus, u64)>, StoreError>;
}
