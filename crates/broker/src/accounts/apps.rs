//! Zoom OAuth apps registered here.

use std::{sync::Arc, time::Duration};

use model::{Code, Environment, Failure, Sealed, Secret, WorkspaceId, ZoomOauthAppId};
use store::{
    AppKind, AppStore, FormerSecret, NewAppSecrets, NewWebhookSecret, Signatures, StoreError, Subject,
    ZoomOauthApp,
};
use tenants::{Cell, Vault};
use zoom::AppKeys;

use crate::log_lines::note;

/// How often a change is tried if it collides with concurrent changes.
const ATTEMPTS: u32 = 3;
/// How many former webhook secrets are accepted in addition to the current one, for operators who correct
/// a wrong one.
const MAX_FORMER_SECRETS: usize = 3;

/// An app to register.
#[derive(Debug)]
pub struct NewApp {
    /// User or account level.
    pub kind: AppKind,
    /// Zoom's public id of the app.
    pub client_id: String,
    /// Zoom's secret of the app; it also signs the SDK's joins.
    pub client_secret: Secret,
    /// The secret that verifies Zoom's webhooks.
    pub webhook_secret: Secret,
    /// Zoom's id of the account that a server-to-server app belongs to; `None` for every other app.
    pub zoom_account_id: Option<String>,
}

/// New secrets of an app.
#[derive(Debug)]
pub struct SecretsChange {
    /// Zoom's secret of the app.
    pub client_secret: Option<Secret>,
    /// The secret that verifies Zoom's webhooks.
    pub webhook_secret: Option<Secret>,
    /// How long the former webhook secret is accepted in addition to the new one; zero if it has leaked.
    pub webhook_secret_overlap: Duration,
}

/// The Zoom OAuth apps of every workspace.
pub struct Apps {
    pub(crate) store: Arc<dyn AppStore>,
    pub(crate) vault: Vault,
    pub(crate) env: Environment,
}

impl Apps {
    /// An app of the workspace.
    pub async fn find(
        &self,
        workspace: WorkspaceId,
        id: ZoomOauthAppId,
    ) -> Result<Option<ZoomOauthApp>, StoreError> {
        self.store.zoom_oauth_app(workspace, id).await
    }

    /// Erases expired webhook secrets of every workspace.
    pub(crate) async fn erase_former_webhook_secrets(&self) -> Result<(), StoreError> {
        match self.store.erase_former_webhook_secrets(self.env.now()).await? {
            0 => {}
            erased => tracing::info!(erased, "expired webhook secrets were erased"),
        }
        Ok(())
    }

    /// Registers an app; `None` when the workspace has an app with this client id. A removed app comes back
    /// with its id; its accounts keep theirs when their users consent again.
    pub async fn register(
        &self,
        workspace: WorkspaceId,
        new: &NewApp,
    ) -> Result<Option<ZoomOauthApp>, Failure> {
        let removed = self.store.removed_zoom_oauth_app(workspace, &new.client_id).await?;
        let id = removed.unwrap_or_else(|| ZoomOauthAppId::generate(&self.env));
        let app = ZoomOauthApp {
            id,
            workspace,
            kind: new.kind,
            client_id: new.client_id.clone(),
            client_secret: self.vault.seal(workspace, Cell::ClientSecret(id), &new.client_secret),
            webhook_secret: self.vault.seal(workspace, Cell::WebhookSecret(id), &new.webhook_secret),
            former_webhook_secret: None,
            zoom_account_id: new.zoom_account_id.clone(),
            webhook_last_validation: None,
            refusal: None,
            signatures: Signatures::default(),
            created_at: self.env.now(),
        };
        match self.store.add_zoom_oauth_app(&app).await {
            Ok(()) => Ok(Some(app)),
            Err(StoreError::Exists(_)) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Replaces an app's secrets; `None` when the workspace has no such app. A new client secret is used at
    /// once, even if Zoom has refused the old one.
    pub async fn change_secrets(
        &self,
        workspace: WorkspaceId,
        id: ZoomOauthAppId,
        change: &SecretsChange,
    ) -> Result<Option<ZoomOauthApp>, Failure> {
        let seal = |secret| self.vault.seal(workspace, Cell::ClientSecret(id), secret);
        let client = change.client_secret.as_ref().map(seal);
        for _ in 0..ATTEMPTS {
            let Some(app) = self.find(workspace, id).await? else { return Ok(None) };
            let webhook = match &change.webhook_secret {
                Some(new) => Some(self.succeed_webhook_secret(&app, new, change.webhook_secret_overlap)?),
                None => None,
            };
            let webhook = webhook.as_ref().map(|(sealed, former)| NewWebhookSecret {
                before: &app.webhook_secret,
                sealed,
                former: former.as_ref(),
            });
            let secrets = NewAppSecrets { client_secret: client.as_ref(), webhook_secret: webhook };
            if self.store.change_app_secrets(workspace, id, secrets).await? {
                self.store
                    .add_log_line(workspace, Subject::App(id), &note(&self.env, "secrets replaced"))
                    .await?;
                return Ok(self.find(workspace, id).await?);
            }
        }
        Err(Failure::new(Code::Unavailable, "the app's secrets are being changed by another request"))
    }

    /// The new values of an app's two cells of webhook secrets. The new secret may be set at Zoom earlier or
    /// later than here, so the former one is accepted for `overlap`, together with older unexpired ones.
    fn succeed_webhook_secret(
        &self,
        app: &ZoomOauthApp,
        new: &Secret,
        overlap: Duration,
    ) -> Result<(Sealed, Option<FormerSecret>), Failure> {
        let before = self.webhook_secrets(app)?;
        let is_new = before[0].expose() != new.expose();
        let mut former: Vec<&str> = before.iter().map(Secret::expose).collect();
        former.retain(|secret| *secret != new.expose());
        former.truncate(MAX_FORMER_SECRETS);
        let end = self.env.now() + overlap;
        let ends_at = match &app.former_webhook_secret {
            // Setting the same secret again does not extend the former secrets.
            Some(former) if !is_new => former.ends_at.min(end),
            _ => end,
        };
        let seal = |cell, secret: &Secret| self.vault.seal(app.workspace, cell, secret);
        let former = (!overlap.is_zero() && !former.is_empty()).then(|| FormerSecret {
            sealed: seal(Cell::FormerWebhookSecret(app.id), &Secret::new(former.join(" "))),
            ends_at,
        });
        Ok((seal(Cell::WebhookSecret(app.id), new), former))
    }

    /// The secrets that are accepted for an app's webhooks now, the current one first.
    pub(crate) fn webhook_secrets(&self, app: &ZoomOauthApp) -> Result<Vec<Secret>, Failure> {
        let current = self.vault.open(app.workspace, Cell::WebhookSecret(app.id), &app.webhook_secret)?;
        let mut secrets = vec![current];
        let now = self.env.now();
        if let Some(former) = app.former_webhook_secret.as_ref().filter(|former| now < former.ends_at) {
            let all = self.vault.open(app.workspace, Cell::FormerWebhookSecret(app.id), &former.sealed)?;
            secrets.extend(all.expose().split_whitespace().map(Secret::new));
        }
        Ok(secrets)
    }

    /// An app's client secret and webhook secret: for an operator who has enabled showing them.
    pub fn secrets(&self, app: &ZoomOauthApp) -> Result<(Secret, Secret), Failure> {
        let webhook = self.vault.open(app.workspace, Cell::WebhookSecret(app.id), &app.webhook_secret)?;
        Ok((self.keys_of(app)?.client_secret, webhook))
    }

    pub(crate) async fn keys(&self, workspace: WorkspaceId, id: ZoomOauthAppId) -> Result<AppKeys, Failure> {
        self.keys_of(&self.of_account(workspace, id).await?)
    }

    /// The app of an account or invitation.
    pub(crate) async fn of_account(
        &self,
        workspace: WorkspaceId,
        id: ZoomOauthAppId,
    ) -> Result<ZoomOauthApp, Failure> {
        let app = self.find(workspace, id).await?;
        app.ok_or_else(|| Failure::new(Code::AppUnhealthy, "the account's app no longer exists"))
    }

    pub(crate) fn keys_of(&self, app: &ZoomOauthApp) -> Result<AppKeys, Failure> {
        let client_secret = self.vault.open(app.workspace, Cell::ClientSecret(app.id), &app.client_secret)?;
        Ok(AppKeys { client_id: app.client_id.clone(), client_secret })
    }
}
