//! `POST /api/v2/zoom-oauth-credentials/{id}/validate/`: finds out whether an account works. The answer is 200 either way,
//! without a body: its status and its log say what came of it.

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
    let known = state.broker.validate(caller.workspace, id).await?;
    if known { Ok(StatusCode::OK) } else { Err(ApiError::NotFound) }
}
