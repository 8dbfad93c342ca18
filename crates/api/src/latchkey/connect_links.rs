//! `POST /api/latchkey/v1/connect-links/`: a URL that connects one Zoom account. Send it to the account's
//! owner.

use axum::{
    Json,
    extract::State as Extract,
    http::{StatusCode, header::CACHE_CONTROL},
    response::{IntoResponse, Response},
};
use model::{ConsentId, Timestamp, ZoomOauthAppId};
use serde::Serialize;
use store::AppKind;
use utoipa::ToSchema;

use crate::{
    State,
    body::Body,
    caller::{Admin, Caller},
    error::ApiError,
    fields::{FieldErrors, Fields},
    request::{Request as _, request},
};

request! {
    /// Which app the account is to be connected with.
    closed struct CreateConnectLink {
        oauth_app: ZoomOauthAppId,
    }
}

/// An invitation to connect one Zoom account.
#[derive(Serialize, ToSchema)]
pub(crate) struct ConnectLink {
    id: ConsentId,
    /// For the browser of the account's owner. It is in this answer and nowhere else.
    url: String,
    /// The redirect URL that the app needs at Zoom.
    redirect_uri: String,
    expires_at: Timestamp,
}

/// Invite somebody to connect an account
#[utoipa::path(
    post,
    path = "/api/latchkey/v1/connect-links/",
    tag = "accounts",
    operation_id = "connect_links_create",
    security(("tokenAuth" = ["admin"])),
    request_body(
        content = CreateConnectLink,
        example = json!({ "oauth_app": "01a22731-1935-7000-8000-000000000002" }),
    ),
    responses((status = 201, description = "The invitation.", body = ConnectLink)),
)]
pub(crate) async fn handler(
    caller: Caller<Admin>,
    Extract(state): Extract<State>,
    Body(body): Body,
) -> Result<Response, ApiError> {
    let mut fields = Fields::of(&body);
    let asked = CreateConnectLink::read(&mut fields);
    let app = fields.finish(asked)?.oauth_app;
    let row = state.store.zoom_oauth_app(caller.workspace, app).await?;
    if row.is_some_and(|app| app.kind == AppKind::ServerToServer) {
        let words =
            "A server-to-server app needs no consent: POST /api/v2/zoom-oauth-credentials/ connects it.";
        return Err(FieldErrors::one("oauth_app", words).into());
    }
    let invitation = state.broker.accounts.authorizations.invite(caller.workspace, app).await?;
    let invitation =
        invitation.ok_or_else(|| FieldErrors::one("oauth_app", "This workspace has no such app."))?;
    let body = ConnectLink {
        id: invitation.id,
        url: invitation.url.expose().to_owned(),
        redirect_uri: state.broker.addresses.redirect_uri().to_string(),
        expires_at: invitation.expires_at,
    };
    Ok((StatusCode::CREATED, [(CACHE_CONTROL, "no-store")], Json(body)).into_response())
}
