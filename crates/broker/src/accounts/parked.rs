//! Consents that were not started here: a user installed an app from Zoom's Marketplace, so the redirect does
//! not have a state of this server.
//!
//! If such a consent connected an account, an attacker could send a browser here with the attacker's own code,
//! and connect the *attacker's* account to *this* workspace (login CSRF). So the code is redeemed within its
//! five minutes, and the grant waits for the operator's decision.

use std::{convert::Infallible, sync::Arc, time::Duration};

use model::{
    Code, CredentialId, Environment, Failure, ParkedConsentId, Secret, Timestamp, WorkspaceId,
    ZoomOauthAppId, chain,
};
use rate_limits::Limits;
use store::{AccountStore, Digest, Grant, ParkedConsent, Subject, ZoomOauthApp};
use tenants::{Cell, Vault, digest};
use tokio_util::task::TaskTracker;
use zoom::{UserStatus, ZoomUser};

use super::{
    authorization::REPEAT_WINDOW,
    authorization_code::{Authorization, Codes},
    disconnect::Revocation,
    grants::Grants,
    store_grant::{NewAccount, NewAccounts, Origin, Source},
};
use crate::{Addresses, log_lines::note, single_flight::SingleFlight};

/// How long a parked consent waits: far less than the 90 days of a refresh token.
const PARKED_TTL: Duration = Duration::from_secs(30 * 24 * 3600);
/// The maximum for each app, so that strangers can't fill the table.
const MAX_PARKED: u32 = 100;
/// Interval between deletions of expired parked consents.
const EXPIRY_INTERVAL: Duration = Duration::from_secs(3600);

/// A user who installed an app and waits for the operator.
#[derive(Debug, Clone)]
pub struct Installed {
    /// The parked consent.
    pub id: ParkedConsentId,
    /// The user's name at Zoom.
    pub display_name: String,
}

/// Consents that wait for the operator.
pub struct ParkedConsents {
    pub(crate) store: Arc<dyn AccountStore>,
    pub(crate) vault: Vault,
    pub(crate) env: Environment,
    pub(crate) tasks: TaskTracker,
    pub(crate) codes: Arc<Codes>,
    pub(crate) limits: Arc<Limits>,
    pub(crate) grants: Arc<Grants>,
    pub(crate) new_accounts: Arc<NewAccounts>,
    pub(crate) revocation: Arc<Revocation>,
    pub(crate) addresses: Addresses,
    /// Redirects after an install that are being processed, by code.
    pub(crate) under_way: SingleFlight<Digest, Result<Installed, Failure>>,
}

impl ParkedConsents {
    /// Handles a redirect after an install: parks its grant. The app is the one in the URL, or else the only
    /// one of this installation. A repetition gets the same result.
    pub async fn receive_install(
        self: &Arc<Self>,
        named: Option<ZoomOauthAppId>,
        code: Secret,
    ) -> Result<Installed, Failure> {
        let app = self.store.installed_app(named).await?.ok_or_else(|| {
            let own = "each app has its own address, which ends in /oauth/zoom/callback/ and the app's id";
            Failure::new(Code::LinkUnknown, format!("it is not clear which Zoom app was installed: {own}"))
        })?;
        let code_digest = digest(code.expose());
        let this = Arc::clone(self);
        let work = move || async move { this.park_once(&app, named, code, code_digest).await };
        let parked = self.under_way.run(code_digest, &self.tasks, work).await;
        parked.unwrap_or_else(|| Err(Failure::new(Code::Internal, "parking the consent was aborted")))
    }

    async fn park_once(
        &self,
        app: &ZoomOauthApp,
        named: Option<ZoomOauthAppId>,
        code: Secret,
        code_digest: Digest,
    ) -> Result<Installed, Failure> {
        if let Some(before) = self.store.parked_by_code(&code_digest).await? {
            let said_again =
                before.app == app.id && before.parked_at.was_within(REPEAT_WINDOW, self.env.now());
            return if said_again {
                Ok(Installed { id: before.id, display_name: before.display_name })
            } else {
                Err(Failure::new(
                    Code::LinkExpired,
                    "this answer from Zoom was used before: install the app again",
                ))
            };
        }
        let redirect_uri =
            named.map_or_else(|| self.addresses.redirect_uri().into(), |id| self.addresses.install_uri(id));
        let _turn = self.limits.install_turn(app.id).await?;
        let (grant, user) =
            self.codes.redeem(app, &Authorization { code, redirect_uri, code_verifier: None }).await?;
        let (id, now) = (ParkedConsentId::generate(&self.env), self.env.now());
        let parked = ParkedConsent {
            id,
            workspace: app.workspace,
            app: app.id,
            zoom_user_id: user.id,
            zoom_account_id: user.account_id,
            display_name: user.display_name,
            grant: self.seal_parked(app.workspace, id, &grant, now),
            code_digest: Some(code_digest),
            parked_at: now,
            expires_at: now + PARKED_TTL,
        };
        self.store.park(&parked, MAX_PARKED).await?;
        tracing::info!(app = %app.id, parked = %id, "a consent without an invitation was parked");
        let installed =
            note(&self.env, &format!("a user installed the app at Zoom; parked consent {id} waits"));
        self.store.add_log_line(app.workspace, Subject::App(app.id), &installed).await?;
        if let Some(account) = self.replaced_by(&parked).await? {
            let words = format!(
                "the user installed the app again at Zoom, which honours only the newest grant: adopt parked consent {id}"
            );
            self.store
                .add_log_line(app.workspace, Subject::Credential(account), &note(&self.env, &words))
                .await?;
        }
        Ok(Installed { id, display_name: parked.display_name })
    }

    /// The connected account of the same user on the same app. Zoom no longer accepts its grant.
    pub async fn replaced_by(&self, parked: &ParkedConsent) -> Result<Option<CredentialId>, Failure> {
        let account = self.store.credential_of(parked.workspace, parked.app, &parked.zoom_user_id).await?;
        let connected =
            account.filter(|account| !matches!(account.status, model::CredentialStatus::Disconnected(_)));
        Ok(connected.map(|account| account.id))
    }

    /// The parked consents of a workspace, newest first.
    pub async fn list(&self, workspace: WorkspaceId) -> Result<Vec<ParkedConsent>, Failure> {
        let now = self.env.now();
        let mut parked = self.store.parked_consents(workspace).await?;
        parked.retain(|parked| parked.expires_at > now);
        Ok(parked)
    }

    /// Connects a parked consent. `None` when the workspace has none with this id, or when the same user has
    /// connected in the meantime, which deleted it.
    pub async fn adopt(
        &self,
        workspace: WorkspaceId,
        id: ParkedConsentId,
    ) -> Result<Option<CredentialId>, Failure> {
        let parked = self.store.parked_consent(workspace, id).await?;
        let Some(parked) = parked.filter(|parked| parked.expires_at > self.env.now()) else {
            return Ok(None);
        };
        let grant = self.open_parked(&parked)?;
        let user = ZoomUser {
            id: parked.zoom_user_id,
            account_id: parked.zoom_account_id,
            email: None,
            display_name: parked.display_name,
            status: UserStatus::Unknown,
            personal_room: None,
            personal_name: None,
        };
        let new = NewAccount {
            workspace,
            app: parked.app,
            source: Source::User(user),
            grant,
            granted_at: parked.parked_at,
            callback_url: None,
        };
        Ok(self.new_accounts.store_grant(&new, Origin::Parked(id)).await?.map(|stored| stored.id))
    }

    /// Deletes a parked consent, and revokes its grant if Zoom can be reached. `false` when the workspace has
    /// none with this id.
    pub async fn discard(&self, workspace: WorkspaceId, id: ParkedConsentId) -> Result<bool, Failure> {
        let Some(parked) = self.store.parked_consent(workspace, id).await? else { return Ok(false) };
        let revoked = match self.open_parked(&parked)?.refresh_token {
            Some(token) => self.revocation.revoke(workspace, parked.app, &token).await,
            None => Ok(()),
        };
        if let Err(error) = revoked {
            tracing::warn!(parked = %id, error = %chain(&error), "a parked consent was erased but not revoked at Zoom");
        }
        Ok(self.store.discard_parked(workspace, id).await?)
    }

    /// Deletes expired parked consents for as long as it is polled.
    pub async fn run_expiry(&self) -> Infallible {
        loop {
            match self.store.expire_parked(self.env.now()).await {
                Ok(0) => {}
                Ok(expired) => tracing::info!(expired, "parked consents have expired"),
                Err(error) => {
                    tracing::warn!(error = %chain(&error), "expired parked consents were not deleted");
                }
            }
            self.env.clock.sleep(EXPIRY_INTERVAL).await;
        }
    }

    fn seal_parked(
        &self,
        workspace: WorkspaceId,
        id: ParkedConsentId,
        grant: &zoom::Grant,
        now: Timestamp,
    ) -> Grant {
        let seal = |cell, token| self.vault.seal(workspace, cell, token);
        Grant {
            access_token: grant.access_token.as_ref().map(|token| seal(Cell::ParkedAccessToken(id), token)),
            access_expires_at: self.grants.at_zoom(now) + grant.expires_in,
            refresh_token: grant
                .refresh_token
                .as_ref()
                .map(|token| seal(Cell::ParkedRefreshToken(id), token)),
            scopes: grant.scopes.clone(),
            api_url: grant.api_url.as_ref().map(ToString::to_string),
        }
    }

    fn open_parked(&self, parked: &ParkedConsent) -> Result<zoom::Grant, Failure> {
        let open = |cell, sealed: &Option<_>| match sealed {
            Some(sealed) => self.vault.open(parked.workspace, cell, sealed).map(Some),
            None => Ok(None),
        };
        let ParkedConsent { id, ref grant, .. } = *parked;
        Ok(zoom::Grant {
            access_token: open(Cell::ParkedAccessToken(id), &grant.access_token)?,
            refresh_token: open(Cell::ParkedRefreshToken(id), &grant.refresh_token)?,
            expires_in: grant.access_expires_at.since(self.grants.at_zoom(parked.parked_at)),
            scopes: grant.scopes.clone(),
            api_url: grant.api_url.as_deref().and_then(|url| url.parse().ok()),
        })
    }
}
