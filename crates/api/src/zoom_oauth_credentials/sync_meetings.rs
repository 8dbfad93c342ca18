//! `POST /api/v2/zoom-oauth-credentials/{id}/sync-meetings/`: has the account's meetings listed. The answer is 200 at once,
//! without a body: `meeting_sync_status` and the log say what comes of it.

use axum::{extract::State as Extract, http::StatusCode};
use model::CredentialId;

use super::visible;
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
) -> Result<StatusCode, ApiError> {
    visible(&state, caller, id).await?;
    let known = state.broker.sync_meetings(caller.workspace, id).await?;
    if known { Ok(StatusCode::OK) } else { Err(ApiError::NotFound) }
}
