//! What a workspace has at the moment, in numbers.

use std::time::Duration;

use async_trait::async_trait;
use model::{
    BotStatus, Code, CredentialId, CredentialKind, CredentialStatus, Timestamp, WorkspaceId, ZoomOauthAppId,
};

use crate::StoreError;

/// Accounts and bots of a workspace, counted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Overview {
    /// Accounts by state; a state without accounts is missing.
    pub accounts: Vec<AccountsCounted>,
    /// Accounts that have tokens, by what may still keep bots from signing in with them.
    pub with_tokens: Vec<AccountGroup>,
    /// Refreshes since the hour in which `since` lies.
    pub refreshes: Vec<RefreshesCounted>,
    /// Bots that have not ended, by state; a state without bots is missing.
    pub bots: Vec<(BotStatus, u64)>,
    /// How long bots took from their server's beginning with them to being in the meeting, the newest first.
    pub join_times: Vec<Duration>,
}

/// Accounts in one state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccountsCounted {
    /// The state.
    pub status: CredentialStatus,
    /// How many there are.
    pub accounts: u64,
    /// When the first of them is refreshed.
    pub next_refresh: Option<Timestamp>,
}

/// What a workspace can have only so many of. Counted is what can still be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum QuotaResource {
    /// Token links: not revoked, not at their end.
    TokenLinks,
    /// Pools.
    Pools,
    /// Registered apps.
    ZoomOauthApps,
    /// API keys: not revoked, not at their end.
    ApiKeys,
    /// Invitations: not used, not withdrawn, not at their end.
    Invitations,
}

/// Accounts, healthy or in trouble, of one app with the same scopes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccountGroup {
    /// Their app.
    pub app: ZoomOauthAppId,
    /// Whether Zoom refuses the app's id or secret.
    pub app_refused: bool,
    /// Their kind.
    pub kind: CredentialKind,
    /// Their scopes, as far as they are known.
    pub scopes: Option<Vec<String>>,
    /// How many there are.
    pub accounts: u64,
    /// One of them.
    pub first: CredentialId,
}

/// Refreshes that ended in one way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefreshesCounted {
    /// The failure, if this version knows it; `None` if they worked.
    pub failure: Option<Code>,
    /// How many there were.
    pub refreshes: u64,
}

/// What the home page of the console asks, and what bounds a workspace.
#[async_trait]
pub trait Overviews {
    /// Counts. `refreshes` and `join_times` are since `since`; `join_times` are of the `most_joins` bots that came in last.
    async fn overview(
        &self,
        workspace: WorkspaceId,
        since: Timestamp,
        most_joins: u32,
    ) -> Result<Overview, StoreError>;

    /// How many the workspace has of this kind.
    async fn held(
        &self,
        workspace: WorkspaceId,
        what: QuotaResource,
        now: Timestamp,
    ) -> Result<u64, StoreError>;
}
