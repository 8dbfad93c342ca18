//! Connected Zoom accounts and their grants.

use std::time::Duration;

use async_trait::async_trait;
use model::{
    Code, CredentialId, CredentialKind, CredentialStatus, DisconnectCause, MeetingSyncStatus, ReauthCause,
    Sealed, Timestamp, WorkspaceId, ZoomOauthAppId,
};

use crate::{Lease, Note, Page, Place, StoreError};

/// No account waits longer for its next refresh: a due time beyond was written by a wrong clock, and the refresh token, which
/// dies of 90 days without use, must not wait for it.
pub const LONGEST_REST: Duration = Duration::from_secs(30 * 24 * 3600);

/// What Zoom gave: replaced as a whole by every refresh and every consent.
#[derive(Debug, Clone)]
pub struct Grant {
    /// Opens Zoom's API for about an hour. `None` once it is erased, and before the first one was fetched.
    pub access_token: Option<Sealed>,
    /// By our own record, never by Zoom's word at a mint.
    pub access_expires_at: Timestamp,
    /// Dies when it is used once. Only a user's consent has one.
    pub refresh_token: Option<Sealed>,
    /// What the user consented to; `None` when Zoom never said.
    pub scopes: Option<Vec<String>>,
    /// The API base of the account's region, when Zoom named one we trust.
    pub api_url: Option<String>,
}

/// One Zoom user's grant to one app; or a server-to-server app's own access to its Zoom account.
#[derive(Debug, Clone)]
pub struct Credential {
    /// Our id: kept when the same user consents again.
    pub id: CredentialId,
    /// The tenant.
    pub workspace: WorkspaceId,
    /// The app.
    pub app: ZoomOauthAppId,
    /// Where its access tokens come from.
    pub kind: CredentialKind,
    /// Zoom's id of the user; empty for a server-to-server app, which speaks for all users of its account.
    pub zoom_user_id: String,
    /// Zoom's id of the account the user belongs to.
    pub zoom_account_id: String,
    /// The user's name at Zoom, for people.
    pub display_name: String,
    /// Where a customer who manages the grant answers with access tokens.
    pub callback_url: Option<Sealed>,
    /// Whether tokens can be had.
    pub status: CredentialStatus,
    /// Since when it is so.
    pub status_since: Timestamp,
    /// What the last refresh failed with, while it is degraded.
    pub trouble: Option<Code>,
    /// How often in a row it failed.
    pub failures: u32,
    /// Until then nobody tries again: Zoom said so, or it failed too often.
    pub retry_at: Option<Timestamp>,
    /// When the refresher shall look at it next; `None` means never.
    pub refresh_at: Option<Timestamp>,
    /// About when a token was last asked for: to the hour.
    pub used_at: Option<Timestamp>,
    /// Counts what ends the tokens that were minted with it: a consent, a disconnection, a lost grant.
    pub epoch: i64,
    /// Counts the grants: a writer names the one it started from, and loses if it is no longer the current one.
    pub generation: i64,
    /// The current grant.
    pub grant: Grant,
    /// When the refresh token was last taken out to be spent. Still set while the generation has not moved: its answer
    /// may have been lost.
    pub spent_at: Option<Timestamp>,
    /// How far its meetings are known. A consent begins anew; [`Meetings`](crate::Meetings) leads it on.
    pub meeting_sync: MeetingSyncStatus,
    /// When the account was first connected.
    pub created_at: Timestamp,
    /// When the current grant came.
    pub granted_at: Timestamp,
}

impl Credential {
    /// Where it stands in a list of accounts.
    pub fn place(&self) -> Place {
        Place { key: self.created_at.as_microsecond(), id: self.id.to_string() }
    }
}

/// What a list of accounts is narrowed to.
#[derive(Debug, Clone, Default)]
pub struct CredentialFilter {
    /// Of this app.
    pub app: Option<ZoomOauthAppId>,
    /// Zoom's id of the user.
    pub zoom_user_id: Option<String>,
    /// Zoom's id of the account the user belongs to.
    pub zoom_account_id: Option<String>,
    /// In one of these states.
    pub statuses: Vec<CredentialStatus>,
    /// How far its meetings are known.
    pub meeting_sync: Option<MeetingSyncStatus>,
    /// Connected later than this.
    pub created_after: Option<Timestamp>,
    /// Connected earlier than this.
    pub created_before: Option<Timestamp>,
}

/// A refresh that failed and will be tried again.
#[derive(Debug, Clone, Copy)]
pub struct Trouble {
    /// With what.
    pub code: Code,
    /// Nobody shall try again before.
    pub retry_at: Timestamp,
    /// Whether the refresh token certainly never left.
    pub unspent: bool,
}

/// An account that is due for a refresh.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Due {
    /// The tenant.
    pub workspace: WorkspaceId,
    /// The account.
    pub credential: CredentialId,
    /// The app, whose limits the refresh falls under.
    pub app: ZoomOauthAppId,
    /// The grant that is to be replaced.
    pub generation: i64,
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
    /// The account is gone, disconnected, or needs a person.
    Unusable,
}

/// Connected accounts.
#[async_trait]
pub trait Credentials {
    /// Stores a new account, or replaces the grant of the row with the same id and resets it to healthy, at the next
    /// generation and epoch, ending any refresh that is under way. [`StoreError::Exists`] when another row has this user
    /// on this app, [`StoreError::Gone`] when the app was removed.
    async fn connect_credential(&self, credential: &Credential, note: &Note) -> Result<(), StoreError>;

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

    /// A page of the workspace's accounts, by the time they were first connected.
    async fn list_credentials(
        &self,
        workspace: WorkspaceId,
        filter: &CredentialFilter,
        page: &Page,
    ) -> Result<Vec<Credential>, StoreError>;

    /// Claims the right to refresh (a lease that ends much later than `lease` would is not believed), and marks the refresh token as taken out. Committed before it returns, so a store
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
    /// whoever holds the lease has lost it. The refresher looks at it next at `refresh_at`. `note` is written if the
    /// account was not healthy before.
    ///
    /// Fenced by the generation alone. A grant that Zoom gave for the current refresh token is the only one that lives,
    /// however late it comes, and even if somebody has taken the lapsed lease meanwhile and found the token dead.
    async fn commit_refresh(
        &self,
        id: CredentialId,
        generation: i64,
        grant: &Grant,
        refresh_at: Option<Timestamp>,
        note: &Note,
    ) -> Result<bool, StoreError>;

    /// Gives the lease back. `unspent` says that the refresh token certainly never left.
    async fn release_refresh(
        &self,
        id: CredentialId,
        lease: &Lease,
        unspent: bool,
    ) -> Result<bool, StoreError>;

    /// Gives the lease back after a refresh that failed for now: the account is degraded until one succeeds. `note` is
    /// written if it was healthy before.
    async fn trouble_refresh(
        &self,
        id: CredentialId,
        lease: &Lease,
        trouble: &Trouble,
        note: &Note,
    ) -> Result<bool, StoreError>;

    /// Declares the grant of `generation` dead, if the lease is still held.
    async fn lose_grant(
        &self,
        id: CredentialId,
        generation: i64,
        lease: &Lease,
        cause: ReauthCause,
        note: &Note,
    ) -> Result<bool, StoreError>;

    /// Erases the account's tokens and leaves a tombstone, at the next generation and epoch: what a refresh under way
    /// brings finds no place any more. `false` when the workspace has no such account, or it is disconnected already; only
    /// [`DisconnectCause::Asked`] replaces another cause, because then the account is nobody's business any more.
    async fn disconnect_credential(
        &self,
        workspace: WorkspaceId,
        id: CredentialId,
        cause: DisconnectCause,
        note: &Note,
    ) -> Result<bool, StoreError>;

    /// Remembers that the account is used, and brings the refresher's next look forward to `refresh_at`.
    async fn touch_credential(
        &self,
        id: CredentialId,
        now: Timestamp,
        refresh_at: Option<Timestamp>,
    ) -> Result<(), StoreError>;

    /// Whether an account of this app has the consent that was given at `consented_at`, however often it has been refreshed.
    async fn has_consent_of(&self, app: ZoomOauthAppId, consented_at: Timestamp) -> Result<bool, StoreError>;

    /// Moves the epoch on: what was minted before is void on every server.
    async fn void_tokens(&self, workspace: WorkspaceId, id: CredentialId) -> Result<(), StoreError>;

    /// Takes up to `limit` accounts that are due, the longest due first, and puts each off until `until`: no other
    /// refresher finds it before, and if nothing comes of it, it is due again. Across tenants: asked by the refresher.
    async fn claim_due(&self, now: Timestamp, until: Timestamp, limit: u32) -> Result<Vec<Due>, StoreError>;
}
