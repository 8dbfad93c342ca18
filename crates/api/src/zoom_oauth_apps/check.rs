//! `POST /api/latchkey/v1/zoom-oauth-apps/{id}/check/`: checks an app at Zoom.

use axum::{Json, extract::State as Extract};
use model::ZoomOauthAppId;
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    State,
    caller::{Admin, Caller},
    error::ApiError,
    path::Path,
};

/// The result of checking an app at Zoom.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({
    "is_well": false,
    "redirect_url": "https://latchkey.example.com/oauth/zoom/callback",
    "findings": [{
        "name": "app_redirect",
        "problem": "Zoom shows error 4700 instead of the consent page (4700 and 4709: the redirect URL)",
        "advice": "At Zoom, enter https://latchkey.example.com/oauth/zoom/callback as redirect URL and in the allow list, byte for byte.",
    }],
}))]
pub(crate) struct AppCheck {
    /// Whether no problem was found.
    is_well: bool,
    /// The redirect URL that must be registered at Zoom.
    redirect_url: String,
    findings: Vec<AppFinding>,
}

/// A problem with an app at Zoom.
#[derive(Serialize, ToSchema)]
pub(crate) struct AppFinding {
    /// `app_secret`, `app_redirect`, `app_scopes` or `zoom_unclear`.
    name: &'static str,
    problem: String,
    advice: String,
}

/// Check an app at Zoom
///
/// Checks whether Zoom accepts the app's id, secret and redirect URL; for a server-to-server app, also whether it has the
/// scopes. Nothing is used up and nobody is asked for consent. The scopes of other apps are known only after a user has
/// consented: `latchkey_missing_scopes` of the account. The answer is 200 whatever is found.
#[utoipa::path(
    post,
    path = "/api/latchkey/v1/zoom-oauth-apps/{id}/check/",
    tag = "zoom apps",
    operation_id = "zoom_oauth_apps_check",
    security(("tokenAuth" = ["admin"])),
    params(("id" = ZoomOauthAppId, Path)),
    responses((status = 200, description = "The findings.", body = AppCheck)),
)]
pub(crate) async fn handler(
    caller: Caller<Admin>,
    Extract(state): Extract<State>,
    Path(id): Path<ZoomOauthAppId>,
) -> Result<Json<AppCheck>, ApiError> {
    let broker = &state.broker;
    let faults = broker.accounts.app_checks.check(caller.workspace, id).await?.ok_or(ApiError::NotFound)?;
    let finding = |fault: &broker::AppFault| AppFinding {
        name: fault.name(),
        problem: fault.to_string(),
        advice: fault.advice(),
    };
    Ok(Json(AppCheck {
        is_well: faults.is_empty(),
        redirect_url: broker.addresses.redirect_uri().into(),
        findings: faults.iter().map(finding).collect(),
    }))
}
