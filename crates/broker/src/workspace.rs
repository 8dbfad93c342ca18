//! The first workspace, and who may act in it.

use aws_lc_rs::digest::{SHA256, digest as sha};
use base64::{Engine as _, prelude::BASE64_STANDARD};
use model::{ApiKeyId, Failure, Secret, WorkspaceId};
use sealing::OpenError;
use store::{ApiKey, Digest, StoreError, Workspace};

use crate::{Broker, Cell};

/// What a first start made. The key is shown once and never again.
#[derive(Debug)]
pub struct Founded {
    /// The workspace.
    pub workspace: WorkspaceId,
    /// Its first API key.
    pub api_key: Secret,
}

/// The server must not start on this store.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The key ring is not the one that sealed the store.
    #[error("this key file does not open the store: {0}")]
    WrongKeys(#[from] OpenError),
    /// The store cannot be used.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// SHA-256, for secrets that are checked but never read back.
pub fn digest(text: &str) -> Digest {
    let mut bytes = [0; 32];
    bytes.copy_from_slice(sha(&SHA256, text.as_bytes()).as_ref());
    bytes
}

impl Broker {
    /// Makes the first workspace and its first key if the store is empty; otherwise proves that the key ring opens what
    /// lies in it, before anything is written.
    pub async fn found_or_check(&self) -> Result<Option<Founded>, StartError> {
        if self.check_keys().await? {
            return Ok(None);
        }
        let (id, now) = (WorkspaceId::generate(&self.env), self.env.now());
        let callback_secret =
            Secret::new(format!("whsec_{}", BASE64_STANDARD.encode(self.env.entropy.bytes::<32>())));
        let api_key = Secret::new(format!("lk_{}", self.env.entropy.token()));
        let workspace = Workspace {
            id,
            name: "default".into(),
            callback_secret: self.vault.seal(id, Cell::CallbackSecret(id), &callback_secret),
            created_at: now,
        };
        let key = ApiKey {
            id: ApiKeyId::generate(&self.env),
            workspace: id,
            name: "first".into(),
            digest: digest(api_key.expose()),
            created_at: now,
        };
        if self.store.found(&workspace, &key).await? {
            return Ok(Some(Founded { workspace: id, api_key }));
        }
        // Somebody else has founded it meanwhile, with a ring that need not be ours.
        self.check_keys().await?;
        Ok(None)
    }

    /// Whether there is anything in the store; an error if there is, and this ring does not open it.
    pub async fn check_keys(&self) -> Result<bool, StartError> {
        let workspaces = self.store.workspaces().await?;
        for Workspace { id, callback_secret, .. } in &workspaces {
            self.vault.try_open(*id, Cell::CallbackSecret(*id), callback_secret)?;
        }
        Ok(!workspaces.is_empty())
    }

    /// Whose key this is. The key has 256 random bits, so looking its hash up leaks nothing worth timing.
    pub async fn authenticate(&self, api_key: &str) -> Result<Option<ApiKey>, Failure> {
        Ok(self.store.api_key(&digest(api_key)).await?)
    }

    /// The secret that signs what this workspace's bots fetch, and verifies who fetches from it (`whsec_…`).
    pub async fn callback_secret(&self, workspace: WorkspaceId) -> Result<Secret, Failure> {
        let row = self
            .store
            .workspace(workspace)
            .await?
            .ok_or_else(|| Failure::new(model::Code::Internal, "the workspace is gone"))?;
        self.vault.open(workspace, Cell::CallbackSecret(workspace), &row.callback_secret)
    }
}
