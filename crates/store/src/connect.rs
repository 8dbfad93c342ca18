//! Invitations to connect an account to an app.

use async_trait::async_trait;
use model::{ConsentId, CredentialId, Timestamp, WorkspaceId, ZoomOauthAppId};

use crate::{Credential, Digest, Note, StoreError};

/// An invitation to connect an account: made through the API, opened in a browser, ended by Zoom's redirect.
#[derive(Debug, Clone)]
pub struct Consent {
    /// Its id, part of the invitation's address.
    pub id: ConsentId,
    /// The tenant.
    pub workspace: WorkspaceId,
    /// The app to connect to.
    pub app: ZoomOauthAppId,
    /// Hash of the secret half of the invitation's address.
    pub secret_digest: Digest,
    /// The account that came of it.
    pub credential: Option<CredentialId>,
    /// Hash of the `state` that came back from Zoom with it.
    pub connected_by: Option<Digest>,
    /// When it was connected.
    pub connected_at: Option<Timestamp>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it ends.
    pub expires_at: Timestamp,
}

/// Invitations.
#[async_trait]
pub trait Consents {
    /// Stores an invitation.
    async fn add_consent(&self, consent: &Consent) -> Result<(), StoreError>;

    /// An invitation by its id. Asked before the tenant is known: the secret decides.
    async fn consent(&self, id: ConsentId) -> Result<Option<Consent>, StoreError>;

    /// Stores the account that came of it (as [`Credentials::connect_credential`](crate::Credentials::connect_credential)
    /// does) and uses the invitation up, both or neither. `state` is the hash of what came back from Zoom with it. `false` when
    /// it was used already.
    async fn complete_consent(
        &self,
        id: ConsentId,
        state: &Digest,
        credential: &Credential,
        note: &Note,
    ) -> Result<bool, StoreError>;
}
