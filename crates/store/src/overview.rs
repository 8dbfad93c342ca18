//! The current numbers of a workspace's objects.

use std::time::Duration;

use async_trait::async_trait;
use model::{
    BotStatus, Code, CredentialId, CredentialKind, CredentialStatus, Timestamp, WorkspaceId, ZoomOauthAppId,
};

use crate::StoreError;

/// Counts of a workspace's accounts, refreshes and bots.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Overview {
    /// Accounts by state; a state without accounts is left out.
    pub accounts: Vec<AccountsCounted>,
    /// Accounts that have tokens, grouped by what may still prevent bots from signing in with them.
    pub with_tokens: Vec<AccountGroup>,
    /// Refreshes since the beginning of the hour of `since`.
    pub refreshes: Vec<RefreshesCounted>,
    /// Bots that have not ended, by state; a state without bots is left out.
    pub bots: Vec<(BotStatus, u64)>,
    /// How long bots took from their server's start of work on them until they were in the meeting, newest first.
    pub join_times: Vec<Duration>,
}

/// Accounts in one state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccountsCounted {
    /// The state.
    pub status: CredentialStatus,
    /// How many there are.
    pub accounts: u64,
    /// The earliest next refresh among them.
    pub next_refresh: Option<Timestamp>,
}

/// A kind of object whose number in a workspace is limited. Only objects that can still be used count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum QuotaResource {
    /// Token links that are not revoked and not expired.
    TokenLinks,
    /// Pools.
    Pools,
    /// Registered apps.
    ZoomOauthApps,
    /// API keys that are not revoked and not expired.
    ApiKeys,
    /// Invitations that are not used, not withdrawn and not expired.
    Invitations,
}

/// Healthy and degraded accounts of one app with the same scopes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccountGroup {
    /// Their app.
    pub app: ZoomOauthAppId,
    /// Whether Zoom refuses the app's id or secret.
    pub app_refused: bool,
    /// Their kind.
    pub kind: CredentialKind,
    /// Their scopes; `None` if they are not known.
    pub scopes: Option<Vec<String>>,
    /// How many there are.
    pub accounts: u64,
    /// One of them.
    pub first: CredentialId,
}

/// Refreshes with the same result.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefreshesCounted {
    /// The error code, if this version knows it; `None` if they succeeded.
    pub failure: Option<Code>,
    /// How many there were.
    pub refreshes: u64,
}

/// The counts for the console's home page and for the quotas of a workspace.
#[async_trait]
pub trait Overviews {
    /// All counts. `refreshes` and `join_times` are since `since`; `join_times` has the `most_joins` bots that joined last.
    async fn overview(
        &self,
        workspace: WorkspaceId,
        since: Timestamp,
        most_joins: u32,
    ) -> Result<Overview, StoreError>;

    /// How many objects of this kind the workspace has.
    async fn held(
        &self,
        workspace: WorkspaceId,
        what: QuotaResource,
        now: Timestamp,
    ) -> Result<u64, StoreError>;
}
