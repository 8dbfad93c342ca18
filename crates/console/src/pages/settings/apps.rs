//! Zoom apps: secrets are replaced, apps removed. Apps are registered on the page *Setup*.

use axum::{http::StatusCode, response::Response};
use serde_json::Value;

use super::{PageState, show};
use crate::{
    client::Refused,
    error::{PageError, go},
    form::{Draft, Form},
    session::{PathId, Posted},
};

/// `POST /settings/apps/{id}`: replaces secrets.
pub(crate) async fn change(
    PathId(id): PathId,
    Posted { session, form }: Posted,
) -> Result<Response, PageError> {
    let body = form.body(["client_secret", "webhook_secret"]);
    let changed = if body.is_empty() {
        let detail = "No secret was entered.".to_owned();
        Err(Refused { status: 400, detail, ..Refused::default() })
    } else {
        session.client.patch(&format!("/api/v2/zoom-oauth-apps/{id}/"), Value::Object(body)).await
    };
    match changed {
        Ok(_) => Ok(go(&session.console, "/settings?said=app-changed")),
        Err(refused) if refused.status == 400 => {
            // The entered values are secret: the fields are marked, and empty again.
            let fresh =
                PageState { app: Some((id, Draft::of(Form::default(), refused))), ..PageState::default() };
            show(&session, StatusCode::BAD_REQUEST, fresh).await
        }
        Err(refused) => Err(refused.into()),
    }
}

/// `POST /settings/apps/{id}/remove`
pub(crate) async fn remove(
    PathId(id): PathId,
    Posted { session, .. }: Posted,
) -> Result<Response, PageError> {
    session.client.delete(&format!("/api/v2/zoom-oauth-apps/{id}/")).await?;
    Ok(go(&session.console, "/settings?said=app-removed"))
}
