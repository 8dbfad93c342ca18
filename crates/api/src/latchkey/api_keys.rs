//! `/api/latchkey/v1/api-keys/`: the keys of the workspace. None is made here that may do more than the key it is made with.

use std::num::NonZeroU32;

use axum::{
    Json,
    extract::{RawQuery, State as Extract},
    http::{StatusCode, header::CACHE_CONTROL},
    response::{IntoResponse, Response},
};
use model::{ApiKeyId, ApiScope, ApiScopes};
use serde_json::{Value, json};
use store::ApiKey;
use tenants::NewApiKey;

use crate::{
    State,
    body::Body,
    caller::{Admin, Caller},
    error::ApiError,
    fields::{FieldErrors, Fields},
    page::{Query, single_page},
    path::Path,
};

/// `POST`: makes a key. It is in this answer and nowhere else.
pub(crate) async fn create(
    caller: Caller<Admin>,
    Extract(state): Extract<State>,
    Body(body): Body,
) -> Result<Response, ApiError> {
    let new = read(&state, &caller, Fields::of(&body))?;
    let issued = state.broker.workspaces().create_key(caller.workspace, &new).await?;
    let issued = issued.ok_or(ApiError::NotFound)?;
    let mut body = representation(&issued.row);
    body["key"] = issued.key.expose().into();
    Ok((StatusCode::CREATED, [(CACHE_CONTROL, "no-store")], Json(body)).into_response())
}

/// `GET`: the workspace's keys, newest first, those that have ended among them.
pub(crate) async fn list(
    caller: Caller<Admin>,
    Extract(state): Extract<State>,
    RawQuery(query): RawQuery,
) -> Result<Json<Value>, ApiError> {
    Query::of(query.as_deref()).only(&[])?;
    let keys = state.broker.workspaces().keys(caller.workspace).await?;
    Ok(Json(single_page(&keys.iter().map(representation).collect::<Vec<_>>())))
}

/// `GET {id}/`
pub(crate) async fn retrieve(
    caller: Caller<Admin>,
    Extract(state): Extract<State>,
    Path(id): Path<ApiKeyId>,
) -> Result<Json<Value>, ApiError> {
    let keys = state.broker.workspaces().keys(caller.workspace).await?;
    let key = keys.iter().find(|key| key.id == id).ok_or(ApiError::NotFound)?;
    Ok(Json(representation(key)))
}

/// `DELETE {id}/`: revokes a key. The next call with it is refused, on every server.
pub(crate) async fn revoke(
    caller: Caller<Admin>,
    Extract(state): Extract<State>,
    Path(id): Path<ApiKeyId>,
) -> Result<StatusCode, ApiError> {
    let known = state.broker.workspaces().revoke_key(caller.workspace, id).await?;
    if known { Ok(StatusCode::NO_CONTENT) } else { Err(ApiError::NotFound) }
}

fn read(state: &State, caller: &Caller<Admin>, mut fields: Fields<'_>) -> Result<NewApiKey, FieldErrors> {
    fields.only(&["name", "scopes", "requests_per_minute", "expires_at"]);
    let name = fields.text("name", 100);
    let name = fields.required("name", name);
    let scopes = scopes(caller.scopes, &mut fields);
    let scopes = fields.required("scopes", scopes);
    let own = caller.reach;
    let per_minute = fields.number("requests_per_minute", 1).and_then(NonZeroU32::new);
    if let Some(most) = own.most_per_minute.filter(|most| per_minute.is_some_and(|asked| asked > *most)) {
        fields.complain(
            "requests_per_minute",
            format!("This key may make {most} itself, and can't give more."),
        );
    }
    let expires_at = fields.time("expires_at");
    if expires_at.is_some_and(|end| end <= state.env.now()) {
        fields.complain("expires_at", "It must lie ahead.");
    }
    if let Some(own_end) = own.expires_at.filter(|own_end| expires_at.is_some_and(|end| end > *own_end)) {
        fields.complain("expires_at", format!("This key ends at {own_end} itself, and can't give more."));
    }
    // What isn't said is as it is for the key that asks.
    let (per_minute, expires_at) = (per_minute.or(own.per_minute), expires_at.or(own.expires_at));
    let new = name.zip(scopes).map(|(name, scopes)| NewApiKey {
        name: name.to_owned(),
        scopes,
        per_minute,
        expires_at,
    });
    fields.finish(new)
}

/// A key gives no scope that it lacks.
fn scopes(held: ApiScopes, fields: &mut Fields<'_>) -> Option<ApiScopes> {
    const FIELD: &str = "scopes";
    let mut scopes = Vec::new();
    for word in fields.words(FIELD)? {
        match word.parse::<ApiScope>() {
            Ok(scope) if !held.has(scope) => {
                fields.complain(FIELD, format!("This key lacks the scope {word}, and can't give it."));
            }
            Ok(scope) => scopes.push(scope),
            Err(complaint) => fields.complain(FIELD, format!("{complaint}.")),
        }
    }
    Some(scopes.into_iter().collect()).filter(|scopes: &ApiScopes| !scopes.is_empty())
}

pub(super) fn representation(key: &ApiKey) -> Value {
    json!({
        "id": key.id,
        "name": key.name,
        "prefix": format!("{}…", key.prefix),
        "scopes": key.scopes.iter().map(ApiScope::as_str).collect::<Vec<_>>(),
        "requests_per_minute": key.per_minute,
        "created_at": key.created_at,
        "expires_at": key.expires_at,
        "last_used_at": key.last_used_at,
        "revoked_at": key.revoked_at,
    })
}
