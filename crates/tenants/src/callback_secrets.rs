//! A workspace's callback secret (`whsec_…`): it signs its bots' fetches and verifies fetches from its token links. After a
//! rotation the former secret stays valid for a day.

use std::time::Duration;

use base64::{Engine as _, prelude::BASE64_STANDARD};
use model::{Code, Environment, Failure, Secret, Timestamp, WorkspaceId};
use outbound::signature::SigningKey;
use store::{FormerSecret, Workspace};

use crate::{Cell, Workspaces};

/// How long a secret remains valid after it was replaced.
pub const SECRET_OVERLAP: Duration = Duration::from_secs(24 * 3600);
/// How often a rotation is tried: it can collide with another rotation or a change of the sealing keys.
const ATTEMPTS: u32 = 3;

/// The valid secrets.
#[derive(Debug)]
pub struct CallbackSecrets {
    /// The newest secret.
    pub current: Secret,
    /// The secret before it, and until when it is valid.
    pub former: Option<(Secret, Timestamp)>,
}

impl CallbackSecrets {
    /// All of them, newest first.
    pub fn all(&self) -> impl Iterator<Item = &Secret> {
        [&self.current].into_iter().chain(self.former.iter().map(|(secret, _)| secret))
    }

    /// The keys in them, newest first.
    pub fn keys(&self) -> Result<Vec<SigningKey>, Failure> {
        let keys: Option<Vec<_>> = self.all().map(SigningKey::parse).collect();
        keys.ok_or_else(|| {
            Failure::new(Code::Internal, "the workspace's callback secret is not a valid secret")
        })
    }
}

/// The result of a rotation.
#[derive(Debug)]
pub enum Rotation {
    /// These are valid now.
    Done(CallbackSecrets),
    /// The former secret is still valid. Another rotation would replace it while it is in use.
    Running {
        /// When it expires.
        until: Timestamp,
    },
}

pub(crate) fn new_callback_secret(env: &Environment) -> Secret {
    Secret::new(format!("whsec_{}", BASE64_STANDARD.encode(env.entropy.bytes::<32>())))
}

impl Workspaces {
    /// The valid secrets of a workspace.
    pub async fn callback_secrets(&self, workspace: WorkspaceId) -> Result<CallbackSecrets, Failure> {
        self.open_callback_secrets(&self.row(workspace).await?)
    }

    /// The keys in them, newest first. Sign with each key; accept a signature of any key.
    pub async fn callback_keys(&self, workspace: WorkspaceId) -> Result<Vec<SigningKey>, Failure> {
        self.callback_secrets(workspace).await?.keys()
    }

    /// Replaces the secret. The former secret stays valid for `overlap`. With a zero `overlap`, only the new secret is valid
    /// from now on; use this for secrets that have leaked.
    pub async fn rotate_callback_secret(
        &self,
        workspace: WorkspaceId,
        overlap: Duration,
    ) -> Result<Rotation, Failure> {
        let now = self.env.now();
        for _ in 0..ATTEMPTS {
            let row = self.row(workspace).await?;
            let before = self.open_callback_secrets(&row)?;
            if let Some((_, until)) = before.former.filter(|_| !overlap.is_zero()) {
                return Ok(Rotation::Running { until });
            }
            let current = new_callback_secret(&self.env);
            let sealed = self.vault.seal(workspace, Cell::CallbackSecret(workspace), &current);
            // A ciphertext can only be opened for its own cell, so the old secret is sealed again for the other cell.
            let former = (!overlap.is_zero()).then(|| FormerSecret {
                sealed: self.vault.seal(workspace, Cell::FormerCallbackSecret(workspace), &before.current),
                ends_at: now + overlap,
            });
            let rotate =
                self.store.rotate_callback_secret(workspace, &row.callback_secret, &sealed, former.as_ref());
            if rotate.await? {
                let former = former.map(|former| (before.current, former.ends_at));
                return Ok(Rotation::Done(CallbackSecrets { current, former }));
            }
        }
        Err(Failure::new(Code::Unavailable, "the callback secret is being changed by another request"))
    }

    /// Erases expired callback secrets of every workspace.
    pub async fn erase_former_callback_secrets(&self) -> Result<(), Failure> {
        match self.store.erase_former_callback_secrets(self.env.now()).await? {
            0 => {}
            erased => tracing::info!(erased, "expired callback secrets were erased"),
        }
        Ok(())
    }

    async fn row(&self, workspace: WorkspaceId) -> Result<Workspace, Failure> {
        let row = self.store.workspace(workspace).await?;
        row.ok_or_else(|| Failure::new(Code::Internal, "the workspace no longer exists"))
    }

    fn open_callback_secrets(&self, row: &Workspace) -> Result<CallbackSecrets, Failure> {
        let id = row.id;
        let current = self.vault.open(id, Cell::CallbackSecret(id), &row.callback_secret)?;
        let now = self.env.now();
        let former = row.former_callback_secret.as_ref().filter(|former| now < former.ends_at);
        let open = |former: &FormerSecret| {
            let secret = self.vault.open(id, Cell::FormerCallbackSecret(id), &former.sealed)?;
            Ok::<_, Failure>((secret, former.ends_at))
        };
        Ok(CallbackSecrets { current, former: former.map(open).transpose()? })
    }
}
