//! `/api/v2/zoom-oauth-apps/`: Zoom apps registered here.

pub(crate) mod change;
pub(crate) mod check;
pub(crate) mod create;
pub(crate) mod list;
pub(crate) mod remove;
pub(crate) mod retrieve;
pub(crate) mod webhook;

use model::{Timestamp, ZoomOauthAppId};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{State, enum_fields::AppKind, error::ApiError, request::Pasted};

/// Replaces secrets in answers: they are never returned.
pub(crate) const MASK: &str = "********";

/// An id or a secret of a Zoom app.
pub(super) type AppSecret = Pasted<200>;

/// A Zoom app. Its secrets are masked, unless the operator shows them.
#[derive(Serialize, ToSchema)]
pub(crate) struct ZoomOauthApp {
    id: ZoomOauthAppId,
    kind: AppKind,
    client_id: String,
    /// The Zoom account of a server-to-server app.
    #[schema(required)]
    account_id: Option<String>,
    client_secret: String,
    webhook_secret: String,
    /// When Zoom last validated the webhook's URL.
    #[schema(required)]
    webhook_last_validation: Option<Timestamp>,
    /// When the previous webhook secret expires.
    #[schema(required)]
    latchkey_former_webhook_secret_ends_at: Option<Timestamp>,
    /// Since when Zoom has refused the app's id and secret.
    #[schema(required)]
    latchkey_refused_since: Option<Timestamp>,
    created_at: Timestamp,
}

fn representation(state: &State, app: &store::ZoomOauthApp) -> Result<ZoomOauthApp, ApiError> {
    let now = state.env.now();
    let former_ends_at =
        app.former_webhook_secret.as_ref().map(|former| former.ends_at).filter(|end| now < *end);
    let (client_secret, webhook_secret) = if state.show_app_secrets {
        let (client_secret, webhook_secret) = state.broker.accounts.apps.secrets(app)?;
        (client_secret.expose().to_owned(), webhook_secret.expose().to_owned())
    } else {
        (MASK.to_owned(), MASK.to_owned())
    };
    Ok(ZoomOauthApp {
        id: app.id,
        kind: AppKind(app.kind),
        client_id: app.client_id.clone(),
        account_id: app.zoom_account_id.clone(),
        client_secret,
        webhook_secret,
        webhook_last_validation: app.webhook_last_validation,
        latchkey_former_webhook_secret_ends_at: former_ends_at,
        latchkey_refused_since: app.refusal.map(|refusal| refusal.since),
        created_at: app.created_at,
    })
}
