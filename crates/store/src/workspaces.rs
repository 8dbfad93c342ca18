//! Workspaces and their API keys.

use std::{num::NonZeroU32, str::FromStr};

use async_trait::async_trait;
use model::{ApiKeyId, ApiScopes, Sealed, Timestamp, WorkspaceId};

use crate::{Digest, StoreError};

/// A tenant.
#[derive(Debug, Clone)]
pub struct Workspace {
    /// Its id.
    pub id: WorkspaceId,
    /// For people.
    pub name: String,
    /// Signs Latchkey's fetches from customers, and verifies requests for tokens (`whsec_…`).
    pub callback_secret: Sealed,
    /// The callback secret before this one, until it has been erased.
    pub former_callback_secret: Option<FormerSecret>,
    /// How many of its bots may run at once, on all servers together; `None` is no limit.
    pub bot_limit: Option<u32>,
    /// [`SecondAuthorization::Replace`] by default.
    pub second_authorization: SecondAuthorization,
    /// [`IgnoredFields::Name`] by default.
    pub ignored_fields: IgnoredFields,
    /// When it was made.
    pub created_at: Timestamp,
}

/// Settings of a workspace that change; the others stay.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct WorkspaceChange {
    /// The limit, or that there is none.
    pub bot_limit: Option<Option<u32>>,
    /// The policy.
    pub second_authorization: Option<SecondAuthorization>,
    /// The policy.
    pub ignored_fields: Option<IgnoredFields>,
}

/// A secret that was replaced.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FormerSecret {
    /// The secret.
    pub sealed: Sealed,
    /// It is no longer accepted from this time on.
    pub ends_at: Timestamp,
}

/// A key of the API, stored as its hash.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiKey {
    /// Its id.
    pub id: ApiKeyId,
    /// The tenant it gives access to.
    pub workspace: WorkspaceId,
    /// For people.
    pub name: String,
    /// SHA-256 of the key. The key has 256 random bits: a slow hash would protect nothing more.
    pub digest: Digest,
    /// Its first characters, so that people can tell keys apart.
    pub prefix: String,
    /// Which operations it allows.
    pub scopes: ApiScopes,
    /// Its own limit of calls a minute; `None` means the server's default.
    pub per_minute: Option<NonZeroU32>,
    /// When it was made.
    pub created_at: Timestamp,
    /// It is no longer accepted from this time on.
    pub expires_at: Option<Timestamp>,
    /// When it was used last, give or take some minutes.
    pub last_used_at: Option<Timestamp>,
    /// When it was revoked.
    pub revoked_at: Option<Timestamp>,
}

/// How the API answers when a connected user is connected again.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum SecondAuthorization {
    /// The account has the new grant and keeps its id.
    #[default]
    Replace,
    /// The request fails with a conflict, as the older guide of the contract says.
    Conflict,
}

impl SecondAuthorization {
    /// The word in requests, answers and the database.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Replace => "replace",
            Self::Conflict => "conflict",
        }
    }
}

impl FromStr for SecondAuthorization {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let known = [Self::Replace, Self::Conflict].into_iter().find(|choice| choice.as_str() == text);
        known.ok_or_else(|| format!("{text:?} is not a policy for a second authorization"))
    }
}

/// How the request for a new bot is treated if it has fields without effect here, unless the request says so itself.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum IgnoredFields {
    /// The bot is made, and the answer names them.
    #[default]
    Name,
    /// The request is refused, and the answer names them.
    Refuse,
}

impl IgnoredFields {
    /// The word in requests, answers and the database.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Name => "name",
            Self::Refuse => "refuse",
        }
    }
}

impl FromStr for IgnoredFields {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let known = [Self::Name, Self::Refuse].into_iter().find(|choice| choice.as_str() == text);
        known.ok_or_else(|| format!("{text:?} is not a policy for ignored fields: it is name or refuse"))
    }
}

/// Workspaces and API keys.
#[async_trait]
pub trait Access {
    /// Every workspace, oldest first. Across tenants: used by the server at start and by its
    /// operator.
    async fn workspaces(&self) -> Result<Vec<Workspace>, StoreError>;

    /// A workspace.
    async fn workspace(&self, id: WorkspaceId) -> Result<Option<Workspace>, StoreError>;

    /// Changes settings, all or none. `false` when there is no such workspace.
    async fn change_workspace(&self, id: WorkspaceId, change: &WorkspaceChange) -> Result<bool, StoreError>;

    /// Creates a workspace together with its first key if the store has no workspace yet; `false`
    /// when it has one. When several servers start at once for the first time, one succeeds.
    async fn create_first_workspace(&self, workspace: &Workspace, key: &ApiKey) -> Result<bool, StoreError>;

    /// Creates a further workspace together with its first key.
    async fn add_workspace(&self, workspace: &Workspace, key: &ApiKey) -> Result<(), StoreError>;

    /// Replaces the callback secret `current` of a workspace by `new` and stores `former` as the
    /// former secret, in place of any earlier one. `false` when the current secret is another one
    /// by now; nothing changes then.
    async fn rotate_callback_secret(
        &self,
        workspace: WorkspaceId,
        current: &Sealed,
        new: &Sealed,
        former: Option<&FormerSecret>,
    ) -> Result<bool, StoreError>;

    /// Erases former callback secrets that have ended, of every workspace.
    async fn erase_former_callback_secrets(&self, now: Timestamp) -> Result<u64, StoreError>;

    /// The key with this hash, even if it has expired or was revoked. Across tenants: the key
    /// decides the tenant.
    async fn api_key(&self, digest: &Digest) -> Result<Option<ApiKey>, StoreError>;

    /// The workspace's keys, newest first.
    async fn api_keys(&self, workspace: WorkspaceId) -> Result<Vec<ApiKey>, StoreError>;

    /// Stores one more key.
    async fn add_api_key(&self, key: &ApiKey) -> Result<(), StoreError>;

    /// Revokes a key; `false` when the workspace has no key with this id. A second call keeps the
    /// first time.
    async fn revoke_api_key(
        &self,
        workspace: WorkspaceId,
        id: ApiKeyId,
        now: Timestamp,
    ) -> Result<bool, StoreError>;

    /// Records that a key was used. A use before the recorded one changes nothing.
    async fn note_use_of_api_key(&self, id: ApiKeyId, at: Timestamp) -> Result<(), StoreError>;
}
