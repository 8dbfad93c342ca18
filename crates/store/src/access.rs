//! Workspaces and the keys that open them.

use async_trait::async_trait;
use model::{ApiKeyId, Sealed, Timestamp, WorkspaceId};

use crate::{Digest, StoreError};

/// A tenant.
#[derive(Debug, Clone)]
pub struct Workspace {
    /// Its id.
    pub id: WorkspaceId,
    /// For people.
    pub name: String,
    /// Signs what Latchkey fetches, and verifies what asks Latchkey for tokens (`whsec_…`).
    pub callback_secret: Sealed,
    /// When it was made.
    pub created_at: Timestamp,
}

/// A key of the API, stored as its hash.
#[derive(Debug, Clone)]
pub struct ApiKey {
    /// Its id.
    pub id: ApiKeyId,
    /// The tenant it opens.
    pub workspace: WorkspaceId,
    /// For people.
    pub name: String,
    /// SHA-256 of the key. The key has 256 random bits: a slow hash would protect nothing more.
    pub digest: Digest,
    /// When it was made.
    pub created_at: Timestamp,
}

/// Workspaces and API keys.
#[async_trait]
pub trait Access {
    /// Every workspace, oldest first. Asked by the server for itself, at start.
    async fn workspaces(&self) -> Result<Vec<Workspace>, StoreError>;

    /// A workspace.
    async fn workspace(&self, id: WorkspaceId) -> Result<Option<Workspace>, StoreError>;

    /// Makes a workspace together with its first key, if the store holds no workspace yet; `false` when it does.
    /// Of several first starts at once, one wins.
    async fn found(&self, workspace: &Workspace, key: &ApiKey) -> Result<bool, StoreError>;

    /// The key with this hash. Asked before the tenant is known.
    async fn api_key(&self, digest: &Digest) -> Result<Option<ApiKey>, StoreError>;
}
