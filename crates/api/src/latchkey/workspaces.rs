//! `/api/latchkey/v1/workspaces/`: the tenants of this installation, for whoever operates it. What lies in a workspace is
//! opened by its own keys alone.

use std::collections::HashMap;

use axum::{
    Json,
    extract::{RawQuery, State as Extract},
    http::{StatusCode, header::CACHE_CONTROL},
    response::{IntoResponse, Response},
};
use model::WorkspaceId;
use serde_json::{Value, json};
use store::Workspace;

use super::api_keys;
use crate::{
    State,
    body::Body,
    caller::{Caller, Operator},
    error::ApiError,
    fields::Fields,
    page::{Query, single_page},
    path::Path,
};

/// `POST`: makes a workspace. Its first key is in this answer and nowhere else.
pub(crate) async fn create(
    _: Caller<Operator>,
    Extract(state): Extract<State>,
    Body(body): Body,
) -> Result<Response, ApiError> {
    let mut fields = Fields::of(&body);
    fields.only(&["name", "bot_limit"]);
    let name = fields.text("name", 100);
    let name = fields.required("name", name);
    let limit = fields.number("bot_limit", 0);
    let name = fields.finish(name)?;
    let (workspace, issued) = state.broker.workspaces().create(name).await?;
    if limit.is_some() {
        state.store.limit_bots(workspace.id, limit).await?;
    }
    let mut body = representation(&workspace, limit);
    body["api_key"] = api_keys::representation(&issued.row);
    body["api_key"]["key"] = issued.key.expose().into();
    Ok((StatusCode::CREATED, [(CACHE_CONTROL, "no-store")], Json(body)).into_response())
}

/// `GET`: every workspace, oldest first.
pub(crate) async fn list(
    _: Caller<Operator>,
    Extract(state): Extract<State>,
    RawQuery(query): RawQuery,
) -> Result<Json<Value>, ApiError> {
    Query::of(query.as_deref()).only(&[])?;
    let workspaces = state.broker.workspaces().all().await?;
    let limits: HashMap<_, _> = state.store.bot_limits().await?.into_iter().collect();
    let shown = workspaces.iter().map(|each| representation(each, limits.get(&each.id).copied()));
    Ok(Json(single_page(&shown.collect::<Vec<_>>())))
}

/// `GET {id}/`
pub(crate) async fn retrieve(
    _: Caller<Operator>,
    Extract(state): Extract<State>,
    Path(id): Path<WorkspaceId>,
) -> Result<Json<Value>, ApiError> {
    shown(&state, id).await
}

/// `PATCH {id}/`: `bot_limit` is how many of its bots run at once, on all servers together; `null` lifts the limit. Bots
/// beyond it wait for a place, as they do when the servers are full.
pub(crate) async fn change(
    _: Caller<Operator>,
    Extract(state): Extract<State>,
    Path(id): Path<WorkspaceId>,
    Body(body): Body,
) -> Result<Json<Value>, ApiError> {
    let mut fields = Fields::of(&body);
    fields.only(&["bot_limit"]);
    let limit = fields.number("bot_limit", 0);
    fields.finish(Some(()))?;
    if body.contains_key("bot_limit") && !state.store.limit_bots(id, limit).await? {
        return Err(ApiError::NotFound);
    }
    shown(&state, id).await
}

async fn shown(state: &State, id: WorkspaceId) -> Result<Json<Value>, ApiError> {
    let workspace = state.store.workspace(id).await?.ok_or(ApiError::NotFound)?;
    let limits = state.store.bot_limits().await?;
    let limit = limits.into_iter().find(|(limited, _)| *limited == id).map(|(_, limit)| limit);
    Ok(Json(representation(&workspace, limit)))
}

fn representation(workspace: &Workspace, bot_limit: Option<u32>) -> Value {
    json!({ "id": workspace.id, "name": workspace.name, "bot_limit": bot_limit, "created_at": workspace.created_at })
}
