//! `POST /api/v2/zoom-oauth-credentials/{id}/sync-meetings/`: has the account's meetings listed. The answer is 200 at once:
//! the account as it is now. `meeting_sync_status` and the log say what comes of it.

use axum::{Json, extract::State as Extract};
use model::CredentialId;
use serde_json::Value;

use super::{shown, visible};
use crate::{
    State,
    caller::{Admin, Caller},
    error::ApiError,
    path::Path,
};

pub(crate) async fn handler(
    caller: Caller<Admin>,
    Extract(state): Extract<State>,
    Path(id): Path<CredentialId>,
) -> Result<Json<Value>, ApiError> {
    visible(&state, caller, id).await?;
    let known = state.broker.sync_meetings(caller.workspace, id).await?;
    if known { shown(&state, caller, id).await.map(Json) } else { Err(ApiError::NotFound) }
}
