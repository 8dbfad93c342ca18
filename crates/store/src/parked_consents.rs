//! Consents that were not started here, because a user installed an app from Zoom's Marketplace. They
//! wait for the operator's decision.

use async_trait::async_trait;
use model::{ParkedConsentId, Timestamp, WorkspaceId, ZoomOauthAppId};

use crate::{Credential, Digest, Grant, Note, StoreError, ZoomOauthApp};

/// A parked grant.
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
    /// Zoom's id of the account that the user belongs to.
    pub zoom_account_id: String,
    /// The user's name at Zoom, for people.
    pub display_name: String,
    /// The grant, sealed for this row.
    pub grant: Grant,
    /// Hash of its authorization code; rows of older versions lack it.
    pub code_digest: Option<Digest>,
    /// When it was parked.
    pub parked_at: Timestamp,
    /// When it expires and is erased.
    pub expires_at: Timestamp,
}

/// Parked consents.
#[async_trait]
pub trait ParkedConsents {
    /// The app that a user installed: the one with this id, or else the installation's only app
    /// with consents. Across tenants: the installation decides the tenant.
    async fn installed_app(&self, id: Option<ZoomOauthAppId>) -> Result<Option<ZoomOauthApp>, StoreError>;

    /// Parks a grant and deletes an earlier one of the same user on the app, because Zoom accepts
    /// only the newest. An app keeps at most `most`; the oldest are deleted.
    async fn park(&self, parked: &ParkedConsent, most: u32) -> Result<(), StoreError>;

    /// The parked consent of this code. Across tenants.
    async fn parked_by_code(&self, code: &Digest) -> Result<Option<ParkedConsent>, StoreError>;

    /// A parked consent of the workspace.
    async fn parked_consent(
        &self,
        workspace: WorkspaceId,
        id: ParkedConsentId,
    ) -> Result<Option<ParkedConsent>, StoreError>;

    /// The workspace's parked consents, newest first.
    async fn parked_consents(&self, workspace: WorkspaceId) -> Result<Vec<ParkedConsent>, StoreError>;

    /// Stores the account (as
    /// [`Credentials::connect_credential`](crate::Credentials::connect_credential) does, which
    /// deletes all parked consents of that user) and deletes this one, in one transaction. `false`
    /// when it is gone.
    async fn adopt_parked(
        &self,
        id: ParkedConsentId,
        credential: &Credential,
        note: &Note,
    ) -> Result<bool, StoreError>;

    /// Deletes one; `false` when the workspace has none with this id.
    async fn discard_parked(&self, workspace: WorkspaceId, id: ParkedConsentId) -> Result<bool, StoreError>;

    /// Deletes the parked consents of a user on an app from before `end`, because Zoom has ended
    /// them.
    async fn discard_parked_of(
        &self,
        app: ZoomOauthAppId,
        zoom_user_id: &str,
        end: Timestamp,
    ) -> Result<(), StoreError>;

    /// Deletes expired parked consents; returns how many.
    async fn expire_parked(&self, now: Timestamp) -> Result<u64, StoreError>;
}
