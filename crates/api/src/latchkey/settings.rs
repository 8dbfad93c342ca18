//! `/api/latchkey/v1/settings/`: what a workspace chooses.

use axum::{Json, extract::State as Extract};
use model::WorkspaceId;
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    State,
    body::Body,
    caller::{Admin, Caller, Read},
    error::ApiError,
    fields::Fields,
    request::{Request as _, request},
    words::SecondAuthorization,
};

/// What a workspace chose.
#[derive(Serialize, ToSchema)]
pub(crate) struct Settings {
    second_authorization: SecondAuthorization,
}

request! {
    /// What a workspace chooses.
    closed struct ChangeSettings {
        /// `conflict` answers 400, as the contract's older guide has it.
        second_authorization: Option<SecondAuthorization>,
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
    shown(&state, caller.workspace).await
}

/// Change the workspace's settings
#[utoipa::path(
    patch,
    path = "/api/latchkey/v1/settings/",
    tag = "workspace",
    operation_id = "settings_partial_update",
    security(("tokenAuth" = ["admin"])),
    request_body(content = ChangeSettings, example = json!({ "second_authorization": "replace" })),
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
    if let Some(SecondAuthorization(choice)) = asked.second_authorization {
        state.store.choose_second_authorization(caller.workspace, choice).await?;
    }
    shown(&state, caller.workspace).await
}

async fn shown(state: &State, workspace: WorkspaceId) -> Result<Json<Settings>, ApiError> {
    let choice = state.store.second_authorization(workspace).await?;
    Ok(Json(Settings { second_authorization: SecondAuthorization(choice) }))
}
