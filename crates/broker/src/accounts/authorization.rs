//! Connects an account by an invitation and a consent at Zoom.
//!
//! The API creates an invitation, and a browser opens it. Opening it changes nothing, so link previews and
//! scanners do no harm: `state` and the PKCE verifier are in the browser's sealed cookie. Zoom's redirect
//! must return the state in the same browser, so a code from another browser's authorization connects no
//! account. A state is recorded as used before its code is redeemed, so a page that is loaded twice redeems
//! one code and shows the same result again.

use std::{sync::Arc, time::Duration};

use aws_lc_rs::constant_time::verify_slices_are_equal;
use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use model::{
    Code, ConnectLinkId, CredentialId, CredentialKind, CredentialStatus, Environment, Failure, KillPoint,
    Sealed, Secret, Timestamp, WorkspaceId, ZoomOauthAppId,
};
use store::{Access, AccountStore, ConnectLink, Credential, Digest, TokenLinks};
use tenants::{Cell, Vault, digest};
use tokio_util::task::TaskTracker;
use zoom::ZoomClient;

use super::{
    apps::Apps,
    authorization_code::{Authorization, Codes},
    scopes,
    store_grant::{NewAccount, NewAccounts, Origin, Source, StoredGrant},
};
use crate::{Addresses, single_flight::SingleFlight};

/// How long an invitation is valid by default.
pub const INVITATION_TTL: Duration = Duration::from_secs(24 * 3600);
/// Invitations are deleted this long after their expiry, used or not. The account's log still has who was connected when.
const ENDED_ARE_KEPT: Duration = Duration::from_secs(30 * 24 * 3600);
/// The longest time that a consent at Zoom takes.
const MAX_CONSENT: Duration = Duration::from_secs(20 * 60);
/// How long a reloaded result page shows the success again.
pub(crate) const REPEAT_WINDOW: Duration = Duration::from_secs(600);

/// An invitation to create.
#[derive(Debug, Clone)]
pub struct NewInvitation {
    /// The app to connect to.
    pub app: ZoomOauthAppId,
    /// The account of this app that it is for: the consent of another Zoom user is refused.
    pub expected: Option<CredentialId>,
    /// Who invites, as shown to the invited person.
    pub invited_by: Option<String>,
    /// What the account is needed for, as shown to that person.
    pub purpose: Option<String>,
    /// The URL that the browser is sent to afterwards. The caller has checked that it is allowed.
    pub return_url: Option<String>,
    /// How long it is valid.
    pub ttl: Duration,
}

impl NewInvitation {
    /// An invitation for any user of `app` with the default validity.
    pub const fn to(app: ZoomOauthAppId) -> Self {
        Self { app, expected: None, invited_by: None, purpose: None, return_url: None, ttl: INVITATION_TTL }
    }
}

/// What the page of an opened invitation shows.
#[derive(Debug)]
pub struct InvitationShown {
    /// The workspace's name.
    pub workspace: String,
    /// Who invites.
    pub invited_by: Option<String>,
    /// What the account is needed for.
    pub purpose: Option<String>,
    /// The name of the account that it is for, if it is for one account only.
    pub expected: Option<String>,
    /// When it expires.
    pub expires_at: Timestamp,
}

/// A URL that connects one account to one app. It is a secret until it is used or expires.
#[derive(Debug)]
pub struct Invitation {
    /// Its id.
    pub id: ConnectLinkId,
    /// To be opened in the browser of the Zoom account's owner.
    pub url: Secret,
    /// When it expires.
    pub expires_at: Timestamp,
}

/// An authorization session that has begun.
#[derive(Debug)]
pub struct AuthorizationStart {
    /// Zoom's consent page. It contains the state, so it must not be logged.
    pub zoom_url: Secret,
    /// The cookie to set. The browser sends it with Zoom's redirect.
    pub browser: Secret,
}

/// The parameters of Zoom's redirect.
#[derive(Debug)]
pub struct AuthorizationReturn {
    /// The `state` parameter.
    pub state: Secret,
    /// The cookie, if the browser sent it.
    pub browser: Option<Secret>,
    /// The code, or Zoom's error (`access_denied`).
    pub code: Result<Secret, String>,
}

/// A connected account.
#[derive(Debug, Clone)]
pub struct Connected {
    /// Its id.
    pub credential: CredentialId,
    /// The user's name at Zoom.
    pub display_name: String,
    /// Scopes that this server needs and the consent lacks.
    pub missing_scopes: Vec<&'static str>,
    /// The URL that the browser is sent to, as the invitation says.
    pub return_url: Option<String>,
}

/// Connects users who consent in a browser.
pub struct Authorizations {
    pub(crate) store: Arc<dyn AccountStore>,
    /// The workspaces of invitations.
    pub(crate) workspaces: Arc<dyn Access + Send + Sync>,
    /// States whose code was redeemed.
    pub(crate) used_states: Arc<dyn TokenLinks + Send + Sync>,
    pub(crate) vault: Vault,
    pub(crate) env: Environment,
    pub(crate) tasks: TaskTracker,
    pub(crate) zoom: ZoomClient,
    pub(crate) apps: Arc<Apps>,
    pub(crate) codes: Arc<Codes>,
    pub(crate) new_accounts: Arc<NewAccounts>,
    pub(crate) addresses: Addresses,
    /// Redirects that are being processed, by state.
    pub(crate) under_way: SingleFlight<Digest, Result<Connected, Failure>>,
}

impl Authorizations {
    /// Creates an invitation; `None` when the workspace has no such app.
    pub async fn invite(
        &self,
        workspace: WorkspaceId,
        new: NewInvitation,
    ) -> Result<Option<Invitation>, Failure> {
        let Some((consent, secret)) = self.add(workspace, new).await? else { return Ok(None) };
        let mut url = self.addresses.at("oauth/zoom/authorize");
        url.query_pairs_mut().append_pair("invitation", &format!("{}.{secret}", consent.id));
        Ok(Some(Invitation { id: consent.id, url: Secret::new(url), expires_at: consent.expires_at }))
    }

    /// Stores an invitation, and returns it with its secret.
    async fn add(
        &self,
        workspace: WorkspaceId,
        new: NewInvitation,
    ) -> Result<Option<(ConnectLink, String)>, Failure> {
        let NewInvitation { app, expected, invited_by, purpose, return_url, ttl } = new;
        if self.apps.find(workspace, app).await?.is_none() {
            return Ok(None);
        }
        let (id, secret, now) =
            (ConnectLinkId::generate(&self.env), self.env.entropy.token(), self.env.now());
        let consent = ConnectLink {
            id,
            workspace,
            app,
            secret_digest: digest(&secret),
            credential: None,
            connected_by: None,
            connected_at: None,
            expected,
            invited_by,
            purpose,
            return_url,
            created_at: now,
            expires_at: now + ttl,
            revoked_at: None,
        };
        self.store.add_connect_link(&consent).await?;
        Ok(Some((consent, secret)))
    }

    /// The invitation in a URL, if it is valid.
    async fn opened(&self, invitation: &str) -> Result<ConnectLink, Failure> {
        let unknown = || Failure::new(Code::LinkUnknown, "this invitation is unknown: ask for a new one");
        let (id, secret) = invitation.split_once('.').ok_or_else(unknown)?;
        let id = id.parse().map_err(|_| unknown())?;
        let consent = self.store.connect_link(id).await?.ok_or_else(unknown)?;
        verify_slices_are_equal(&consent.secret_digest, &digest(secret)).map_err(|_| unknown())?;
        self.still_open(&consent)?;
        Ok(consent)
    }

    /// The content of the page before Zoom's consent page. It starts nothing.
    pub async fn show(&self, invitation: &str) -> Result<InvitationShown, Failure> {
        let consent = self.opened(invitation).await?;
        let expected = self.expected(&consent).await?;
        Ok(InvitationShown {
            workspace: self.name_of(consent.workspace).await?,
            invited_by: consent.invited_by,
            purpose: consent.purpose,
            expected: expected.map(|account| account.display_name),
            expires_at: consent.expires_at,
        })
    }

    /// The same for a link that connects an account again and is valid until `until`.
    pub async fn show_again(
        &self,
        workspace: WorkspaceId,
        account: CredentialId,
        until: Timestamp,
    ) -> Result<InvitationShown, Failure> {
        let account = self.account(workspace, account).await?;
        Ok(InvitationShown {
            workspace: self.name_of(workspace).await?,
            invited_by: None,
            purpose: None,
            expected: Some(account.display_name),
            expires_at: until,
        })
    }

    async fn name_of(&self, workspace: WorkspaceId) -> Result<String, Failure> {
        let workspace = self.workspaces.workspace(workspace).await?;
        Ok(workspace.map(|workspace| workspace.name).unwrap_or_default())
    }

    /// The account that an invitation is for, if it is for one only.
    async fn expected(&self, consent: &ConnectLink) -> Result<Option<Credential>, Failure> {
        match consent.expected {
            Some(expected) => self.account(consent.workspace, expected).await.map(Some),
            None => Ok(None),
        }
    }

    async fn account(&self, workspace: WorkspaceId, id: CredentialId) -> Result<Credential, Failure> {
        let gone = || {
            Failure::new(
                Code::LinkExpired,
                "the account of this invitation no longer exists: ask for a new one",
            )
        };
        self.store.credential(workspace, id).await?.ok_or_else(gone)
    }

    /// Starts the authorization of a browser that opened an invitation.
    pub async fn begin_authorization(&self, invitation: &str) -> Result<AuthorizationStart, Failure> {
        let consent = self.opened(invitation).await?;
        self.begin(&consent).await
    }

    /// Starts the authorization of a browser that is to connect this account again. Reuses the account's open invitation, so
    /// that following a link several times creates only one. `None` when the workspace has no such app.
    pub async fn begin_again(
        &self,
        workspace: WorkspaceId,
        app: ZoomOauthAppId,
        account: CredentialId,
    ) -> Result<Option<AuthorizationStart>, Failure> {
        let open = self.store.open_connect_link(workspace, account, self.env.now() + MAX_CONSENT).await?;
        let consent = if let Some(open) = open.filter(|consent| consent.app == app) {
            open
        } else {
            // Another user's consent must not replace the account.
            let new = NewInvitation { expected: Some(account), ..NewInvitation::to(app) };
            let Some((consent, _)) = self.add(workspace, new).await? else { return Ok(None) };
            consent
        };
        self.begin(&consent).await.map(Some)
    }

    async fn begin(&self, consent: &ConnectLink) -> Result<AuthorizationStart, Failure> {
        let id = consent.id;
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

    /// Handles Zoom's redirect and connects the account. A repetition in the same browser waits for the first
    /// one, or gets its result.
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
        // A task of the process, so that a browser that disconnects or reloads does not cancel it.
        let this = Arc::clone(self);
        let work = move || async move { this.connect_once(&consent, &state, code, verifier).await };
        let connected = self.under_way.run(state, &self.tasks, work).await;
        connected.unwrap_or_else(|| Err(Failure::new(Code::Internal, "connecting the account was aborted")))
    }

    /// The invitation and the PKCE verifier in a browser's cookie.
    async fn session_of(&self, returned: &AuthorizationReturn) -> Result<(ConnectLink, Secret), Failure> {
        let stranger = || {
            Failure::new(
                Code::RequestMalformed,
                "this answer belongs to no invitation that was opened in this browser: open the invitation again",
            )
        };
        let state = returned.state.expose();
        let id: ConnectLinkId =
            state.split_once('.').and_then(|(id, _)| id.parse().ok()).ok_or_else(stranger)?;
        let consent = self.store.connect_link(id).await?.ok_or_else(stranger)?;
        let browser = returned.browser.as_ref().ok_or_else(stranger)?.expose();
        let sealed = Sealed(BASE64_URL_SAFE_NO_PAD.decode(browser).map_err(|_| stranger())?);
        let session = self.vault.try_open(consent.workspace, Cell::Authorization(id), &sealed);
        let session = session.map_err(|_| stranger())?;
        let (left_with, verifier) = session.expose().split_once(' ').ok_or_else(stranger)?;
        verify_slices_are_equal(&digest(left_with), &digest(state)).map_err(|_| stranger())?;
        Ok((consent, Secret::new(verifier)))
    }

    /// The recent result of this state.
    async fn connected_before(
        &self,
        consent: &ConnectLink,
        state: &Digest,
    ) -> Result<Option<Connected>, Failure> {
        let (Some(credential), Some(by), Some(at)) =
            (consent.credential, consent.connected_by, consent.connected_at)
        else {
            return Ok(None);
        };
        if by != *state || !at.was_within(REPEAT_WINDOW, self.env.now()) {
            return Ok(None);
        }
        let account = self.store.credential(consent.workspace, credential).await?;
        let account = account.filter(|row| !matches!(row.status, CredentialStatus::Disconnected(_)));
        Ok(account.map(|account| Connected {
            credential,
            display_name: account.display_name,
            missing_scopes: scopes::missing(CredentialKind::UserOauth, account.grant.scopes.as_deref()),
            return_url: consent.return_url.clone(),
        }))
    }

    async fn connect_once(
        &self,
        consent: &ConnectLink,
        state: &Digest,
        code: Secret,
        verifier: Secret,
    ) -> Result<Connected, Failure> {
        // From here on this state counts as used on every server, so a code is never redeemed twice.
        if self.used_states.record_request(state, self.env.now()).await?.is_some() {
            let consent = self.store.connect_link(consent.id).await?;
            let before = match &consent {
                Some(consent) => self.connected_before(consent, state).await?,
                None => None,
            };
            return before.ok_or_else(|| {
                let words =
                    "this answer from Zoom was used before without connecting an account: open the invitation again";
                Failure::new(Code::LinkExpired, words)
            });
        }
        let app = self.apps.of_account(consent.workspace, consent.app).await?;
        let redirect_uri = self.addresses.redirect_uri();
        let code = Authorization { code, redirect_uri: redirect_uri.into(), code_verifier: Some(verifier) };
        let (grant, user) = self.codes.redeem(&app, &code).await?;
        // This check comes before anything is stored. The grant is dropped and not revoked: revoking it at Zoom would
        // also end another grant of the same user to this app, which may be an account here.
        if let Some(expected) =
            self.expected(consent).await?.filter(|expected| expected.zoom_user_id != user.id)
        {
            let (name, other) = (&expected.display_name, &user.display_name);
            let words = format!(
                "this invitation is for {name}, and you are signed in to Zoom as {other}: nothing was connected. Sign out at \
                 Zoom, open the invitation again and sign in as {name}"
            );
            return Err(Failure::new(Code::OtherUser, words));
        }
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
        let return_url = consent.return_url.clone();
        Ok(Connected { credential: stored.ok_or_else(used)?.id, display_name, missing_scopes, return_url })
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

    /// Deletes invitations that expired long ago.
    pub async fn forget_ended(&self) -> Result<(), Failure> {
        self.store.delete_old_connect_links(self.env.now() - ENDED_ARE_KEPT).await?;
        Ok(())
    }

    fn still_open(&self, consent: &ConnectLink) -> Result<(), Failure> {
        if consent.credential.is_some() {
            return Err(used());
        }
        if consent.revoked_at.is_some() {
            return Err(Failure::new(Code::LinkExpired, "this invitation was withdrawn: ask for a new one"));
        }
        if self.env.now() >= consent.expires_at {
            return Err(Failure::new(Code::LinkExpired, "this invitation has expired: ask for a new one"));
        }
        Ok(())
    }
}

fn used() -> Failure {
    Failure::new(Code::LinkExpired, "this invitation was already used: ask for a new one")
}
