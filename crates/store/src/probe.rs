//! A check whether the store can write.

use async_trait::async_trait;

use crate::StoreError;

/// Used by the server for its health check.
#[async_trait]
pub trait Probe {
    /// Commits a change that is never read, by the same path as every other change. An error says
    /// why the store can't write.
    async fn probe(&self) -> Result<(), StoreError>;
}
