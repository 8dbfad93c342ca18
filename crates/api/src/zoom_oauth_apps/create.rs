//! `POST /api/v2/zoom-oauth-apps/`

use axum::{Json, extract::State as Extract, http::StatusCode};
use broker::NewApp;
use model::Secret;
use store::AppKind;

use super::{KINDS, representation, secret, unstored};
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
) -> Result<(StatusCode, super::Answer), ApiError> {
    let new = read(&state, Fields::of(&body))?;
    let app = state.broker.register_app(caller.workspace, &new).await?;
    let app =
        app.ok_or_else(|| FieldErrors::one("client_id", "This workspace has an app with this client id."))?;
    Ok((StatusCode::CREATED, unstored(Json(representation(&state, &app)?))))
}

fn read(state: &State, mut fields: Fields<'_>) -> Result<NewApp, FieldErrors> {
    let kind: Option<AppKind> = fields.parsed("kind", KINDS);
    let kind = fields.required("kind", kind);
    let speaks_for_an_account = kind == Some(AppKind::ServerToServer);
    let zoom_account_id = fields.pasted("account_id", 200).map(str::to_owned);
    let zoom_account_id = match zoom_account_id {
        None if speaks_for_an_account => fields.required("account_id", None),
        Some(_) if !speaks_for_an_account => {
            fields.complain("account_id", "Only a server_to_server app has one.");
            None
        }
        given => given,
    };
    let mut text = |name| {
        let value = secret(&mut fields, name).map(Secret::new);
        // An app without webhooks has no such secret. Nothing is signed with a random one.
        let value = value.or_else(|| {
            (name == "webhook_secret" && speaks_for_an_account)
                .then(|| Secret::new(state.env.entropy.token()))
        });
        fields.required(name, value)
    };
    let (client_secret, webhook_secret) = (text("client_secret"), text("webhook_secret"));
    let client_id = secret(&mut fields, "client_id");
    let client_id = fields.required("client_id", client_id);
    let new = kind.zip(client_id).zip(client_secret.zip(webhook_secret));
    let new = new.map(|((kind, client_id), (client_secret, webhook_secret))| NewApp {
        kind,
        client_id: client_id.to_owned(),
        client_secret,
        webhook_secret,
        zoom_account_id,
    });
    fields.finish(new)
}
