//! Consents that nobody here has asked for: somebody installed an app from Zoom's Marketplace. They wait for the operator.

use async_trait::async_trait;
use model::{ParkedConsentId, Timestamp, WorkspaceId, ZoomOauthAppId};

use crate::{Credential, Digest, Grant, Note, StoreError, ZoomOauthApp};

/// A grant that waits.
#[derive(Debug, Clone)]
pub struct ParkedConsent {
    /// Its id.
    pub id: ParkedConsentId,
    /// The tenant.
    pub workspace: WorkspaceId,
    /// The app that was installed.
    pub app: ZoomOauthAppId,
    /// Zoom's id of the user.
    pub zoom_user_id: String,
    /// Zoom's id of the account the user belongs to.
    pub zoom_account_id: String,
    /// The user's name at Zoom, for people.
    pub display_name: String,
    /// What Zoom gave; sealed for this row.
    pub grant: Grant,
    /// Hash of the code that it came with; absent for older ones.
    pub code_digest: Option<Digest>,
    /// When it came.
    pub parked_at: Timestamp,
    /// From then on it is good for nothing, and erased.
    pub expires_at: Timestamp,
}

/// Consents that wait.
#[async_trait]
pub trait ParkedConsents {
    /// The app that somebody installed: by its id, or the only one of this installation that people can consent to. Asked
    /// before the tenant is known.
    async fn installed_app(&self, id: Option<ZoomOauthAppId>) -> Result<Option<ZoomOauthApp>, StoreError>;

    /// Parks a grant. An earlier one of the same user on the app goes: Zoom honours only the newest. An app has at most
    /// `most` of them, of which the oldest go first.
    async fn park(&self, parked: &ParkedConsent, most: u32) -> Result<(), StoreError>;

    /// The one that came with this code. Asked before the tenant is known.
    async fn parked_by_code(&self, code: &Digest) -> Result<Option<ParkedConsent>, StoreError>;

    /// One of the workspace's.
    async fn parked_consent(
        &self,
        workspace: WorkspaceId,
        id: ParkedConsentId,
    ) -> Result<Option<ParkedConsent>, StoreError>;

    /// The workspace's, newest first.
    async fn parked_consents(&self, workspace: WorkspaceId) -> Result<Vec<ParkedConsent>, StoreError>;

    /// Stores the account that came of it (as [`Credentials::connect_credential`](crate::Credentials::connect_credential)
    /// does, which ends whatever is parked of that user) and ends it, both or neither. `false` when it is gone.
    async fn adopt_parked(
        &self,
        id: ParkedConsentId,
        credential: &Credential,
        note: &Note,
    ) -> Result<bool, StoreError>;

    /// Erases one; `false` when the workspace has none with this id.
    async fn discard_parked(&self, workspace: WorkspaceId, id: ParkedConsentId) -> Result<bool, StoreError>;

    /// Erases what is parked of a user on an app since before `end`: Zoom has ended it.
    async fn discard_parked_of(
        &self,
        app: ZoomOauthAppId,
        zoom_user_id: &str,
        end: Timestamp,
    ) -> Result<(), StoreError>;

    /// Erases what has expired, and says how many.
    async fn expire_parked(&self, now: Timestamp) -> Result<u64, StoreError>;
}
