//! `GET /api/v2/zoom-oauth-credentials/{id}/`

use axum::{Json, extract::State as Extract};
use model::CredentialId;

use super::{ZoomOauthCredential, shown};
use crate::{
    State,
    caller::{Caller, Read},
    error::ApiError,
    path::Path,
};

/// Retrieve an account
#[utoipa::path(
    get,
    path = "/api/v2/zoom-oauth-credentials/{id}/",
    tag = "accounts",
    operation_id = "zoom_oauth_credentials_retrieve",
    security(("tokenAuth" = ["read"])),
    params(("id" = CredentialId, Path)),
    responses((status = 200, description = "The account.", body = ZoomOauthCredential)),
)]
pub(crate) async fn handler(
    caller: Caller<Read>,
    Extract(state): Extract<State>,
    Path(id): Path<CredentialId>,
) -> Result<Json<ZoomOauthCredential>, ApiError> {
    shown(&state, caller, id).await.map(Json)
}
