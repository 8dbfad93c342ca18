//! Zoom apps: secrets replaced, removed. They are registered on the page *Setup*.

use axum::response::Response;
use serde_json::Value;

use crate::{
    error::{PageError, go},
    session::{PathId, Posted},
};

/// `POST /settings/apps/{id}`: replaces secrets.
pub(crate) async fn change(
    PathId(id): PathId,
    Posted { visitor, form }: Posted,
) -> Result<Response, PageError> {
    let body = form.body(["client_secret", "webhook_secret"]);
    visitor.client.patch(&format!("/api/v2/zoom-oauth-apps/{id}/"), Value::Object(body)).await?;
    Ok(go(&visitor.console, "/settings?said=app-changed"))
}

/// `POST /settings/apps/{id}/remove`
pub(crate) async fn remove(
    PathId(id): PathId,
    Posted { visitor, .. }: Posted,
) -> Result<Response, PageError> {
    visitor.client.delete(&format!("/api/v2/zoom-oauth-apps/{id}/")).await?;
    Ok(go(&visitor.console, "/settings?said=app-removed"))
}
