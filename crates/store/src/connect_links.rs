//! Invitations to connect an account to an app.

use async_trait::async_trait;
use model::{ConnectLinkId, CredentialId, Timestamp, WorkspaceId, ZoomOauthAppId};

use crate::{Credential, Digest, Note, Page, Place, StoreError};

/// An invitation to connect an account: created through the API, opened in a browser, completed by
/// Zoom's redirect.
#[derive(Debug, Clone)]
pub struct ConnectLink {
    /// Its id, part of the invitation's URL.
    pub id: ConnectLinkId,
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
    /// The account that it is for, if only its user may use it.
    pub expected: Option<CredentialId>,
    /// Who invites, as shown to the invited person.
    pub invited_by: Option<String>,
    /// What the account is needed for, as shown to that person.
    pub purpose: Option<String>,
    /// The URL that the browser is sent to once the account is connected.
    pub return_url: Option<String>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it expires.
    pub expires_at: Timestamp,
    /// When it was withdrawn.
    pub revoked_at: Option<Timestamp>,
}

impl ConnectLink {
    /// Its position in a list of invitations.
    pub fn place(&self) -> Place {
        Place { key: self.created_at.as_microsecond(), id: self.id.to_string() }
    }
}

/// Invitations.
#[async_trait]
pub trait ConnectLinks {
    /// Stores an invitation.
    async fn add_connect_link(&self, consent: &ConnectLink) -> Result<(), StoreError>;

    /// An invitation by its id. Across tenants: the secret in the URL decides.
    async fn connect_link(&self, id: ConnectLinkId) -> Result<Option<ConnectLink>, StoreError>;

    /// A page of the workspace's invitations, by the time they were made.
    async fn connect_links(
        &self,
        workspace: WorkspaceId,
        page: &Page,
    ) -> Result<Vec<ConnectLink>, StoreError>;

    /// An unused invitation of the workspace for this account that is valid until `until` or longer and has no inviter,
    /// purpose or return URL. The newest, if there are several.
    async fn open_connect_link(
        &self,
        workspace: WorkspaceId,
        expected: CredentialId,
        until: Timestamp,
    ) -> Result<Option<ConnectLink>, StoreError>;

    /// Withdraws an invitation; `false` when the workspace has none with this id, or it was used. A second call keeps the
    /// first time.
    async fn revoke_connect_link(
        &self,
        workspace: WorkspaceId,
        id: ConnectLinkId,
        now: Timestamp,
    ) -> Result<bool, StoreError>;

    /// Stores the account (as
    /// [`Credentials::connect_credential`](crate::Credentials::connect_credential) does) and marks
    /// the invitation as used, in one transaction. `state` is the hash of the OAuth state that came
    /// back from Zoom. `false` when the invitation was used already, or was withdrawn.
    async fn complete_connect_link(
        &self,
        id: ConnectLinkId,
        state: &Digest,
        credential: &Credential,
        note: &Note,
    ) -> Result<bool, StoreError>;

    /// Deletes the invitations that have expired by `end`, used or not.
    async fn delete_old_connect_links(&self, end: Timestamp) -> Result<u64, StoreError>;
}
