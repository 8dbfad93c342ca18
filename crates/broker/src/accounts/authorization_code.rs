//! Redeems an authorization code for a grant, and asks Zoom for the grant's user.

use std::sync::Arc;

use model::{Class, Code, CredentialKind, Environment, Failure, KillPoint, Secret, chain};
use rate_limits::{Limits, RestTurn};
use store::ZoomOauthApp;
use url::Url;
use zoom::{ApiAccess, ZoomClient, ZoomError, ZoomUser};

use super::{apps::Apps, grants::access_token, scopes};

/// How often Zoom is asked for a new grant's user while a person waits.
const USER_TRIES: u32 = 3;

/// An authorization code, and its bindings.
#[derive(Debug)]
pub struct Authorization {
    /// The code. It can be redeemed for a grant once, within five minutes.
    pub code: Secret,
    /// The redirect URL, byte for byte.
    pub redirect_uri: String,
    /// The PKCE verifier, if there was a challenge.
    pub code_verifier: Option<Secret>,
}

/// Redeems codes.
pub struct Codes {
    pub(crate) zoom: ZoomClient,
    pub(crate) env: Environment,
    pub(crate) apps: Arc<Apps>,
    pub(crate) limits: Arc<Limits>,
    pub(crate) api_base: Url,
}

impl Codes {
    /// Redeems a code and asks Zoom for the user.
    #[tracing::instrument(skip_all, fields(app = %app.id))]
    pub(super) async fn redeem(
        &self,
        app: &ZoomOauthApp,
        Authorization { code, redirect_uri, code_verifier }: &Authorization,
    ) -> Result<(zoom::Grant, ZoomUser), Failure> {
        let keys = self.apps.keys_of(app)?;
        // The turn comes before the code is redeemed, because a grant without a known user can't be stored.
        let turn = self.limits.new_account_turn(app.id).await?;
        // A refusal doesn't prove that the app's secret is wrong: the redirect URL may not match.
        let begun_at = self.env.now();
        let answer = self.zoom.exchange_code(&keys, code, redirect_uri, code_verifier.as_ref()).await;
        self.limits.token_endpoint_said(app.id, begun_at, &answer);
        let mut grant = answer?;
        if let (None, Some(refresh_token)) = (&grant.access_token, &grant.refresh_token) {
            // Only the refresh token of Zoom's answer was readable: a refresh gives the rest.
            grant = self.spend(app, refresh_token).await?;
        }
        let user = self.whose_surely(app, &grant, turn).await?;
        Ok((grant, user))
    }

    /// Asks for the user of a grant, several times if necessary: the grant is stored nowhere yet, and it has ended the
    /// user's former one.
    async fn whose_surely(
        &self,
        app: &ZoomOauthApp,
        grant: &zoom::Grant,
        turn: RestTurn,
    ) -> Result<ZoomUser, Failure> {
        let mut answer = self.whose(grant, turn).await;
        for _ in 1..USER_TRIES {
            match &answer {
                Err(failure) if failure.class() == Class::Retry => {
                    tracing::warn!(app = %app.id, failure = %chain(&failure), "Zoom did not name the user of a new grant, retrying");
                    let turn = self.limits.new_account_turn(app.id).await?;
                    answer = self.whose(grant, turn).await;
                }
                _ => break,
            }
        }
        answer
    }

    /// Spends a refresh token that no account has yet. If the answer is lost, the call is retried once: only the same token
    /// shows whether it was spent.
    pub(super) async fn spend(&self, app: &ZoomOauthApp, token: &Secret) -> Result<zoom::Grant, Failure> {
        let (app, keys) = self.apps.usable_app(app.workspace, app.id).await?;
        let turn = self.limits.token_turn(app.id).await?;
        KillPoint::BeforeSend.reach();
        let mut answer = turn.with_answer(self.zoom.refresh(&keys, token).await);
        let in_doubt = matches!(&answer, Err(error) if error.in_doubt());
        if in_doubt {
            tracing::warn!(app = %app.id, "no usable answer to a refresh for a new account, retrying once");
            answer = self.zoom.refresh(&keys, token).await;
        }
        self.apps.record_answer(&app, &answer).await;
        match answer {
            Ok(mut grant) => {
                // Without a new refresh token, Zoom did not rotate it, and the old one stays valid.
                grant.refresh_token.get_or_insert_with(|| token.clone());
                Ok(grant)
            }
            Err(ZoomError::GrantDead) => {
                let words = if in_doubt {
                    "Zoom has spent the refresh token and its answer never arrived: the user has to consent again"
                } else {
                    "Zoom does not honour this refresh token: it was used since, was revoked, or belongs to another app"
                };
                Err(Failure::new(Code::CredentialNeedsConsent, words))
            }
            Err(error) if in_doubt || error.in_doubt() => Err(Failure::new(
                Code::RefreshUncertain,
                format!(
                    "the refresh token may be spent, because Zoom gave no usable answer ({error}): try again"
                ),
            )),
            Err(error) => Err(error.into()),
        }
    }

    /// Asks Zoom for the user of a new grant.
    pub(super) async fn whose(&self, grant: &zoom::Grant, turn: RestTurn) -> Result<ZoomUser, Failure> {
        let base = grant.api_url.as_ref().unwrap_or(&self.api_base);
        match self.zoom.me(ApiAccess::new(base, access_token(grant)?, turn)).await {
            Ok(user) => Ok(user),
            // All missing scopes, so that the user has to return only once.
            Err(ZoomError::ScopeMissing { scopes: named }) => {
                let missing = scopes::missing(CredentialKind::UserOauth, grant.scopes.as_deref()).join(", ");
                let missing = if missing.is_empty() { named.join(", ") } else { missing };
                Err(Failure::new(Code::ScopeMissing, format!("the app lacks the scopes {missing}")))
            }
            Err(error) => Err(error.into()),
        }
    }
}
