//! `DELETE /api/v2/zoom-oauth-apps/{id}/`: erases the app's secrets. Its accounts must be deleted first.

use axum::{extract::State as Extract, http::StatusCode};
use model::ZoomOauthAppId;
use store::AppRemoval;

use crate::{
    State,
    caller::{Admin, Caller},
    error::ApiError,
    openapi::errors,
    path::Path,
    request_code::RequestCode,
};

fn in_use() -> ApiError {
    ApiError::refused(RequestCode::AppInUse, "Accounts are connected with this app; delete them first.")
}

errors! { RemoveAppErrors: in_use() }

/// Delete a Zoom app
///
/// Its secrets are erased. Accounts that are connected with it must be deleted first.
#[utoipa::path(
    delete,
    path = "/api/v2/zoom-oauth-apps/{id}/",
    tag = "zoom apps",
    operation_id = "zoom_oauth_apps_destroy",
    security(("tokenAuth" = ["admin"])),
    params(("id" = ZoomOauthAppId, Path)),
    responses((status = 204, description = "The app is deleted."), RemoveAppErrors),
)]
pub(crate) async fn handler(
    caller: Caller<Admin>,
    Extract(state): Extract<State>,
    Path(id): Path<ZoomOauthAppId>,
) -> Result<StatusCode, ApiError> {
    match state.broker.accounts.app_removals.remove(caller.workspace, id).await? {
        AppRemoval::Removed => Ok(StatusCode::NO_CONTENT),
        AppRemoval::Unknown => Err(ApiError::NotFound),
        AppRemoval::InUse { .. } => Err(in_use()),
    }
}
