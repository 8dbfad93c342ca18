//! Checks an app at Zoom before a user consents: its id and secret, its redirect URL, its scopes.

use std::{fmt, sync::Arc};

use model::{CredentialKind, Failure, Secret, WorkspaceId, ZoomOauthAppId};
use rate_limits::{Limits, TokenTurn};
use store::{AppKind, ZoomOauthApp};
use url::Url;
use zoom::{AppKeys, ZoomClient, ZoomError};

use super::{apps::Apps, scopes};
use crate::Addresses;

/// A code that Zoom has never issued.
const INVENTED_CODE: &str = "latchkey-check";

/// A fault of an app at Zoom.
#[derive(Debug)]
pub enum AppFault {
    /// Zoom refuses its id or secret.
    Secret,
    /// Zoom's consent page shows an error with this number; 0 means without a number.
    RedirectUrl {
        /// The number that Zoom shows.
        number: u16,
        /// The URL that must be registered at Zoom.
        wanted: Url,
    },
    /// Scopes that it lacks. Before a consent, only a server-to-server app's scopes are known.
    Scopes(Vec<&'static str>),
    /// Zoom gave no clear answer.
    Unclear(ZoomError),
}

impl AppFault {
    /// Its stable name.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Secret => "app_secret",
            Self::RedirectUrl { .. } => "app_redirect",
            Self::Scopes(_) => "app_scopes",
            Self::Unclear(_) => "zoom_unclear",
        }
    }

    /// What to do.
    pub fn advice(&self) -> String {
        match self {
            Self::Secret => {
                "Copy id and secret again from the app's page at Zoom, and make sure that the app is active \
                             there. The secret is replaced in the console under Settings, or by PATCH \
                             /api/v2/zoom-oauth-apps/{id}/."
                    .to_owned()
            }
            Self::RedirectUrl { wanted, .. } => {
                format!("At Zoom, enter {wanted} as redirect URL and in the allow list, byte for byte.")
            }
            Self::Scopes(missing) => format!(
                "At Zoom, in the app's Scopes page, add {}, and activate the app again.",
                missing.join(", ")
            ),
            Self::Unclear(_) => "Try again in a minute.".to_owned(),
        }
    }
}

impl fmt::Display for AppFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Secret => f.write_str("Zoom refuses the app's id and secret"),
            Self::RedirectUrl { number: 0, .. } => {
                f.write_str("Zoom shows an error without a number instead of the consent page")
            }
            Self::RedirectUrl { number, .. } => write!(
                f,
                "Zoom shows error {number} instead of the consent page (4700 and 4709: the redirect URL)"
            ),
            Self::Scopes(missing) => write!(f, "the app lacks {}", missing.join(", ")),
            Self::Unclear(error) => write!(f, "Zoom gave no clear answer: {error}"),
        }
    }
}

/// Asks Zoom. With an invented code, Zoom checks id, secret and redirect URL, and no code is used up. `turn` is the right to
/// call Zoom's token endpoint, for callers that observe its limits.
pub async fn app_faults(
    zoom: &ZoomClient,
    keys: &AppKeys,
    app: &ZoomOauthApp,
    redirect_uri: &Url,
    turn: Option<TokenTurn>,
) -> Vec<AppFault> {
    let heard = |answer| match turn {
        Some(turn) => turn.with_answer(answer),
        None => answer,
    };
    let refused = |error| match error {
        ZoomError::AppRejected => AppFault::Secret,
        error => AppFault::Unclear(error),
    };
    if app.kind == AppKind::ServerToServer {
        let account = app.zoom_account_id.as_deref().unwrap_or_default();
        return match heard(zoom.account_credentials(keys, account).await) {
            Ok(grant) => {
                let missing = scopes::missing(CredentialKind::ServerToServer, grant.scopes.as_deref());
                if missing.is_empty() { Vec::new() } else { vec![AppFault::Scopes(missing)] }
            }
            Err(error) => vec![refused(error)],
        };
    }
    let invented = Secret::new(INVENTED_CODE);
    let answer = zoom.exchange_code(keys, &invented, redirect_uri.as_str(), None).await;
    let mut faults = match heard(answer) {
        Ok(_) | Err(ZoomError::CodeRejected) => Vec::new(),
        Err(error) => vec![refused(error)],
    };
    let challenge = zoom::challenge(&invented);
    let page = zoom.authorize_url(&keys.client_id, redirect_uri.as_str(), INVENTED_CODE, &challenge);
    match zoom.consent_page_error(page).await {
        Ok(None) => {}
        Ok(Some(number)) => faults.push(AppFault::RedirectUrl { number, wanted: redirect_uri.clone() }),
        Err(error) => faults.push(AppFault::Unclear(error)),
    }
    faults
}

/// Checks registered apps at Zoom.
pub struct AppChecks {
    pub(crate) zoom: ZoomClient,
    pub(crate) apps: Arc<Apps>,
    pub(crate) limits: Arc<Limits>,
    pub(crate) addresses: Addresses,
}

impl AppChecks {
    /// The faults of an app at Zoom; `None` when the workspace has no such app.
    #[tracing::instrument(skip_all, fields(app = %id))]
    pub async fn check(
        &self,
        workspace: WorkspaceId,
        id: ZoomOauthAppId,
    ) -> Result<Option<Vec<AppFault>>, Failure> {
        let Some(app) = self.apps.find(workspace, id).await? else { return Ok(None) };
        let keys = self.apps.keys_of(&app)?;
        let turn = self.limits.token_turn(id).await?;
        Ok(Some(app_faults(&self.zoom, &keys, &app, &self.addresses.redirect_uri(), Some(turn)).await))
    }
}
