//! `DELETE /api/v2/zoom-oauth-credentials/{id}/`: revokes an account at Zoom, erases it here, and removes it from the lists.

use axum::{extract::State as Extract, http::StatusCode};
use model::CredentialId;

use crate::{
    State,
    caller::{Admin, Caller},
    error::ApiError,
    path::Path,
};

/// Disconnect an account
///
/// It is revoked at Zoom, erased here, and removed from the lists.
#[utoipa::path(
    delete,
    path = "/api/v2/zoom-oauth-credentials/{id}/",
    tag = "accounts",
    operation_id = "zoom_oauth_credentials_destroy",
    security(("tokenAuth" = ["admin"])),
    params(("id" = CredentialId, Path)),
    responses((status = 204, description = "The account is disconnected.")),
)]
pub(crate) async fn handler(
    caller: Caller<Admin>,
    Extract(state): Extract<State>,
    Path(id): Path<CredentialId>,
) -> Result<StatusCode, ApiError> {
    let done = state.broker.accounts.disconnection.disconnect(caller.workspace, id).await?;
    if done { Ok(StatusCode::NO_CONTENT) } else { Err(ApiError::NotFound) }
}
