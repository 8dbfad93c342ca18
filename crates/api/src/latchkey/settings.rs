//! `/api/latchkey/v1/settings/`: what a workspace chooses.

use axum::{Json, extract::State as Extract};
use model::WorkspaceId;
use serde_json::{Value, json};
use store::SecondAuthorization;

use crate::{
    State,
    body::Body,
    caller::{Admin, Caller, Read},
    error::ApiError,
    fields::Fields,
};

/// `GET`
pub(crate) async fn retrieve(
    caller: Caller<Read>,
    Extract(state): Extract<State>,
) -> Result<Json<Value>, ApiError> {
    shown(&state, caller.workspace).await
}

/// `PATCH`: `second_authorization` is what it comes to when a connected user is connected again over the API: `replace`, or
/// `conflict`, which answers 400.
pub(crate) async fn change(
    caller: Caller<Admin>,
    Extract(state): Extract<State>,
    Body(body): Body,
) -> Result<Json<Value>, ApiError> {
    let mut fields = Fields::of(&body);
    fields.only(&["second_authorization"]);
    let choice: Option<SecondAuthorization> =
        fields.parsed("second_authorization", "It must be replace or conflict.");
    fields.finish(Some(()))?;
    if let Some(choice) = choice {
        state.store.choose_second_authorization(caller.workspace, choice).await?;
    }
    shown(&state, caller.workspace).await
}

async fn shown(state: &State, workspace: WorkspaceId) -> Result<Json<Value>, ApiError> {
    let choice = state.store.second_authorization(workspace).await?;
    Ok(Json(json!({ "second_authorization": choice.as_str() })))
}
