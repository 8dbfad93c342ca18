//! Invitations to connect an account to an app.

use async_trait::async_trait;
use model::{ConsentId, CredentialId, Timestamp, WorkspaceId, ZoomOauthAppId};

use crate::{Credential, Digest, Note, StoreError};

/// An invitation to connect an account: created through the API, opened in a browser, completed by
/// Zoom's redirect.
#[derive(Debug, Clone)]
pub struct Consent {
    /// Its id, part of the invitation's URL.
    pub id: ConsentId,
    /// The tenant.
    pub workspace: WorkspaceId,
    /// The app to connect to.
    pub app: ZoomOauthAppId,
    /// Hash of the secret half of the invitation's URL.
    pub secret_digest: Digest,
    /// The account that was connected with it.
    pub credential: Option<CredentialId>,
    /// Hash of the OAuth `state` that completed it.
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

    /// An invitation by its id. Across tenants: the secret in the URL decides.
    async fn consent(&self, id: ConsentId) -> Result<Option<Consent>, StoreError>;

    /// Stores the account (as
    /// [`Credentials::connect_credential`](crate::Credentials::connect_credential) does) and marks
    /// the invitation as used, in one transaction. `state` is the hash of the OAuth state that came
    /// back from Zoom. `false` when the invitation was used already.
    async fn complete_consent(
        &self,
        id: ConsentId,
        state: &Digest,
        credential: &Credential,
        note: &Note,
    ) -> Result<bool, StoreError>;
}
