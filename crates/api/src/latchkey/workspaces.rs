//! `/api/latchkey/v1/workspaces/`: the tenants of this installation, for its operator. Only a workspace's own
//! keys give access to its contents.

use std::collections::HashMap;

use axum::{
    Json,
    extract::{RawQuery, State as Extract},
    http::{StatusCode, header::CACHE_CONTROL},
    response::{IntoResponse, Response},
};
use model::{Timestamp, WorkspaceId};
use serde::Serialize;
use utoipa::ToSchema;

use super::api_keys::{self, ApiKey};
use crate::{
    State,
    body::Body,
    caller::{Caller, Operator},
    error::ApiError,
    fields::Fields,
    page::{Page, single_page},
    path::Path,
    query::Query,
    request::{Request as _, Text, Whole, request},
};

/// A tenant of this installation.
#[derive(Serialize, ToSchema)]
pub(crate) struct Workspace {
    id: WorkspaceId,
    name: String,
    /// The most bots that run at once, on all servers together; null: no limit. Further bots wait until one ends.
    #[schema(required)]
    bot_limit: Option<u32>,
    created_at: Timestamp,
    /// Its first key. Only the answer that creates the workspace contains it.
    #[serde(skip_serializing_if = "Option::is_none")]
    api_key: Option<ApiKey>,
}

type BotLimit = Whole<0, { u32::MAX }>;

request! {
    /// A new workspace.
    closed struct CreateWorkspace {
        name: Text<100>,
        /// The most bots that run at once. Without it, the servers' capacity is the only limit.
        bot_limit: Option<BotLimit>,
    }
}

request! {
    /// Changes of a workspace by the operator.
    closed struct ChangeWorkspace {
        /// `null` removes the limit.
        bot_limit: Option<BotLimit>,
    }
}

/// Create a workspace
///
/// Only this answer contains its first key.
#[utoipa::path(
    post,
    path = "/api/latchkey/v1/workspaces/",
    tag = "workspace",
    operation_id = "workspaces_create",
    security(("tokenAuth" = ["operator"])),
    request_body(content = CreateWorkspace, example = json!({ "name": "staging", "bot_limit": 5 })),
    responses((status = 201, description = "The workspace.", body = Workspace)),
)]
pub(crate) async fn create(
    _: Caller<Operator>,
    Extract(state): Extract<State>,
    Body(body): Body,
) -> Result<Response, ApiError> {
    let mut fields = Fields::of(&body);
    let asked = CreateWorkspace::read(&mut fields);
    let asked = fields.finish(asked)?;
    let (workspace, issued) = state.broker.workspaces.create(&asked.name).await?;
    let limit = asked.bot_limit.map(|limit| limit.0);
    if limit.is_some() {
        state.store.limit_bots(workspace.id, limit).await?;
    }
    let api_key = Some(api_keys::with_key(&issued.row, &issued.key));
    let body = Workspace { api_key, ..representation(&workspace, limit) };
    Ok((StatusCode::CREATED, [(CACHE_CONTROL, "no-store")], Json(body)).into_response())
}

/// List workspaces
///
/// Oldest first.
#[utoipa::path(
    get,
    path = "/api/latchkey/v1/workspaces/",
    tag = "workspace",
    operation_id = "workspaces_list",
    security(("tokenAuth" = ["operator"])),
    responses((status = 200, description = "All workspaces.", body = Page<Workspace>)),
)]
pub(crate) async fn list(
    _: Caller<Operator>,
    Extract(state): Extract<State>,
    RawQuery(query): RawQuery,
) -> Result<Json<Page<Workspace>>, ApiError> {
    Query::of_names(query.as_deref(), &[])?;
    let workspaces = state.broker.workspaces.all().await?;
    let limits: HashMap<_, _> = state.store.bot_limits().await?.into_iter().collect();
    let shown = workspaces.iter().map(|each| representation(each, limits.get(&each.id).copied()));
    Ok(Json(single_page(shown.collect())))
}

/// Retrieve a workspace
#[utoipa::path(
    get,
    path = "/api/latchkey/v1/workspaces/{id}/",
    tag = "workspace",
    operation_id = "workspaces_retrieve",
    security(("tokenAuth" = ["operator"])),
    params(("id" = WorkspaceId, Path)),
    responses((status = 200, description = "The workspace.", body = Workspace)),
)]
pub(crate) async fn retrieve(
    _: Caller<Operator>,
    Extract(state): Extract<State>,
    Path(id): Path<WorkspaceId>,
) -> Result<Json<Workspace>, ApiError> {
    shown(&state, id).await
}

/// Change a workspace
#[utoipa::path(
    patch,
    path = "/api/latchkey/v1/workspaces/{id}/",
    tag = "workspace",
    operation_id = "workspaces_partial_update",
    security(("tokenAuth" = ["operator"])),
    params(("id" = WorkspaceId, Path)),
    request_body(content = ChangeWorkspace, example = json!({ "bot_limit": 10 })),
    responses((status = 200, description = "The workspace.", body = Workspace)),
)]
pub(crate) async fn change(
    _: Caller<Operator>,
    Extract(state): Extract<State>,
    Path(id): Path<WorkspaceId>,
    Body(body): Body,
) -> Result<Json<Workspace>, ApiError> {
    let mut fields = Fields::of(&body);
    let asked = ChangeWorkspace::read(&mut fields);
    let limit = fields.finish(asked)?.bot_limit.map(|limit| limit.0);
    if body.contains_key("bot_limit") && !state.store.limit_bots(id, limit).await? {
        return Err(ApiError::NotFound);
    }
    shown(&state, id).await
}

async fn shown(state: &State, id: WorkspaceId) -> Result<Json<Workspace>, ApiError> {
    let workspace = state.store.workspace(id).await?.ok_or(ApiError::NotFound)?;
    let limits = state.store.bot_limits().await?;
    let limit = limits.into_iter().find(|(limited, _)| *limited == id).map(|(_, limit)| limit);
    Ok(Json(representation(&workspace, limit)))
}

fn representation(workspace: &store::Workspace, bot_limit: Option<u32>) -> Workspace {
    let store::Workspace { id, name, created_at, .. } = workspace;
    Workspace { id: *id, name: name.clone(), bot_limit, created_at: *created_at, api_key: None }
}
