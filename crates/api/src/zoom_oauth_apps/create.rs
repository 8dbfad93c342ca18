//! `POST /api/v2/zoom-oauth-apps/`

use axum::{extract::State as Extract, http::StatusCode};
use broker::NewApp;
use model::Secret;
use store::QuotaResource;

use super::{AppSecret, ZoomOauthApp, representation};
use crate::{
    State,
    body::Body,
    bounds::{check_quota, quota_exceeded},
    caller::{Admin, Caller},
    enum_fields::AppKind,
    error::ApiError,
    fields::{FieldErrors, Fields},
    openapi::errors,
    request::{Request as _, request},
    secret_answer::WithSecret,
};

request! {
    /// A new Zoom app.
    open struct CreateZoomOauthApp {
        kind: AppKind,
        client_id: AppSecret,
        client_secret: AppSecret,
        /// Zoom's secret token for webhooks. Optional for a server-to-server app.
        webhook_secret: Option<AppSecret>,
        /// The Zoom account of a server-to-server app: required for that kind, and not allowed for others.
        account_id: Option<AppSecret>,
    }
}

errors! { CreateAppErrors: quota_exceeded(QuotaResource::ZoomOauthApps, 1000) }

/// Register a Zoom app
#[utoipa::path(
    post,
    path = "/api/v2/zoom-oauth-apps/",
    tag = "zoom apps",
    operation_id = "zoom_oauth_apps_create",
    security(("tokenAuth" = ["admin"])),
    request_body(
        content = CreateZoomOauthApp,
        examples(
            ("for users" = (value = json!({
                "kind": "user_level",
                "client_id": "Wkx3Yq_7S4mVb1nT0pLzQA",
                "client_secret": "client-secret-of-the-app",
                "webhook_secret": "secret-token-of-the-app",
            }))),
            ("server to server" = (value = json!({
                "kind": "server_to_server",
                "account_id": "GgRz8sJfQ1uB2xKqD5tYcw",
                "client_id": "b7Nf2LhRTe6wXoPz9aVdMg",
                "client_secret": "client-secret-of-the-app",
            }))),
        ),
    ),
    responses((status = 201, description = "The app.", body = ZoomOauthApp), CreateAppErrors),
)]
pub(crate) async fn handler(
    caller: Caller<Admin>,
    Extract(state): Extract<State>,
    Body(body): Body,
) -> Result<(StatusCode, WithSecret<ZoomOauthApp>), ApiError> {
    let new = read(&state, Fields::of(&body))?;
    check_quota(&state, caller.workspace, QuotaResource::ZoomOauthApps).await?;
    let app = state.broker.accounts.apps.register(caller.workspace, &new).await?;
    let app = app.ok_or_else(|| {
        FieldErrors::one("client_id", "This workspace already has an app with this client id.")
    })?;
    Ok((StatusCode::CREATED, WithSecret(representation(&state, &app)?)))
}

fn read(state: &State, mut fields: Fields<'_>) -> Result<NewApp, FieldErrors> {
    let asked = CreateZoomOauthApp::read(&mut fields);
    // The fields that a kind needs are checked even if another field is wrong.
    let speaks_for_an_account = fields.anything("kind").and_then(|kind| kind.as_str())
        == Some(store::AppKind::ServerToServer.as_str());
    for (field, only_others_need_it) in [("webhook_secret", true), ("account_id", false)] {
        if fields.anything(field).is_none() && only_others_need_it != speaks_for_an_account {
            fields.required::<()>(field, None);
        }
    }
    if fields.anything("account_id").is_some() && !speaks_for_an_account {
        fields.complain("account_id", "Only a server_to_server app has one.");
    }
    let asked = fields.finish(asked)?;
    Ok(NewApp {
        kind: asked.kind.0,
        client_id: asked.client_id.0,
        client_secret: Secret::new(asked.client_secret.0),
        // An app without webhooks has no such secret. A random one is stored, and nothing is signed with it.
        webhook_secret: asked
            .webhook_secret
            .map_or_else(|| Secret::new(state.env.entropy.token()), |secret| Secret::new(secret.0)),
        zoom_account_id: asked.account_id.map(|account| account.0),
    })
}
