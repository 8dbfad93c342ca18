//! Connected Zoom accounts and their grants.

use async_trait::async_trait;
use model::{CredentialId, CredentialStatus, ReauthCause, Sealed, Timestamp, WorkspaceId, ZoomOauthAppId};

use crate::{Lease, StoreError};

/// What Zoom gave: replaced as a whole by every refresh and every consent.
#[derive(Debug, Clone)]
pub struct Grant {
    /// Opens Zoom's API for about an hour.
    pub access_token: Sealed,
    /// By our own record, never by Zoom's word at a mint.
    pub access_expires_at: Timestamp,
    /// Dies when it is used once.
    pub refresh_token: Sealed,
    /// What the user consented to.
    pub scopes: Vec<String>,
    /// The API base of the account's region, when Zoom named one we trust.
    pub api_url: Option<String>,
}

/// One Zoom user's grant to one app.
#[derive(Debug, Clone)]
pub struct Credential {
    /// Our id: kept when the same user consents again.
    pub id: CredentialId,
    /// The tenant.
    pub workspace: WorkspaceId,
    /// The app.
    pub app: ZoomOauthAppId,
    /// Zoom's id of the user.
    pub zoom_user_id: String,
    /// Zoom's id of the account the user belongs to.
    pub zoom_account_id: String,
    /// The user's name at Zoom, for people.
    pub display_name: String,
    /// Whether tokens can be had.
    pub status: CredentialStatus,
    /// Counts the grants: a writer names the one it started from, and loses if it is no longer the current one.
    pub generation: i64,
    /// The current grant.
    pub grant: Grant,
    /// When the refresh token was last taken out to be spent. Still set while the generation has not moved: its answer
    /// may have been lost.
    pub spent_at: Option<Timestamp>,
    /// When the account was first connected.
    pub created_at: Timestamp,
    /// When the current grant came.
    pub granted_at: Timestamp,
}

/// What came of asking for the right to refresh.
#[derive(Debug, Clone)]
pub enum RefreshLease {
    /// It is ours. The row as it was before this call: `spent_at` set means that an earlier spender never came back.
    Taken(Box<Credential>),
    /// Somebody else holds it until then.
    Held {
        /// The end of that lease.
        until: Timestamp,
    },
    /// The generation is another one by now: read again.
    Moved,
    /// The account is gone, or needs a person.
    Unusable,
}

/// Connected accounts.
#[async_trait]
pub trait Credentials {
    /// Stores a new account, or replaces the grant of the row with the same id and resets it to healthy, at the next
    /// generation, ending any refresh that is under way. [`StoreError::Exists`] when another row has this user on this
    /// app.
    async fn connect_credential(&self, credential: &Credential) -> Result<(), StoreError>;

    /// An account of the workspace.
    async fn credential(
        &self,
        workspace: WorkspaceId,
        id: CredentialId,
    ) -> Result<Option<Credential>, StoreError>;

    /// The account of a Zoom user on an app.
    async fn credential_of(
        &self,
        workspace: WorkspaceId,
        app: ZoomOauthAppId,
        zoom_user_id: &str,
    ) -> Result<Option<Credential>, StoreError>;

    /// The workspace's accounts, newest first.
    async fn credentials(&self, workspace: WorkspaceId) -> Result<Vec<Credential>, StoreError>;

    /// Claims the right to refresh, and marks the refresh token as taken out. Committed before it returns, so a store
    /// that cannot write is found out before the token is spent.
    async fn lease_refresh(
        &self,
        workspace: WorkspaceId,
        id: CredentialId,
        generation: i64,
        lease: &Lease,
        now: Timestamp,
    ) -> Result<RefreshLease, StoreError>;

    /// Replaces the grant if `generation` is still current; the generation moves on by one, the account is healthy, and
    /// whoever holds the lease has lost it.
    ///
    /// Fenced by the generation alone. A grant that Zoom gave for the current refresh token is the only one that lives,
    /// however late it comes, and even if somebody has taken the lapsed lease meanwhile and found the token dead.
    async fn commit_refresh(
        &self,
        id: CredentialId,
        generation: i64,
        grant: &Grant,
        now: Timestamp,
    ) -> Result<bool, StoreError>;

    /// Gives the lease back. `unspent` says that the refresh token certainly never left.
    async fn release_refresh(
        &self,
        id: CredentialId,
        lease: &Lease,
        unspent: bool,
    ) -> Result<bool, StoreError>;

    /// Declares the grant of `generation` dead, if the lease is still held.
    async fn lose_grant(
        &self,
        id: CredentialId,
        generation: i64,
        lease: &Lease,
        cause: ReauthCause,
    ) -> Result<bool, StoreError>;
}
