//! Access tokens that are valid by our own record, for our own calls to Zoom's API and for customers.

use std::{sync::Arc, time::Duration};

use model::{
    Code, CredentialId, CredentialKind, Environment, Failure, Secret, Source, Timestamp, WorkspaceId, chain,
};
use rate_limits::{CallPriority, Charged, Limits};
use store::{AccountStore, Credential};
use tenants::{Cell, Vault};
use url::Url;
use zoom::{ApiAccess, Label};

use crate::accounts::{Grants, MIN_ACCESS_LIFETIME, RefreshReason, Refresher, schedule, usable_account};

/// The precision of an account's last use.
const NOTE_USE_INTERVAL: Duration = Duration::from_secs(3600);
/// An access token, and its expiry by our own record.
#[derive(Debug)]
pub struct AccessToken {
    /// Gives access to Zoom's API.
    pub token: Secret,
    /// When it expires.
    pub expires_at: Timestamp,
}

/// A token for Zoom's API, and data of its grant.
pub(crate) struct ZoomAccess {
    /// The account's workspace.
    pub(crate) workspace: WorkspaceId,
    pub(crate) kind: CredentialKind,
    /// Zoom's id of the account. Its limits apply to a call.
    pub(crate) zoom_account_id: String,
    pub(crate) token: Secret,
    pub(crate) expires_at: Timestamp,
    pub(crate) base: Url,
    pub(crate) generation: i64,
    pub(crate) epoch: i64,
    /// Whether it was cached or fetched for this caller.
    pub(crate) source: Source,
}

/// Valid access tokens, refreshed first if necessary.
pub struct AccessTokens {
    pub(crate) store: Arc<dyn AccountStore>,
    pub(crate) vault: Vault,
    pub(crate) env: Environment,
    pub(crate) grants: Arc<Grants>,
    pub(crate) refresher: Arc<Refresher>,
    pub(crate) limits: Arc<Limits>,
    pub(crate) api_base: Url,
}

impl AccessTokens {
    /// An access token that is valid for at least `life` by our own record. `rejected` is the generation
    /// that Zoom has just refused.
    pub(crate) async fn live(
        self: &Arc<Self>,
        workspace: WorkspaceId,
        id: CredentialId,
        life: Duration,
        rejected: Option<i64>,
    ) -> Result<ZoomAccess, Failure> {
        let credential = usable_account(&*self.store, workspace, id).await?;
        self.remember_use(&credential).await;
        self.access_of(credential, life, rejected).await
    }

    /// The same for our own calls, which do not count as a use of the account.
    pub(crate) async fn for_own_call(
        self: &Arc<Self>,
        workspace: WorkspaceId,
        id: CredentialId,
        rejected: Option<i64>,
    ) -> Result<ZoomAccess, Failure> {
        let credential = usable_account(&*self.store, workspace, id).await?;
        self.access_of(credential, MIN_ACCESS_LIFETIME, rejected).await
    }

    async fn access_of(
        self: &Arc<Self>,
        credential: Credential,
        life: Duration,
        rejected: Option<i64>,
    ) -> Result<ZoomAccess, Failure> {
        let (workspace, id) = (credential.workspace, credential.id);
        if self.grants.lasts(&credential, life.max(MIN_ACCESS_LIFETIME), rejected) {
            return self.open_access(&credential, Source::Cached);
        }
        match self.refresher.refresh(workspace, id, Some(credential.generation), RefreshReason::Caller).await
        {
            Ok(()) => {
                let mut fresh = usable_account(&*self.store, workspace, id).await?;
                if fresh.grant.access_token.is_none() && fresh.generation != credential.generation {
                    // Only the refresh token of Zoom's answer was readable: a refresh gives the rest.
                    self.refresher
                        .refresh(workspace, id, Some(fresh.generation), RefreshReason::Caller)
                        .await?;
                    fresh = usable_account(&*self.store, workspace, id).await?;
                }
                if fresh.generation == credential.generation {
                    // Our refresh was fenced, and the current holder of the lease has not finished.
                    return Err(Failure::new(
                        Code::RefreshUncertain,
                        "another process is refreshing this account",
                    ));
                }
                self.open_access(&fresh, Source::Minted)
            }
            // A shorter lifetime than requested is better than no token.
            Err(failure) => match usable_account(&*self.store, workspace, id).await {
                Ok(credential) if self.grants.lasts(&credential, MIN_ACCESS_LIFETIME, rejected) => {
                    self.open_access(&credential, Source::Cached)
                }
                _ => Err(failure),
            },
        }
    }

    /// The right to one call of `label` with an account's access token.
    pub(crate) async fn api<'a>(
        &self,
        access: &'a ZoomAccess,
        label: Label,
        priority: CallPriority,
    ) -> Result<ApiAccess<'a>, Failure> {
        let charged = Charged::Account(&access.zoom_account_id, access.workspace);
        let turn = self.limits.rest_turn(charged, label, priority).await?;
        Ok(ApiAccess::new(&access.base, &access.token, turn))
    }

    fn open_access(&self, credential: &Credential, source: Source) -> Result<ZoomAccess, Failure> {
        let cell = Cell::AccessToken(credential.id);
        let sealed = credential.grant.access_token.as_ref();
        let sealed = sealed.ok_or_else(|| {
            Failure::new(Code::ZoomUnexpected, "Zoom's answers had no readable access token")
        })?;
        Ok(ZoomAccess {
            workspace: credential.workspace,
            kind: credential.kind,
            zoom_account_id: credential.zoom_account_id.clone(),
            token: self.vault.open(credential.workspace, cell, sealed)?,
            expires_at: credential.grant.access_expires_at,
            base: self.base_of(credential),
            generation: credential.generation,
            epoch: credential.epoch,
            source,
        })
    }

    fn base_of(&self, credential: &Credential) -> Url {
        let named = credential.grant.api_url.as_deref().and_then(|url| url.parse().ok());
        named.unwrap_or_else(|| self.api_base.clone())
    }

    /// Records that the account is in use, so that it is refreshed ahead of time. The record is approximate
    /// and rarely written, and its failure does not refuse a token.
    async fn remember_use(&self, credential: &Credential) {
        let now = self.env.now();
        if credential.used_at.is_some_and(|used_at| used_at.was_within(NOTE_USE_INTERVAL, now)) {
            return;
        }
        let life = credential.grant.access_expires_at.since(self.grants.at_zoom(credential.granted_at));
        let look_at = schedule::ahead(&self.env, credential.granted_at, life);
        if let Err(error) = self.store.touch_credential(credential.id, now, Some(look_at)).await {
            tracing::warn!(credential = %credential.id, error = %chain(&error), "the use of an account was not recorded");
        }
    }
}
