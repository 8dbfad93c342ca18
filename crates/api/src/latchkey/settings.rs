//! `/api/latchkey/v1/settings/`: the settings of a workspace.

use axum::{Json, extract::State as Extract};
use serde::Serialize;
use store::{Workspace, WorkspaceChange};
use utoipa::ToSchema;

use crate::{
    State,
    body::Body,
    caller::{Admin, Caller, Read},
    enum_fields::{IgnoredFields, SecondAuthorization},
    error::ApiError,
    fields::Fields,
    request::{Request as _, request},
};

/// The settings of a workspace.
#[derive(Serialize, ToSchema)]
pub(crate) struct Settings {
    second_authorization: SecondAuthorization,
    ignored_fields: IgnoredFields,
}

request! {
    /// Changes of a workspace's settings.
    closed struct ChangeSettings {
        /// `conflict` answers 400, as in the contract's older guide.
        second_authorization: Option<SecondAuthorization>,
        /// `refuse` answers 400 to a new bot, or a change of one, with fields that have no effect. `?strict=0` and
        /// `?strict=1` override it for one request.
        ignored_fields: Option<IgnoredFields>,
    }
}

/// Retrieve the workspace's settings
#[utoipa::path(
    get,
    path = "/api/latchkey/v1/settings/",
    tag = "workspace",
    operation_id = "settings_retrieve",
    security(("tokenAuth" = ["read"])),
    responses((status = 200, description = "The settings.", body = Settings)),
)]
pub(crate) async fn retrieve(
    caller: Caller<Read>,
    Extract(state): Extract<State>,
) -> Result<Json<Settings>, ApiError> {
    let workspace = state.broker.workspaces.get(caller.workspace).await?;
    workspace.map(|workspace| Json(representation(&workspace))).ok_or(ApiError::NotFound)
}

/// Change the workspace's settings
#[utoipa::path(
    patch,
    path = "/api/latchkey/v1/settings/",
    tag = "workspace",
    operation_id = "settings_partial_update",
    security(("tokenAuth" = ["admin"])),
    request_body(content = ChangeSettings, example = json!({ "ignored_fields": "refuse" })),
    responses((status = 200, description = "The settings.", body = Settings)),
)]
pub(crate) async fn change(
    caller: Caller<Admin>,
    Extract(state): Extract<State>,
    Body(body): Body,
) -> Result<Json<Settings>, ApiError> {
    let mut fields = Fields::of(&body);
    let asked = ChangeSettings::read(&mut fields);
    let asked = fields.finish(asked)?;
    let change = WorkspaceChange {
        second_authorization: asked.second_authorization.map(|choice| choice.0),
        ignored_fields: asked.ignored_fields.map(|choice| choice.0),
        ..WorkspaceChange::default()
    };
    let changed = state.broker.workspaces.change(caller.workspace, &change).await?;
    changed.map(|workspace| Json(representation(&workspace))).ok_or(ApiError::NotFound)
}

fn representation(workspace: &Workspace) -> Settings {
    Settings {
        second_authorization: SecondAuthorization(workspace.second_authorization),
        ignored_fields: IgnoredFields(workspace.ignored_fields),
    }
}
