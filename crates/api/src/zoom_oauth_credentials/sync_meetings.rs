//! `POST /api/v2/zoom-oauth-credentials/{id}/sync-meetings/`: starts a sync of the account's meetings. The answer is
//! immediately 200 with the account as it is now. `meeting_sync_status` and the log show the result later.

use axum::{Json, extract::State as Extract};
use model::CredentialId;

use super::{ZoomOauthCredential, shown, visible};
use crate::{
    State,
    caller::{Admin, Caller},
    error::ApiError,
    path::Path,
};

/// Sync an account's meetings now
///
/// The answer comes immediately; `meeting_sync_status` and the log show the result later.
#[utoipa::path(
    post,
    path = "/api/v2/zoom-oauth-credentials/{id}/sync-meetings/",
    tag = "accounts",
    operation_id = "zoom_oauth_credentials_sync_meetings",
    security(("tokenAuth" = ["admin"])),
    params(("id" = CredentialId, Path)),
    responses((status = 200, description = "The account.", body = ZoomOauthCredential)),
)]
pub(crate) async fn handler(
    caller: Caller<Admin>,
    Extract(state): Extract<State>,
    Path(id): Path<CredentialId>,
) -> Result<Json<ZoomOauthCredential>, ApiError> {
    visible(&state, caller, id).await?;
    let known = state.broker.meeting_map.request_sync(caller.workspace, id).await?;
    if known { shown(&state, caller, id).await.map(Json) } else { Err(ApiError::NotFound) }
}
