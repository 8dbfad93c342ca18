//! `/api/latchkey/v1/settings/`: the settings of a workspace.

use axum::{Json, extract::State as Extract};
use model::WorkspaceId;
use serde::Serialize;
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
    shown(&state, caller.workspace).await
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
    if let Some(SecondAuthorization(choice)) = asked.second_authorization {
        state.store.choose_second_authorization(caller.workspace, choice).await?;
    }
    if let Some(IgnoredFields(choice)) = asked.ignored_fields {
        state.store.choose_ignored_fields(caller.workspace, choice).await?;
    }
    shown(&state, caller.workspace).await
}

async fn shown(state: &State, workspace: WorkspaceId) -> Result<Json<Settings>, ApiError> {
    let second = state.store.second_authorization(workspace).await?;
    let ignored = state.store.ignored_fields(workspace).await?;
    Ok(Json(Settings {
        second_authorization: SecondAuthorization(second),
        ignored_fields: IgnoredFields(ignored),
    }))
}
