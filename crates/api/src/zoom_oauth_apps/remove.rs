//! `DELETE /api/v2/zoom-oauth-apps/{id}/`: its secrets are erased. Accounts that are connected with it have to go first.

use axum::{extract::State as Extract, http::StatusCode};
use model::ZoomOauthAppId;
use store::AppRemoval;

use crate::{
    State,
    caller::{Admin, Caller},
    error::ApiError,
    path::Path,
};

pub(crate) async fn handler(
    caller: Caller<Admin>,
    Extract(state): Extract<State>,
    Path(id): Path<ZoomOauthAppId>,
) -> Result<StatusCode, ApiError> {
    match state.broker.remove_app(caller.workspace, id).await? {
        AppRemoval::Removed => Ok(StatusCode::NO_CONTENT),
        AppRemoval::Unknown => Err(ApiError::NotFound),
        AppRemoval::InUse { .. } => {
            Err(ApiError::Conflict("app_in_use", "Accounts are connected with this app; delete them first."))
        }
    }
}
