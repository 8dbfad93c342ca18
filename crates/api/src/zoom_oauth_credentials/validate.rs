//! `POST /api/v2/zoom-oauth-credentials/{id}/validate/`: checks whether an account works. The answer is 200 in either case,
//! with the account as it is now. Its status shows the result, its log the cause.

use axum::{Json, extract::State as Extract};
use model::CredentialId;

use super::{ZoomOauthCredential, shown, visible};
use crate::{
    State,
    caller::{Admin, Caller},
    error::ApiError,
    path::Path,
};

/// Check whether an account works
///
/// The answer is 200 in either case: the status shows the result, the log the cause.
#[utoipa::path(
    post,
    path = "/api/v2/zoom-oauth-credentials/{id}/validate/",
    tag = "accounts",
    operation_id = "zoom_oauth_credentials_validate",
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
    let known = state.broker.accounts.disconnection.validate(caller.workspace, id).await?;
    if known { shown(&state, caller, id).await.map(Json) } else { Err(ApiError::NotFound) }
}
