//! `POST /api/latchkey/v1/connect-links/`: an address that connects one Zoom account. Send it to whoever owns it.

use axum::{
    Json,
    extract::State as Extract,
    http::{StatusCode, header::CACHE_CONTROL},
    response::{IntoResponse, Response},
};
use model::ZoomOauthAppId;
use serde_json::json;
use store::AppKind;

use crate::{
    State,
    body::Body,
    caller::{Admin, Caller},
    error::ApiError,
    fields::{FieldErrors, Fields},
};

pub(crate) async fn handler(
    caller: Caller<Admin>,
    Extract(state): Extract<State>,
    Body(body): Body,
) -> Result<Response, ApiError> {
    let mut fields = Fields::of(&body);
    fields.only(&["oauth_app"]);
    let app: Option<ZoomOauthAppId> = fields.parsed("oauth_app", "It must be the id of a registered app.");
    let app = fields.required("oauth_app", app);
    let app = fields.finish(app)?;
    let row = state.store.zoom_oauth_app(caller.workspace, app).await?;
    if row.is_some_and(|app| app.kind == AppKind::ServerToServer) {
        let words =
            "A server-to-server app needs no consent: POST /api/v2/zoom-oauth-credentials/ connects it.";
        return Err(FieldErrors::one("oauth_app", words).into());
    }
    let invitation = state.broker.invite(caller.workspace, app).await?;
    let invitation =
        invitation.ok_or_else(|| FieldErrors::one("oauth_app", "This workspace has no such app."))?;
    let body = json!({
        "id": invitation.id,
        "url": invitation.url.expose(),
        "redirect_uri": state.broker.redirect_uri().as_str(),
        "expires_at": invitation.expires_at,
    });
    Ok((StatusCode::CREATED, [(CACHE_CONTROL, "no-store")], Json(body)).into_response())
}
