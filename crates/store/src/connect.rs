//! Invitations to connect an account to an app.

use async_trait::async_trait;
use model::{ConsentId, CredentialId, Sealed, Timestamp, WorkspaceId, ZoomOauthAppId};

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
    /// What the browser took along to Zoom; set anew each time the invitation is opened.
    pub journey: Option<Journey>,
    /// The account that came of it.
    pub credential: Option<CredentialId>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it ends.
    pub expires_at: Timestamp,
}

/// One trip of one browser to Zoom and back.
#[derive(Debug, Clone)]
pub struct Journey {
    /// Hash of the `state` that Zoom must bring back.
    pub state_digest: Digest,
    /// Hash of the cookie that binds the trip to the browser that began it.
    pub browser_digest: Digest,
    /// The PKCE verifier.
    pub code_verifier: Sealed,
}

/// Invitations.
#[async_trait]
pub trait Consents {
    /// Stores an invitation.
    async fn add_consent(&self, consent: &Consent) -> Result<(), StoreError>;

    /// An invitation by its id. Asked before the tenant is known: the secret decides.
    async fn consent(&self, id: ConsentId) -> Result<Option<Consent>, StoreError>;

    /// The invitation whose journey carries this state. Asked before the tenant is known.
    async fn consent_by_state(&self, state_digest: &Digest) -> Result<Option<Consent>, StoreError>;

    /// Sends a browser on its way; an earlier journey of the same invitation ends. `false` when it was used already.
    async fn begin_journey(&self, id: ConsentId, journey: &Journey) -> Result<bool, StoreError>;

    /// Takes the journey with this state off the invitation: of several callbacks with one state, one gets `true`.
    async fn end_journey(&self, id: ConsentId, state_digest: &Digest) -> Result<bool, StoreError>;

    /// Stores the account that came of it (as [`Credentials::connect_credential`](crate::Credentials::connect_credential)
    /// does) and uses the invitation up, both or neither. `false` when it was used already.
    async fn complete_consent(
        &self,
        id: ConsentId,
        credential: &Credential,
        note: &Note,
    ) -> Result<bool, StoreError>;
}
