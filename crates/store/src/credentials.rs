//! Connected Zoom accounts and their grants.

use std::time::Duration;

use async_trait::async_trait;
use model::{
    Code, CredentialId, CredentialKind, CredentialStatus, DisconnectCause, MeetingSyncStatus, ReauthCause,
    Sealed, Timestamp, WorkspaceId, ZoomOauthAppId,
};

use crate::{Lease, Note, Page, Place, StoreError};

/// The longest time until an account's next refresh. A later due time was written by a wrong clock,
/// and a refresh token dies after 90 days without use.
pub const MAX_REFRESH_INTERVAL: Duration = Duration::from_secs(30 * 24 * 3600);

/// The tokens that Zoom issued. Each refresh and each consent replaces it as a whole.
#[derive(Debug, Clone)]
pub struct Grant {
    /// An access token for Zoom's API, valid for about an hour. `None` once it is erased, and
    /// before the first one was fetched.
    pub access_token: Option<Sealed>,
    /// When it expires, by our own clock at the time of issue. Zoom's answers at a mint don't change
    /// it.
    pub access_expires_at: Timestamp,
    /// Valid for one use. Only a user's consent has one.
    pub refresh_token: Option<Sealed>,
    /// The scopes the user consented to; `None` when Zoom never stated them.
    pub scopes: Option<Vec<String>>,
    /// The API base of the account's region, when Zoom named a trusted one.
    pub api_url: Option<String>,
}

/// One Zoom user's grant to one app, or a server-to-server app's access to its own Zoom account.
#[derive(Debug, Clone)]
pub struct Credential {
    /// Our id. It stays when the same user consents again.
    pub id: CredentialId,
    /// The tenant.
    pub workspace: WorkspaceId,
    /// The app.
    pub app: ZoomOauthAppId,
    /// The source of its access tokens.
    pub kind: CredentialKind,
    /// Zoom's id of the user; empty for a server-to-server app, which acts for all users of its
    /// account.
    pub zoom_user_id: String,
    /// Zoom's id of the account that the user belongs to.
    pub zoom_account_id: String,
    /// The user's name at Zoom, for people.
    pub display_name: String,
    /// The address that the user signs in to Zoom with, for people; `None` when Zoom did not say.
    pub email: Option<String>,
    /// The customer's URL that returns access tokens, when the customer manages the grant.
    pub callback_url: Option<Sealed>,
    /// Whether it can give tokens.
    pub status: CredentialStatus,
    /// Since when it has this status.
    pub status_since: Timestamp,
    /// The error of the last refresh, while the account is degraded.
    pub trouble: Option<Code>,
    /// Failed refreshes in a row.
    pub failures: u32,
    /// No refresh is tried before this time: Zoom said so, or too many have failed.
    pub retry_at: Option<Timestamp>,
    /// When the refresh worker looks at it next; `None` means never.
    pub refresh_at: Option<Timestamp>,
    /// When a token was last requested, to the hour.
    pub used_at: Option<Timestamp>,
    /// Counts the events that void minted tokens: a consent, a disconnection, a lost grant.
    pub epoch: i64,
    /// Counts the grants. A writer names the generation it started from, and fails if it is no
    /// longer current.
    pub generation: i64,
    /// The current grant.
    pub grant: Grant,
    /// When a refresh last started to use the refresh token. If it is set and the generation is
    /// the same, the answer to that refresh may have been lost.
    pub spent_at: Option<Timestamp>,
    /// How much of its meetings is known. A consent resets it; [`Meetings`](crate::Meetings)
    /// updates it.
    pub meeting_sync: MeetingSyncStatus,
    /// When the account was first connected.
    pub created_at: Timestamp,
    /// When the current grant was stored.
    pub granted_at: Timestamp,
}

impl Credential {
    /// Its position in a list of accounts.
    pub fn place(&self) -> Place {
        Place { key: self.created_at.as_microsecond(), id: self.id.to_string() }
    }
}

/// The filter of a list of accounts.
#[derive(Debug, Clone, Default)]
pub struct CredentialFilter {
    /// Of this app.
    pub app: Option<ZoomOauthAppId>,
    /// Zoom's id of the user.
    pub zoom_user_id: Option<String>,
    /// Zoom's id of the account the user belongs to.
    pub zoom_account_id: Option<String>,
    /// With this text in its name or its address, ignoring case.
    pub named: Option<String>,
    /// In one of these states.
    pub statuses: Vec<CredentialStatus>,
    /// With this state of its list of meetings.
    pub meeting_sync: Option<MeetingSyncStatus>,
    /// Connected after this.
    pub created_after: Option<Timestamp>,
    /// Connected before this.
    pub created_before: Option<Timestamp>,
}

/// A refresh that failed and will be tried again.
#[derive(Debug, Clone, Copy)]
pub struct RefreshFailure {
    /// The error.
    pub code: Code,
    /// No retry before this.
    pub retry_at: Timestamp,
    /// Whether the refresh token certainly was not sent.
    pub unspent: bool,
}

/// An account that is due for a refresh.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Due {
    /// The tenant.
    pub workspace: WorkspaceId,
    /// The account.
    pub credential: CredentialId,
    /// The app, whose limits apply to the refresh.
    pub app: ZoomOauthAppId,
    /// The generation of the grant to replace.
    pub generation: i64,
    /// When it became due.
    pub due_at: Timestamp,
}

/// The result of claiming the right to refresh.
#[derive(Debug, Clone)]
pub enum RefreshLease {
    /// The caller has the lease. The row is from before this call: `spent_at` set means that an earlier
    /// holder never reported a result.
    Taken(Box<Credential>),
    /// Another holder has the lease.
    Held {
        /// The end of that lease.
        until: Timestamp,
    },
    /// The generation has changed: read the row again.
    Moved,
    /// The account is gone, disconnected, or needs a new consent.
    Unusable,
}

/// Connected accounts.
#[async_trait]
pub trait Credentials {
    /// Stores a new account, or replaces the grant of the row with the same id. The account is
    /// healthy afterwards, at the next generation and epoch, and a refresh under way loses its
    /// lease. [`StoreError::Exists`] when another row has this user on this app,
    /// [`StoreError::Gone`] when the app was removed.
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

    /// Claims the right to refresh and sets `spent_at`. A held lease that ends
    /// much later than `lease` would was written by a wrong clock and is ignored. The claim is
    /// committed before this returns, so a store that cannot write fails before the token is spent.
    async fn lease_refresh(
        &self,
        workspace: WorkspaceId,
        id: CredentialId,
        generation: i64,
        lease: &Lease,
        now: Timestamp,
    ) -> Result<RefreshLease, StoreError>;

    /// Replaces the grant if `generation` is still current. The generation increases by one, the
    /// account is healthy, and any lease ends. The next refresh is due at `refresh_at`. `note` is
    /// written if the account was not healthy before.
    ///
    /// Fenced by the generation alone, not by the lease: the grant that Zoom issued for the current
    /// refresh token is the only valid one. It is stored even when it arrives late, after another
    /// holder took the expired lease and found the token dead.
    async fn commit_refresh(
        &self,
        id: CredentialId,
        generation: i64,
        grant: &Grant,
        refresh_at: Option<Timestamp>,
        note: &Note,
    ) -> Result<bool, StoreError>;

    /// Releases the lease. `unspent` says that the refresh token certainly was not sent.
    async fn release_refresh(
        &self,
        id: CredentialId,
        lease: &Lease,
        unspent: bool,
    ) -> Result<bool, StoreError>;

    /// Releases the lease after a refresh that failed and is to be retried: the account is degraded
    /// until one succeeds. `note` is written if it was healthy before.
    async fn record_refresh_failure(
        &self,
        id: CredentialId,
        lease: &Lease,
        trouble: &RefreshFailure,
        note: &Note,
    ) -> Result<bool, StoreError>;

    /// Declares the grant of `generation` dead, if the lease is still held.
    async fn mark_grant_dead(
        &self,
        id: CredentialId,
        generation: i64,
        lease: &Lease,
        cause: ReauthCause,
        note: &Note,
    ) -> Result<bool, StoreError>;

    /// Erases the account's tokens and leaves a tombstone, at the next generation and epoch, so a
    /// refresh under way can't store its grant. `false` when the workspace has no such account, or
    /// it is disconnected already. Only [`DisconnectCause::Asked`] replaces another cause, because
    /// it means that nobody needs to act.
    async fn disconnect_credential(
        &self,
        workspace: WorkspaceId,
        id: CredentialId,
        cause: DisconnectCause,
        note: &Note,
    ) -> Result<bool, StoreError>;

    /// Records that the account is used, and makes the next refresh due at `refresh_at` if that is
    /// earlier. A recorded time from the future is replaced.
    async fn touch_credential(
        &self,
        id: CredentialId,
        now: Timestamp,
        refresh_at: Option<Timestamp>,
    ) -> Result<(), StoreError>;

    /// Whether an account of this app has the consent given at `consented_at`, even if it has been
    /// refreshed since.
    async fn has_consent_of(&self, app: ZoomOauthAppId, consented_at: Timestamp) -> Result<bool, StoreError>;

    /// Increases the epoch: tokens that were minted before are void on every server.
    async fn void_tokens(&self, workspace: WorkspaceId, id: CredentialId) -> Result<(), StoreError>;

    /// Claims up to `limit` due accounts, the longest due first, and makes each due again at
    /// `until`. Other workers don't find them before, and a claim without a result is repeated
    /// then. Across tenants: used by the refresh worker.
    async fn claim_due_refreshes(
        &self,
        now: Timestamp,
        until: Timestamp,
        limit: u32,
    ) -> Result<Vec<Due>, StoreError>;
}
