//! Whether the store works.

use async_trait::async_trait;

use crate::StoreError;

/// Asked by the server for itself.
#[async_trait]
pub trait Probe {
    /// Commits a change that nobody reads, as every other change is committed. An error says why nothing can be changed.
    async fn probe(&self) -> Result<(), StoreError>;
}
