//! `POST /api/v2/zoom-oauth-credentials/{id}/validate/`: finds out whether an account works. The answer is 200 either way:
//! the account as it is now. Its status says what came of it, its log why.

use axum::{Json, extract::State as Extract};
use model::CredentialId;

use super::{ZoomOauthCredential, shown, visible};
use crate::{
    State,
    caller::{Admin, Caller},
    error::ApiError,
    path::Path,
};

/// Find out whether an account works
///
/// The answer is 200 either way: the status says what came of it, the log why.
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
