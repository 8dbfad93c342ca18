//! `DELETE /api/v2/zoom-oauth-credentials/{id}/`: revoked at Zoom, erased here, gone from the lists.

use axum::{extract::State as Extract, http::StatusCode};
use model::CredentialId;

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
    let done = state.broker.disconnect(caller.workspace, id).await?;
    if done { Ok(StatusCode::NO_CONTENT) } else { Err(ApiError::NotFound) }
}
