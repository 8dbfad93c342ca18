//! Creates and lists workspaces.

use std::sync::Arc;

use aws_lc_rs::digest::{SHA256, digest as sha};
use model::{Environment, Failure, Secret, WorkspaceId};
use sealing::OpenError;
use store::{
    Access, ApiKey, Digest, IgnoredFields, SecondAuthorization, StoreError, Workspace, WorkspaceChange,
};

use crate::{Cell, IssuedKey, NewApiKey, Vault, callback_secrets::new_callback_secret};

/// Workspaces, their keys and their callback secrets, for the API and the command line.
#[derive(Clone)]
pub struct Workspaces {
    pub(crate) store: Arc<dyn Access + Send + Sync>,
    pub(crate) vault: Vault,
    pub(crate) env: Environment,
}

/// The result of a first start. The key is shown only once.
#[derive(Debug)]
pub struct FirstWorkspace {
    /// The workspace.
    pub workspace: WorkspaceId,
    /// Its first API key.
    pub api_key: Secret,
}

/// The server must not start on this store.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The key ring is not the one that sealed the store.
    #[error("the keys in this key file do not decrypt the store: {0}")]
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

impl Workspaces {
    /// The workspaces of a store whose secrets `vault` opens.
    pub fn new(store: Arc<dyn Access + Send + Sync>, vault: Vault, env: Environment) -> Self {
        Self { store, vault, env }
    }

    /// Creates the first workspace and its first key if the store is empty. Otherwise checks that the key ring decrypts the
    /// stored secrets, before anything is written.
    pub async fn create_first_or_check(&self) -> Result<Option<FirstWorkspace>, StartError> {
        if self.check_keys().await? {
            return Ok(None);
        }
        let (workspace, IssuedKey { row, key }) = self.draft("default", "first");
        if self.store.create_first_workspace(&workspace, &row).await? {
            return Ok(Some(FirstWorkspace { workspace: workspace.id, api_key: key }));
        }
        // Another server has created it in the meantime, perhaps with another key ring.
        self.check_keys().await?;
        Ok(None)
    }

    /// Whether the store contains a workspace; an error if this key ring does not decrypt its secrets.
    pub async fn check_keys(&self) -> Result<bool, StartError> {
        let workspaces = self.store.workspaces().await?;
        for Workspace { id, callback_secret, .. } in &workspaces {
            self.vault.try_open(*id, Cell::CallbackSecret(*id), callback_secret)?;
        }
        Ok(!workspaces.is_empty())
    }

    /// Creates a workspace with a first key that may do everything in it. `bot_limit` is how many of its bots may run at
    /// once.
    pub async fn create(
        &self,
        name: &str,
        bot_limit: Option<u32>,
    ) -> Result<(Workspace, IssuedKey), Failure> {
        let (workspace, key) = self.draft(name, "first");
        let workspace = Workspace { bot_limit, ..workspace };
        self.store.add_workspace(&workspace, &key.row).await?;
        Ok((workspace, key))
    }

    /// Every workspace, oldest first.
    pub async fn all(&self) -> Result<Vec<Workspace>, Failure> {
        Ok(self.store.workspaces().await?)
    }

    /// A workspace.
    pub async fn get(&self, id: WorkspaceId) -> Result<Option<Workspace>, Failure> {
        Ok(self.store.workspace(id).await?)
    }

    /// Changes settings, all or none. `None` when there is no such workspace.
    pub async fn change(
        &self,
        id: WorkspaceId,
        change: &WorkspaceChange,
    ) -> Result<Option<Workspace>, Failure> {
        if self.store.change_workspace(id, change).await? { self.get(id).await } else { Ok(None) }
    }

    /// Every key of a workspace, newest first.
    pub async fn keys(&self, workspace: WorkspaceId) -> Result<Vec<ApiKey>, Failure> {
        Ok(self.store.api_keys(workspace).await?)
    }

    fn draft(&self, name: &str, key: &str) -> (Workspace, IssuedKey) {
        let id = WorkspaceId::generate(&self.env);
        let secret = new_callback_secret(&self.env);
        let workspace = Workspace {
            id,
            name: name.to_owned(),
            callback_secret: self.vault.seal(id, Cell::CallbackSecret(id), &secret),
            former_callback_secret: None,
            bot_limit: None,
            second_authorization: SecondAuthorization::default(),
            ignored_fields: IgnoredFields::default(),
            created_at: self.env.now(),
        };
        (workspace, self.issue(id, &NewApiKey::for_everything(key)))
    }
}

impl std::fmt::Debug for Workspaces {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Workspaces")
    }
}
