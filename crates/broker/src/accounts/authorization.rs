//! Connecting an account: an invitation, a consent at Zoom, an account.
//!
//! The invitation is made through the API and opened in a browser. Opening it changes nothing here, so that whatever follows links
//! (previews, scanners) does no harm: `state` and the PKCE verifier travel in the browser's cookie, sealed. Zoom's redirect
//! must bring the state, and the browser that brings it must be the one that left: a code that was started elsewhere
//! connects nothing. A state is remembered from the moment its code is spent, so a page that is loaded twice spends one code,
//! and says the second time what it said the first.

use std::{sync::Arc, time::Duration};

use aws_lc_rs::constant_time::verify_slices_are_equal;
use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use model::{
    Code, ConsentId, CredentialId, CredentialKind, CredentialStatus, Environment, Failure, KillPoint, Sealed,
    Secret, Timestamp, WorkspaceId, ZoomOauthAppId,
};
use store::{AccountStore, Consent, Digest, TokenLinks};
use tenants::{Cell, Vault, digest};
use tokio_util::task::TaskTracker;
use zoom::ZoomClient;

use super::{
    apps::Apps,
    code::{Authorization, Codes},
    scopes,
    store_grant::{NewAccount, NewAccounts, Origin, Source, StoredGrant},
};
use crate::{Addresses, single_flight::SingleFlight};

/// How long an invitation can be opened.
const INVITATION_TTL: Duration = Duration::from_secs(24 * 3600);
/// A page that said that something is done says so again for so long.
pub(crate) const REPEAT_WINDOW: Duration = Duration::from_secs(600);

/// An address that connects one account to one app. It works like a key until it is used or expires.
#[derive(Debug)]
pub struct Invitation {
    /// Its id.
    pub id: ConsentId,
    /// To be opened in the browser of whoever owns the Zoom account.
    pub url: Secret,
    /// When it ends.
    pub expires_at: Timestamp,
}

/// An authorization session that has begun.
#[derive(Debug)]
pub struct AuthorizationStart {
    /// Zoom's consent page. Holds the state, so it is not for a log.
    pub zoom_url: Secret,
    /// To be set as a cookie, and brought back.
    pub browser: Secret,
}

/// What Zoom's redirect brought.
#[derive(Debug)]
pub struct AuthorizationReturn {
    /// `state`, as it came.
    pub state: Secret,
    /// The cookie, if the browser has one.
    pub browser: Option<Secret>,
    /// The code, or what Zoom says instead (`access_denied`).
    pub code: Result<Secret, String>,
}

/// An account that can be used.
#[derive(Debug, Clone)]
pub struct Connected {
    /// Its id.
    pub credential: CredentialId,
    /// The user's name at Zoom.
    pub display_name: String,
    /// What the consent does not allow and this server needs.
    pub missing_scopes: Vec<&'static str>,
}

/// Connects users who consent in a browser.
pub struct Authorizations {
    pub(crate) store: Arc<dyn AccountStore>,
    /// States whose code was spent.
    pub(crate) used_states: Arc<dyn TokenLinks + Send + Sync>,
    pub(crate) vault: Vault,
    pub(crate) env: Environment,
    pub(crate) tasks: TaskTracker,
    pub(crate) zoom: ZoomClient,
    pub(crate) apps: Arc<Apps>,
    pub(crate) codes: Arc<Codes>,
    pub(crate) new_accounts: Arc<NewAccounts>,
    pub(crate) addresses: Addresses,
    /// Browsers that come back from Zoom, by the state that they bring.
    pub(crate) under_way: SingleFlight<Digest, Result<Connected, Failure>>,
}

impl Authorizations {
    /// Makes an invitation; `None` when the workspace has no such app.
    pub async fn invite(
        &self,
        workspace: WorkspaceId,
        app: ZoomOauthAppId,
    ) -> Result<Option<Invitation>, Failure> {
        if self.apps.find(workspace, app).await?.is_none() {
            return Ok(None);
        }
        let (id, secret, now) = (ConsentId::generate(&self.env), self.env.entropy.token(), self.env.now());
        let consent = Consent {
            id,
            workspace,
            app,
            secret_digest: digest(&secret),
            credential: None,
            connected_by: None,
            connected_at: None,
            created_at: now,
            expires_at: now + INVITATION_TTL,
        };
        self.store.add_consent(&consent).await?;
        let mut url = self.addresses.at("oauth/zoom/authorize");
        url.query_pairs_mut().append_pair("invitation", &format!("{id}.{secret}"));
        Ok(Some(Invitation { id, url: Secret::new(url), expires_at: consent.expires_at }))
    }

    /// Sends the browser that opened an invitation on its way.
    pub async fn begin_authorization(&self, invitation: &str) -> Result<AuthorizationStart, Failure> {
        let unknown =
            || Failure::new(Code::LinkUnknown, "this invitation is not known here: ask for a new one");
        let (id, secret) = invitation.split_once('.').ok_or_else(unknown)?;
        let id = id.parse().map_err(|_| unknown())?;
        let consent = self.store.consent(id).await?.ok_or_else(unknown)?;
        verify_slices_are_equal(&consent.secret_digest, &digest(secret)).map_err(|_| unknown())?;
        self.still_open(&consent)?;

        let state = format!("{id}.{}", self.env.entropy.token());
        let verifier = zoom::verifier(&*self.env.entropy);
        let session = Secret::new(format!("{state} {}", verifier.expose()));
        let sealed = self.vault.seal(consent.workspace, Cell::Authorization(id), &session);
        let app = self.apps.keys(consent.workspace, consent.app).await?;
        let challenge = zoom::challenge(&verifier);
        let zoom_url = self.zoom.authorize_url(
            &app.client_id,
            self.addresses.redirect_uri().as_str(),
            &state,
            &challenge,
        );
        let browser = Secret::new(BASE64_URL_SAFE_NO_PAD.encode(&sealed.0));
        Ok(AuthorizationStart { zoom_url: Secret::new(zoom_url), browser })
    }

    /// Takes in the browser that comes back from Zoom, and connects the account. The same browser with the same answer again
    /// hears the same: it waits for the first, or is told what came of it.
    pub async fn finish_authorization(
        self: &Arc<Self>,
        returned: AuthorizationReturn,
    ) -> Result<Connected, Failure> {
        let (consent, verifier) = self.session_of(&returned).await?;
        let code = returned.code.map_err(|error| {
            Failure::new(
                Code::CredentialNeedsConsent,
                match error.as_str() {
                    "access_denied" => {
                        "the consent was declined at Zoom: open the invitation again to allow it".to_owned()
                    }
                    _ => "Zoom sent the browser back without a code: open the invitation again".to_owned(),
                },
            )
        })?;
        let state = digest(returned.state.expose());
        if let Some(connected) = self.connected_before(&consent, &state).await? {
            return Ok(connected);
        }
        self.still_open(&consent)?;
        // A task of the process: a browser that hangs up, or loads the page again, takes nothing down.
        let this = Arc::clone(self);
        let work = move || async move { this.connect_once(&consent, &state, code, verifier).await };
        let connected = self.under_way.run(state, &self.tasks, work).await;
        connected
            .unwrap_or_else(|| Err(Failure::new(Code::Internal, "the connection of an account broke off")))
    }

    /// The invitation that a browser was sent to Zoom with, and the PKCE verifier it took along.
    async fn session_of(&self, returned: &AuthorizationReturn) -> Result<(Consent, Secret), Failure> {
        let stranger = || {
            Failure::new(
                Code::RequestMalformed,
                "this answer belongs to no invitation opened in this browser: open it again",
            )
        };
        let state = returned.state.expose();
        let id: ConsentId = state.split_once('.').and_then(|(id, _)| id.parse().ok()).ok_or_else(stranger)?;
        let consent = self.store.consent(id).await?.ok_or_else(stranger)?;
        let browser = returned.browser.as_ref().ok_or_else(stranger)?.expose();
        let sealed = Sealed(BASE64_URL_SAFE_NO_PAD.decode(browser).map_err(|_| stranger())?);
        let session = self.vault.try_open(consent.workspace, Cell::Authorization(id), &sealed);
        let session = session.map_err(|_| stranger())?;
        let (left_with, verifier) = session.expose().split_once(' ').ok_or_else(stranger)?;
        verify_slices_are_equal(&digest(left_with), &digest(state)).map_err(|_| stranger())?;
        Ok((consent, Secret::new(verifier)))
    }

    /// What came of this state a moment ago.
    async fn connected_before(
        &self,
        consent: &Consent,
        state: &Digest,
    ) -> Result<Option<Connected>, Failure> {
        let (Some(credential), Some(by), Some(at)) =
            (consent.credential, consent.connected_by, consent.connected_at)
        else {
            return Ok(None);
        };
        if by != *state || self.env.now().since(at) > REPEAT_WINDOW {
            return Ok(None);
        }
        let account = self.store.credential(consent.workspace, credential).await?;
        let account = account.filter(|row| !matches!(row.status, CredentialStatus::Disconnected(_)));
        Ok(account.map(|account| Connected {
            credential,
            display_name: account.display_name,
            missing_scopes: scopes::missing(CredentialKind::UserOauth, account.grant.scopes.as_deref()),
        }))
    }

    async fn connect_once(
        &self,
        consent: &Consent,
        state: &Digest,
        code: Secret,
        verifier: Secret,
    ) -> Result<Connected, Failure> {
        // From here on this state is spent, whatever comes and on whichever server: a code is never tried twice.
        if self.used_states.first_seen(state, self.env.now()).await?.is_some() {
            let consent = self.store.consent(consent.id).await?;
            let before = match &consent {
                Some(consent) => self.connected_before(consent, state).await?,
                None => None,
            };
            return before.ok_or_else(|| {
                let words =
                    "this answer of Zoom's was used before, and connected nothing: open the invitation again";
                Failure::new(Code::LinkExpired, words)
            });
        }
        let app = self.apps.of_account(consent.workspace, consent.app).await?;
        let redirect_uri = self.addresses.redirect_uri();
        let code = Authorization { code, redirect_uri: redirect_uri.into(), code_verifier: Some(verifier) };
        let (grant, user) = self.codes.redeem(&app, &code).await?;
        let missing_scopes = scopes::missing(CredentialKind::UserOauth, grant.scopes.as_deref());
        let display_name = user.display_name.clone();
        let new = NewAccount {
            workspace: consent.workspace,
            app: consent.app,
            source: Source::User(user),
            grant,
            granted_at: self.env.now(),
            callback_url: None,
        };
        KillPoint::BeforeConsent.reach();
        let stored =
            self.new_accounts.store_grant(&new, Origin::Invitation { id: consent.id, state: *state }).await?;
        KillPoint::AfterConsent.reach();
        Ok(Connected { credential: stored.ok_or_else(used)?.id, display_name, missing_scopes })
    }

    /// Connects an account with a code that the caller fetched from Zoom. `None` when the workspace has no such app.
    pub async fn connect_by_code(
        &self,
        workspace: WorkspaceId,
        app: ZoomOauthAppId,
        code: &Authorization,
    ) -> Result<Option<StoredGrant>, Failure> {
        let Some(app) = self.apps.find(workspace, app).await? else { return Ok(None) };
        let (grant, user) = self.codes.redeem(&app, code).await?;
        let source = Source::User(user);
        let new = NewAccount {
            workspace,
            app: app.id,
            source,
            grant,
            granted_at: self.env.now(),
            callback_url: None,
        };
        self.new_accounts.store_grant(&new, Origin::Api).await
    }

    fn still_open(&self, consent: &Consent) -> Result<(), Failure> {
        if consent.credential.is_some() {
            return Err(used());
        }
        if self.env.now() >= consent.expires_at {
            return Err(Failure::new(Code::LinkExpired, "this invitation has expired: ask for a new one"));
        }
        Ok(())
    }
}

fn used() -> Failure {
    Failure::new(Code::LinkExpired, "this invitation was used already: ask for a new one")
}
