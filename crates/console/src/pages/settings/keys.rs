//! API keys: created, shown once, revoked.

use axum::{http::StatusCode, response::Response};
use serde_json::{Value, json};

use super::{PageState, show};
use crate::{
    error::{PageError, go},
    form::Draft,
    session::{PathId, Posted},
};

/// `POST /settings/keys`
pub(crate) async fn make(Posted { session, form }: Posted) -> Result<Response, PageError> {
    let mut body = form.body(["name"]);
    let scopes: Vec<&str> = form.all("scopes").collect();
    body.insert("scopes".to_owned(), json!(scopes));
    if !form.text("expires_at").is_empty() {
        body.insert("expires_at".to_owned(), format!("{}T00:00:00Z", form.text("expires_at")).into());
    }
    match session.client.post("/api/latchkey/v1/api-keys/", Value::Object(body)).await {
        Ok(made) => {
            let key = made["key"].as_str().map(str::to_owned);
            show(&session, StatusCode::OK, PageState { key, ..PageState::default() }).await
        }
        Err(refused) if refused.status == 400 => {
            let fresh = PageState { draft: Draft::of(form, refused), ..PageState::default() };
            show(&session, StatusCode::BAD_REQUEST, fresh).await
        }
        Err(refused) => Err(refused.into()),
    }
}

/// `POST /settings/keys/{id}/revoke`
pub(crate) async fn revoke(
    PathId(id): PathId,
    Posted { session, .. }: Posted,
) -> Result<Response, PageError> {
    session.client.delete(&format!("/api/latchkey/v1/api-keys/{id}/")).await?;
    Ok(go(&session.console, "/settings?said=key-revoked"))
}
