//! API keys: creating, checking and revoking them.
//!
//! A key is read from the store for every call and never cached, so a revocation takes effect at the next call on every
//! server. A separate task stores the time of the last use every few minutes.

use std::{fmt, num::NonZeroU32, sync::Arc, time::Duration};

use model::{ApiKeyId, ApiScopes, Environment, Failure, Secret, Timestamp, WorkspaceId, chain};
use rate_limits::Limiter;
use store::{Access, ApiKey};
use tokio_util::task::TaskTracker;

use crate::{Workspaces, digest};

/// Begins every key, so that scanners for leaked secrets can find them.
const PREFIX: &str = "lk_";
/// How many of a key's 43 random characters are shown: enough to tell keys apart, and too few to help guessing.
const SHOWN_CHARACTERS: usize = 4;
/// The longest time by which the stored last use may be out of date.
const NOTE_USE_INTERVAL: Duration = Duration::from_secs(300);
/// How often a server stores a key's last use: many concurrent calls read the same old time.
const NOTES_PER_MINUTE: NonZeroU32 = NonZeroU32::MIN;

/// A key to create.
#[derive(Debug)]
pub struct NewApiKey {
    /// For people.
    pub name: String,
    /// What it may do.
    pub scopes: ApiScopes,
    /// How many calls a minute it may make; `None` means the server's default.
    pub per_minute: Option<NonZeroU32>,
    /// When it expires.
    pub expires_at: Option<Timestamp>,
}

/// A new key. It is shown once.
#[derive(Debug)]
pub struct IssuedKey {
    /// The row.
    pub row: ApiKey,
    /// The key itself.
    pub key: Secret,
}

/// The result of checking a key.
#[derive(Debug)]
pub enum KeyCheck {
    /// It is valid.
    Good(ApiKey),
    /// It has expired.
    Expired,
    /// It was revoked.
    Revoked,
    /// There is no such key.
    Unknown,
}

impl NewApiKey {
    /// A key that may do everything in its workspace and never expires.
    pub fn for_everything(name: &str) -> Self {
        let scopes = ApiScopes::of_a_workspace();
        Self { name: name.to_owned(), scopes, per_minute: None, expires_at: None }
    }
}

impl Workspaces {
    /// Creates a key; `None` when there is no such workspace.
    pub async fn create_key(
        &self,
        workspace: WorkspaceId,
        new: &NewApiKey,
    ) -> Result<Option<IssuedKey>, Failure> {
        if self.store.workspace(workspace).await?.is_none() {
            return Ok(None);
        }
        let issued = self.issue(workspace, new);
        self.store.add_api_key(&issued.row).await?;
        Ok(Some(issued))
    }

    /// Revokes a key at once; `false` when the workspace has none with this id.
    pub async fn revoke_key(&self, workspace: WorkspaceId, id: ApiKeyId) -> Result<bool, Failure> {
        Ok(self.store.revoke_api_key(workspace, id, self.env.now()).await?)
    }

    pub(crate) fn issue(&self, workspace: WorkspaceId, new: &NewApiKey) -> IssuedKey {
        let text = format!("{PREFIX}{}", self.env.entropy.token());
        let row = ApiKey {
            id: ApiKeyId::generate(&self.env),
            workspace,
            name: new.name.clone(),
            digest: digest(&text),
            prefix: text[..PREFIX.len() + SHOWN_CHARACTERS].to_owned(),
            scopes: new.scopes,
            per_minute: new.per_minute,
            created_at: self.env.now(),
            expires_at: new.expires_at,
            last_used_at: None,
            revoked_at: None,
        };
        IssuedKey { row, key: Secret::new(text) }
    }
}

/// Checks keys, and stores when they were last used.
pub struct ApiKeys {
    store: Arc<dyn Access + Send + Sync>,
    env: Environment,
    tasks: TaskTracker,
    /// Limits how often the use of a key is stored.
    noted_uses: Limiter<ApiKeyId>,
}

impl ApiKeys {
    /// Checks the keys of this store. `tasks` runs the writes of uses.
    pub fn new(store: Arc<dyn Access + Send + Sync>, env: Environment, tasks: TaskTracker) -> Self {
        Self { store, env, tasks, noted_uses: Limiter::default() }
    }

    /// Checks this key. It has 256 random bits, so the timing of looking up its hash leaks nothing useful.
    pub async fn check(&self, key: &str) -> Result<KeyCheck, Failure> {
        let now = self.env.now();
        Ok(match self.store.api_key(&digest(key)).await? {
            None => KeyCheck::Unknown,
            Some(key) if key.revoked_at.is_some() => KeyCheck::Revoked,
            Some(key) if key.expires_at.is_some_and(|end| now >= end) => KeyCheck::Expired,
            Some(key) => {
                self.note_use(&key, now);
                KeyCheck::Good(key)
            }
        })
    }

    /// Stores the use in the background; a failure is harmless.
    fn note_use(&self, key: &ApiKey, now: Timestamp) {
        let known = key.last_used_at.is_some_and(|at| at.was_within(NOTE_USE_INTERVAL, now));
        if known || self.noted_uses.admit(&key.id, NOTES_PER_MINUTE, now).is_err() {
            return;
        }
        let (store, id) = (self.store.clone(), key.id);
        self.tasks.spawn(async move {
            if let Err(error) = store.note_use_of_api_key(id, now).await {
                tracing::debug!(error = %chain(&error), "the use of an API key was not stored");
            }
        });
    }
}

impl fmt::Debug for ApiKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ApiKeys")
    }
}
