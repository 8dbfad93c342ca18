//! Disconnects accounts, and validates them.

use std::{sync::Arc, time::Duration};

use metrics::Metrics;
use model::{
    Code, CredentialId, CredentialKind, CredentialStatus, DisconnectCause, Environment, Failure, Secret,
    WorkspaceId, ZoomOauthAppId,
};
use store::{AccountStore, Credential, Subject};
use tenants::{Cell, Vault};
use zoom::{ZoomClient, ZoomError};

use super::{
    apps::Apps,
    grants::Grants,
    refresh::{RefreshReason, Refresher},
    usable_account::check_usable,
};
use crate::{
    account_cache::AccountCache,
    log_lines::{failure_note, note},
};

/// How long a disconnection waits for Zoom.
const REVOKE_TIMEOUT: Duration = Duration::from_secs(5);

/// Revokes grants at Zoom.
pub struct Revocation {
    pub(crate) env: Environment,
    pub(crate) zoom: ZoomClient,
    pub(crate) apps: Arc<Apps>,
}

impl Revocation {
    /// Revokes a token's grant at Zoom.
    pub(crate) async fn revoke(
        &self,
        workspace: WorkspaceId,
        app: ZoomOauthAppId,
        token: &Secret,
    ) -> Result<(), Failure> {
        let keys = self.apps.keys(workspace, app).await?;
        match self.env.clock.timeout(REVOKE_TIMEOUT, self.zoom.revoke(&keys, token)).await {
            Some(Ok(()) | Err(ZoomError::GrantDead)) => Ok(()),
            Some(Err(error)) => Err(error.into()),
            None => Err(Failure::new(Code::ZoomUnavailable, "Zoom does not answer in time")),
        }
    }
}

/// Disconnects accounts, and validates them.
pub struct Disconnection {
    pub(crate) store: Arc<dyn AccountStore>,
    pub(crate) vault: Vault,
    pub(crate) env: Environment,
    pub(crate) revocation: Arc<Revocation>,
    pub(crate) grants: Arc<Grants>,
    pub(crate) cache: Arc<AccountCache>,
    pub(crate) metrics: Metrics,
    pub(crate) refresher: Arc<Refresher>,
}

impl Disconnection {
    /// Disconnects an account: revokes its grant, if Zoom can be reached, and erases its tokens. A tombstone
    /// stays. `false` when the workspace has no such account, or it was disconnected here before.
    #[tracing::instrument(skip_all, fields(credential = %id))]
    pub async fn disconnect(&self, workspace: WorkspaceId, id: CredentialId) -> Result<bool, Failure> {
        let Some(before) = self.store.credential(workspace, id).await? else { return Ok(false) };
        let words = match self.end_grant_of(&before).await {
            None => "disconnected".to_owned(),
            Some(Ok(())) => "disconnected, and revoked at Zoom".to_owned(),
            Some(Err(failure)) => format!("disconnected, but not revoked at Zoom: {}", failure.detail),
        };
        let note = note(&self.env, &words);
        if !self.store.disconnect_credential(workspace, id, DisconnectCause::Asked, &note).await? {
            return Ok(false);
        }
        self.metrics.credential_became(CredentialStatus::Disconnected(DisconnectCause::Asked));
        self.store.discard_parked_of(before.app, &before.zoom_user_id, note.at).await?;
        tracing::info!(credential = %id, "account {words}");
        self.cache.forget(id);
        // A grant in escrow is now outdated, and the replay deletes it.
        self.grants.replay_deposits().await?;
        Ok(true)
    }

    /// Revokes the account's grant at Zoom; `None` when the account has no grant that can be revoked.
    async fn end_grant_of(&self, before: &Credential) -> Option<Result<(), Failure>> {
        let sealed =
            before.grant.refresh_token.as_ref().filter(|_| before.kind == CredentialKind::UserOauth)?;
        Some(match self.vault.open(before.workspace, Cell::RefreshToken(before.id), sealed) {
            Ok(token) => self.revocation.revoke(before.workspace, before.app, &token).await,
            Err(failure) => Err(failure),
        })
    }

    /// Refreshes an account now to validate it, and writes the result to its log. `false` when the workspace
    /// has no such account.
    pub async fn validate(
        self: &Arc<Self>,
        workspace: WorkspaceId,
        id: CredentialId,
    ) -> Result<bool, Failure> {
        let Some(before) = self.store.credential(workspace, id).await? else { return Ok(false) };
        let outcome = match check_usable(before.status) {
            Ok(()) => {
                self.refresher.refresh(workspace, id, Some(before.generation), RefreshReason::Asked).await
            }
            dead => dead,
        };
        let note = match outcome {
            Ok(()) => note(&self.env, "validated: it works"),
            Err(failure) => {
                let advice = failure.code.advice();
                failure_note(&self.env, &format!("validated: {}; {advice}", failure.detail), failure.code)
            }
        };
        self.store.add_log_line(workspace, Subject::Credential(id), &note).await?;
        Ok(true)
    }
}
