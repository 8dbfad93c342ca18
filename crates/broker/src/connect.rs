//! Connecting an account: an invitation, a trip to Zoom and back, an account.
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
    Code, ConsentId, CredentialId, CredentialKind, CredentialStatus, Failure, KillPoint, Sealed, Secret,
    Timestamp, WorkspaceId, ZoomOauthAppId,
};
use store::{Consent, Digest, ZoomOauthApp};
use tenants::{Cell, digest};
use url::Url;
use zoom::{ApiAccess, ZoomError, ZoomUser};

use crate::{
    Broker,
    access_token::access_token,
    admit::{Admitted, Door, Newcomer, Source},
    budget::RestTurn,
    scopes,
};

/// How long an invitation can be opened.
const INVITATION_LIFE: Duration = Duration::from_secs(24 * 3600);
/// A page that said that something is done says so again for so long.
pub(crate) const SAID_AGAIN: Duration = Duration::from_secs(600);

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

/// A browser on its way to Zoom.
#[derive(Debug)]
pub struct Departure {
    /// Zoom's consent page. Holds the state, so it is not for a log.
    pub zoom_url: Secret,
    /// To be set as a cookie, and brought back.
    pub browser: Secret,
}

/// What Zoom's redirect brought.
#[derive(Debug)]
pub struct Arrival {
    /// `state`, as it came.
    pub state: Secret,
    /// The cookie, if the browser has one.
    pub browser: Option<Secret>,
    /// The code, or what Zoom says instead (`access_denied`).
    pub code: Result<Secret, String>,
}

/// A code from Zoom's consent page, and what it is bound to.
#[derive(Debug)]
pub struct Authorization {
    /// Buys a grant, once, within five minutes.
    pub code: Secret,
    /// Where Zoom brought it, byte for byte.
    pub redirect_uri: String,
    /// The PKCE verifier, if there was a challenge.
    pub code_verifier: Option<Secret>,
}

/// An account that can be used.
#[derive(Debug, Clone)]
pub struct Connected {
    /// Its id.
    pub credential: CredentialId,
    /// The user's name at Zoom.
    pub display_name: String,
    /// What the consent does not allow and this house needs.
    pub missing_scopes: Vec<&'static str>,
}

impl Broker {
    /// Makes an invitation; `None` when the workspace has no such app.
    pub async fn invite(
        &self,
        workspace: WorkspaceId,
        app: ZoomOauthAppId,
    ) -> Result<Option<Invitation>, Failure> {
        if self.store.zoom_oauth_app(workspace, app).await?.is_none() {
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
            expires_at: now + INVITATION_LIFE,
        };
        self.store.add_consent(&consent).await?;
        let mut url = self.at("oauth/zoom/authorize");
        url.query_pairs_mut().append_pair("invitation", &format!("{id}.{secret}"));
        Ok(Some(Invitation { id, url: Secret::new(url), expires_at: consent.expires_at }))
    }

    /// Sends the browser that opened an invitation on its way.
    pub async fn depart(&self, invitation: &str) -> Result<Departure, Failure> {
        let unknown =
            || Failure::new(Code::LinkUnknown, "this invitation is not known here: ask for a new one");
        let (id, secret) = invitation.split_once('.').ok_or_else(unknown)?;
        let id = id.parse().map_err(|_| unknown())?;
        let consent = self.store.consent(id).await?.ok_or_else(unknown)?;
        verify_slices_are_equal(&consent.secret_digest, &digest(secret)).map_err(|_| unknown())?;
        self.still_open(&consent)?;

        let state = format!("{id}.{}", self.env.entropy.token());
        let verifier = zoom::verifier(&*self.env.entropy);
        let luggage = Secret::new(format!("{state} {}", verifier.expose()));
        let sealed = self.vault.seal(consent.workspace, Cell::Authorization(id), &luggage);
        let app = self.app_keys(consent.workspace, consent.app).await?;
        let challenge = zoom::challenge(&verifier);
        let zoom_url =
            self.zoom.authorize_url(&app.client_id, self.redirect_uri().as_str(), &state, &challenge);
        let browser = Secret::new(BASE64_URL_SAFE_NO_PAD.encode(&sealed.0));
        Ok(Departure { zoom_url: Secret::new(zoom_url), browser })
    }

    /// Takes in the browser that comes back from Zoom, and connects the account. The same browser with the same answer again
    /// hears the same: it waits for the first, or is told what came of it.
    pub async fn arrive(self: &Arc<Self>, arrival: Arrival) -> Result<Connected, Failure> {
        let (consent, verifier) = self.trip_of(&arrival).await?;
        let code = arrival.code.map_err(|error| {
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
        let state = digest(arrival.state.expose());
        if let Some(connected) = self.connected_before(&consent, &state).await? {
            return Ok(connected);
        }
        self.still_open(&consent)?;
        // A task of the process: a browser that hangs up, or loads the page again, takes nothing down.
        let broker = Arc::clone(self);
        let work = move || async move { broker.connect_once(&consent, &state, code, verifier).await };
        let landed = self.arrivals.join(state, &self.tasks, work).await;
        landed.unwrap_or_else(|| Err(Failure::new(Code::Internal, "the connection of an account broke off")))
    }

    /// The invitation that a browser was sent to Zoom with, and the PKCE verifier it took along.
    async fn trip_of(&self, arrival: &Arrival) -> Result<(Consent, Secret), Failure> {
        let stranger = || {
            Failure::new(
                Code::RequestMalformed,
                "this answer belongs to no invitation opened in this browser: open it again",
            )
        };
        let state = arrival.state.expose();
        let id: ConsentId = state.split_once('.').and_then(|(id, _)| id.parse().ok()).ok_or_else(stranger)?;
        let consent = self.store.consent(id).await?.ok_or_else(stranger)?;
        let browser = arrival.browser.as_ref().ok_or_else(stranger)?.expose();
        let sealed = Sealed(BASE64_URL_SAFE_NO_PAD.decode(browser).map_err(|_| stranger())?);
        let luggage = self.vault.try_open(consent.workspace, Cell::Authorization(id), &sealed);
        let luggage = luggage.map_err(|_| stranger())?;
        let (left_with, verifier) = luggage.expose().split_once(' ').ok_or_else(stranger)?;
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
        if by != *state || self.env.now().since(at) > SAID_AGAIN {
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
        if self.store.first_seen(state, self.env.now()).await?.is_some() {
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
        let app = self.app_of_account(consent.workspace, consent.app).await?;
        let redirect_uri = self.redirect_uri();
        let code = Authorization { code, redirect_uri: redirect_uri.into(), code_verifier: Some(verifier) };
        let (grant, user) = self.redeem(&app, &code).await?;
        let missing_scopes = scopes::missing(CredentialKind::UserOauth, grant.scopes.as_deref());
        let display_name = user.display_name.clone();
        let newcomer = Newcomer {
            workspace: consent.workspace,
            app: consent.app,
            source: Source::User(user),
            grant,
            granted_at: self.env.now(),
            callback_url: None,
        };
        KillPoint::BeforeConsent.reach();
        let admitted = self.admit(&newcomer, Door::Invitation { id: consent.id, state: *state }).await?;
        KillPoint::AfterConsent.reach();
        Ok(Connected { credential: admitted.ok_or_else(used)?.id, display_name, missing_scopes })
    }

    /// Connects an account with a code that the caller fetched from Zoom. `None` when the workspace has no such app.
    pub async fn connect_by_code(
        &self,
        workspace: WorkspaceId,
        app: ZoomOauthAppId,
        code: &Authorization,
    ) -> Result<Option<Admitted>, Failure> {
        let Some(app) = self.store.zoom_oauth_app(workspace, app).await? else { return Ok(None) };
        let (grant, user) = self.redeem(&app, code).await?;
        let source = Source::User(user);
        let newcomer = Newcomer {
            workspace,
            app: app.id,
            source,
            grant,
            granted_at: self.env.now(),
            callback_url: None,
        };
        self.admit(&newcomer, Door::Api).await
    }

    /// Buys the grant behind a code, and asks whose it is.
    pub(crate) async fn redeem(
        &self,
        app: &ZoomOauthApp,
        Authorization { code, redirect_uri, code_verifier }: &Authorization,
    ) -> Result<(zoom::Grant, ZoomUser), Failure> {
        let keys = self.keys_of(app)?;
        // Before the code is spent: without knowing whose it is, its grant could not be kept.
        let turn = self.newcomers_turn(app.id).await?;
        // A refusal says nothing of the app's own secret: it may be the code's redirect that doesn't fit.
        let begun_at = self.env.now();
        let answer = self.zoom.exchange_code(&keys, code, redirect_uri, code_verifier.as_ref()).await;
        self.token_endpoint_said(app.id, begun_at, &answer);
        let mut grant = answer?;
        if let (None, Some(refresh_token)) = (&grant.access_token, &grant.refresh_token) {
            // Only the refresh token could be read in Zoom's answer: it buys what is missing.
            grant = self.zoom.refresh(&keys, refresh_token).await?;
        }
        let user = self.whose(&grant, turn).await?;
        Ok((grant, user))
    }

    /// Asks Zoom whose a new grant is.
    pub(crate) async fn whose(&self, grant: &zoom::Grant, turn: RestTurn) -> Result<ZoomUser, Failure> {
        let base = grant.api_url.as_ref().unwrap_or(&self.api_base);
        match self.zoom.me(ApiAccess::new(base, access_token(grant)?, turn)).await {
            Ok(user) => Ok(user),
            // All that is missing, so that nobody has to come back for the second.
            Err(ZoomError::ScopeMissing { scopes: named }) => {
                let missing = scopes::missing(CredentialKind::UserOauth, grant.scopes.as_deref()).join(", ");
                let missing = if missing.is_empty() { named.join(", ") } else { missing };
                Err(Failure::new(Code::ScopeMissing, format!("the app lacks the scopes {missing}")))
            }
            Err(error) => Err(error.into()),
        }
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

    /// Where Zoom sends the browser back to. It must be registered with the app at Zoom, byte for byte.
    pub fn redirect_uri(&self) -> Url {
        self.at("oauth/zoom/callback")
    }

    /// An address of this server.
    pub(crate) fn at(&self, path: &str) -> Url {
        let mut url = self.public_base.clone();
        url.set_path(&format!("{}/{path}", self.public_base.path().trim_end_matches('/')));
        url
    }
}

fn used() -> Failure {
    Failure::new(Code::LinkExpired, "this invitation was used already: ask for a new one")
}
