//! `/api/latchkey/v1/workspaces/`: the tenants of this installation, for its operator. Only a workspace's own
//! keys give access to its contents.

use axum::{
    Json,
    extract::{RawQuery, State as Extract},
    http::StatusCode,
};
use model::{Timestamp, WorkspaceId};
use serde::Serialize;
use store::WorkspaceChange;
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
    secret_answer::WithSecret,
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
) -> Result<(StatusCode, WithSecret<Workspace>), ApiError> {
    let mut fields = Fields::of(&body);
    let asked = CreateWorkspace::read(&mut fields);
    let asked = fields.finish(asked)?;
    let limit = asked.bot_limit.map(|limit| limit.0);
    let (workspace, issued) = state.broker.workspaces.create(&asked.name, limit).await?;
    let api_key = Some(api_keys::with_key(&issued.row, &issued.key));
    let body = Workspace { api_key, ..representation(&workspace) };
    Ok((StatusCode::CREATED, WithSecret(body)))
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
    Ok(Json(single_page(workspaces.iter().map(representation).collect())))
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
    let workspace = state.broker.workspaces.get(id).await?.ok_or(ApiError::NotFound)?;
    Ok(Json(representation(&workspace)))
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
    let bot_limit = body.contains_key("bot_limit").then_some(limit);
    let change = WorkspaceChange { bot_limit, ..WorkspaceChange::default() };
    let changed = state.broker.workspaces.change(id, &change).await?.ok_or(ApiError::NotFound)?;
    Ok(Json(representation(&changed)))
}

fn representation(workspace: &store::Workspace) -> Workspace {
    let store::Workspace { id, name, bot_limit, created_at, .. } = workspace;
    Workspace { id: *id, name: name.clone(), bot_limit: *bot_limit, created_at: *created_at, api_key: None }
}
