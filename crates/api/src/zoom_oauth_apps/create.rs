//! `POST /api/v2/zoom-oauth-apps/`

use axum::{Json, extract::State as Extract, http::StatusCode};
use broker::NewApp;
use model::Secret;
use serde_json::Value;
use store::AppKind;

use super::{representation, secret};
use crate::{
    State,
    body::Body,
    caller::Caller,
    error::ApiError,
    fields::{FieldErrors, Fields},
};

pub(crate) async fn handler(
    caller: Caller,
    Extract(state): Extract<State>,
    Body(body): Body,
) -> Result<(StatusCode, Json<Value>), ApiError> {
    let new = read(Fields::of(&body))?;
    let app = state.broker.register_app(caller.workspace, &new).await?;
    let app =
        app.ok_or_else(|| FieldErrors::one("client_id", "This workspace has an app with this client id."))?;
    Ok((StatusCode::CREATED, Json(representation(&app))))
}

fn read(mut fields: Fields<'_>) -> Result<NewApp, FieldErrors> {
    let kind: Option<AppKind> = fields.parsed("kind", "It must be user_level or account_level.");
    let kind = fields.required("kind", kind);
    let mut text = |name| {
        let value = secret(&mut fields, name);
        fields.required(name, value)
    };
    let (client_id, client_secret, webhook_secret) =
        (text("client_id"), text("client_secret"), text("webhook_secret"));
    let new = kind.zip(client_id).zip(client_secret.zip(webhook_secret));
    let new = new.map(|((kind, client_id), (client_secret, webhook_secret))| NewApp {
        kind,
        client_id: client_id.to_owned(),
        client_secret: Secret::new(client_secret),
        webhook_secret: Secret::new(webhook_secret),
    });
    fields.finish(new)
}
