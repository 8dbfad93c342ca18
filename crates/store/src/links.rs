//! Token links: the addresses that bot platforms fetch tokens from.

use async_trait::async_trait;
use model::{
    AccountUser, CredentialId, CredentialStatus, Sealed, Timestamp, TokenKind, TokenLinkId, WorkspaceId,
};

use crate::{Digest, StoreError};

/// What an address gives, and what it demands.
#[derive(Debug, Clone)]
pub struct TokenLink {
    /// The public half of the address.
    pub id: TokenLinkId,
    /// The tenant.
    pub workspace: WorkspaceId,
    /// Hash of the secret half of the address.
    pub secret_digest: Digest,
    /// The kind of token it gives.
    pub kind: TokenKind,
    /// The account it draws on.
    pub credential: CredentialId,
    /// Whose tokens, where the account is a server-to-server app's; `None` for every other.
    pub user: Option<AccountUser>,
    /// Verifies the requests (`whsec_…`); `None` means the workspace's callback secret.
    pub signing_secret: Option<Sealed>,
    /// Past this it gives nothing.
    pub expires_at: Option<Timestamp>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was revoked.
    pub revoked_at: Option<Timestamp>,
}

/// A link as it is served: with what its account is like at this moment.
#[derive(Debug, Clone)]
pub struct ServableLink {
    /// The link.
    pub link: TokenLink,
    /// Whether its account can be used.
    pub status: CredentialStatus,
    /// Tokens that were minted in another epoch of the account are void.
    pub epoch: i64,
}

/// Token links.
#[async_trait]
pub trait TokenLinks {
    /// Stores a link.
    async fn add_token_link(&self, link: &TokenLink) -> Result<(), StoreError>;

    /// A link by its id, to be served. Asked before the tenant is known: the secret decides.
    async fn token_link(&self, id: TokenLinkId) -> Result<Option<ServableLink>, StoreError>;

    /// The workspace's links, newest first.
    async fn token_links(&self, workspace: WorkspaceId) -> Result<Vec<TokenLink>, StoreError>;

    /// Ends a link; `false` when the workspace has none with this id.
    async fn revoke_token_link(
        &self,
        workspace: WorkspaceId,
        id: TokenLinkId,
        now: Timestamp,
    ) -> Result<bool, StoreError>;
}
