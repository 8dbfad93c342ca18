//! A code from Zoom's consent page becomes a grant, and whose it is becomes known.

use std::sync::Arc;

use model::{Code, CredentialKind, Environment, Failure, Secret};
use rate_limits::{Limits, RestTurn};
use store::ZoomOauthApp;
use url::Url;
use zoom::{ApiAccess, ZoomClient, ZoomError, ZoomUser};

use super::{apps::Apps, grants::access_token, scopes};

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

/// Redeems codes.
pub struct Codes {
    pub(crate) zoom: ZoomClient,
    pub(crate) env: Environment,
    pub(crate) apps: Arc<Apps>,
    pub(crate) limits: Arc<Limits>,
    pub(crate) api_base: Url,
}

impl Codes {
    /// Buys the grant behind a code, and asks whose it is.
    #[tracing::instrument(skip_all, fields(app = %app.id))]
    pub(super) async fn redeem(
        &self,
        app: &ZoomOauthApp,
        Authorization { code, redirect_uri, code_verifier }: &Authorization,
    ) -> Result<(zoom::Grant, ZoomUser), Failure> {
        let keys = self.apps.keys_of(app)?;
        // Before the code is spent: without knowing whose it is, its grant could not be kept.
        let turn = self.limits.new_account_turn(app.id).await?;
        // A refusal says nothing of the app's own secret: it may be the code's redirect that doesn't fit.
        let begun_at = self.env.now();
        let answer = self.zoom.exchange_code(&keys, code, redirect_uri, code_verifier.as_ref()).await;
        self.limits.token_endpoint_said(app.id, begun_at, &answer);
        let mut grant = answer?;
        if let (None, Some(refresh_token)) = (&grant.access_token, &grant.refresh_token) {
            // Only the refresh token could be read in Zoom's answer: it buys what is missing.
            grant = self.zoom.refresh(&keys, refresh_token).await?;
        }
        let user = self.whose(&grant, turn).await?;
        Ok((grant, user))
    }

    /// Asks Zoom whose a new grant is.
    pub(super) async fn whose(&self, grant: &zoom::Grant, turn: RestTurn) -> Result<ZoomUser, Failure> {
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
}
