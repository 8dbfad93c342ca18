//! `/api/latchkey/v1/workspaces/`: the tenants of this installation, for whoever operates it. What lies in a workspace is
//! opened by its own keys alone.

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
    fields.only(&["name"]);
    let name = fields.text("name", 100);
    let name = fields.required("name", name);
    let name = fields.finish(name)?;
    let (workspace, issued) = state.broker.workspaces().create(name).await?;
    let mut body = representation(&workspace);
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
    Ok(Json(single_page(&workspaces.iter().map(representation).collect::<Vec<_>>())))
}

/// `GET {id}/`
pub(crate) async fn retrieve(
    _: Caller<Operator>,
    Extract(state): Extract<State>,
    Path(id): Path<WorkspaceId>,
) -> Result<Json<Value>, ApiError> {
    let workspace = state.store.workspace(id).await?.ok_or(ApiError::NotFound)?;
    Ok(Json(representation(&workspace)))
}

fn representation(workspace: &Workspace) -> Value {
    json!({ "id": workspace.id, "name": workspace.name, "created_at": workspace.created_at })
}
