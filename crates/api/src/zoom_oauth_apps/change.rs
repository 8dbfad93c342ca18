//! `PATCH /api/v2/zoom-oauth-apps/{id}/`: new secrets.
//!
//! The previous webhook secret stays valid for a day, or for `webhook_secret_overlap_seconds`; use 0 for a leaked
//! secret.

use axum::extract::State as Extract;
use broker::SecretsChange;
use model::{Secret, ZoomOauthAppId};
use tenants::SECRET_OVERLAP;

use super::{AppSecret, ZoomOauthApp, representation};
use crate::{
    State,
    body::Body,
    caller::{Admin, Caller},
    error::ApiError,
    fields::{FieldErrors, Fields},
    path::Path,
    request::{Overlap, Request as _, request},
    secret_answer::WithSecret,
};

const OVERLAP: &str = "webhook_secret_overlap_seconds";

request! {
    /// New secrets of a Zoom app. No other field of it can be changed.
    open struct ChangeZoomOauthApp {
        client_secret: Option<AppSecret>,
        webhook_secret: Option<AppSecret>,
        /// How long the previous webhook secret stays valid. A day by default; 0 for a leaked secret.
        webhook_secret_overlap_seconds: Option<Overlap>,
    }
}

/// Replace a Zoom app's secrets
#[utoipa::path(
    patch,
    path = "/api/v2/zoom-oauth-apps/{id}/",
    tag = "zoom apps",
    operation_id = "zoom_oauth_apps_partial_update",
    security(("tokenAuth" = ["admin"])),
    params(("id" = ZoomOauthAppId, Path)),
    request_body(
        content = ChangeZoomOauthApp,
        example = json!({ "webhook_secret": "new-secret-token", "webhook_secret_overlap_seconds": 3600 }),
    ),
    responses((status = 200, description = "The app.", body = ZoomOauthApp)),
)]
pub(crate) async fn handler(
    caller: Caller<Admin>,
    Extract(state): Extract<State>,
    Path(id): Path<ZoomOauthAppId>,
    Body(body): Body,
) -> Result<WithSecret<ZoomOauthApp>, ApiError> {
    let change = read(Fields::of(&body))?;
    let changed = state.broker.accounts.apps.change_secrets(caller.workspace, id, &change).await?;
    Ok(WithSecret(representation(&state, &changed.ok_or(ApiError::NotFound)?)?))
}

fn read(mut fields: Fields<'_>) -> Result<SecretsChange, FieldErrors> {
    for fixed in fields.others(ChangeZoomOauthApp::FIELDS).keys() {
        fields.complain(fixed, "It cannot be changed; register another app.");
    }
    let asked = ChangeZoomOauthApp::read(&mut fields);
    if fields.anything(OVERLAP).is_some() && fields.anything("webhook_secret").is_none() {
        fields.complain(OVERLAP, "It is only allowed together with webhook_secret.");
    }
    let asked = fields.finish(asked)?;
    Ok(SecretsChange {
        client_secret: asked.client_secret.map(|secret| Secret::new(secret.0)),
        webhook_secret: asked.webhook_secret.map(|secret| Secret::new(secret.0)),
        webhook_secret_overlap: asked
            .webhook_secret_overlap_seconds
            .map_or(SECRET_OVERLAP, |overlap| overlap.0),
    })
}
