//! Redeems an authorization code for a grant, and asks Zoom for its user.

use std::sync::Arc;

use model::{Code, CredentialKind, Environment, Failure, Secret};
use rate_limits::{Limits, RestTurn};
use store::ZoomOauthApp;
use url::Url;
use zoom::{ApiAccess, ZoomClient, ZoomError, ZoomUser};

use super::{apps::Apps, grants::access_token, scopes};

/// An authorization code, and its bindings.
#[derive(Debug)]
pub struct Authorization {
    /// Redeemable for a grant, once, within five minutes.
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
    /// Redeems a code and asks for its user.
    #[tracing::instrument(skip_all, fields(app = %app.id))]
    pub(super) async fn redeem(
        &self,
        app: &ZoomOauthApp,
        Authorization { code, redirect_uri, code_verifier }: &Authorization,
    ) -> Result<(zoom::Grant, ZoomUser), Failure> {
        let keys = self.apps.keys_of(app)?;
        // Before the code is redeemed: a grant without a known user could not be stored.
        let turn = self.limits.new_account_turn(app.id).await?;
        // A refusal doesn't prove that the app's secret is wrong: the redirect URL may not match.
        let begun_at = self.env.now();
        let answer = self.zoom.exchange_code(&keys, code, redirect_uri, code_verifier.as_ref()).await;
        self.limits.token_endpoint_said(app.id, begun_at, &answer);
        let mut grant = answer?;
        if let (None, Some(refresh_token)) = (&grant.access_token, &grant.refresh_token) {
            // Only the refresh token of Zoom's answer was readable: a refresh gives the rest.
            grant = self.zoom.refresh(&keys, refresh_token).await?;
        }
        let user = self.whose(&grant, turn).await?;
        Ok((grant, user))
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
