//! `GET /api/v2/zoom-oauth-apps/{id}/`

use axum::extract::State as Extract;
use model::ZoomOauthAppId;

use super::{ZoomOauthApp, representation};
use crate::{
    State,
    caller::{Caller, Read},
    error::ApiError,
    path::Path,
    secret_answer::WithSecret,
};

/// Retrieve a Zoom app
#[utoipa::path(
    get,
    path = "/api/v2/zoom-oauth-apps/{id}/",
    tag = "zoom apps",
    operation_id = "zoom_oauth_apps_retrieve",
    security(("tokenAuth" = ["read"])),
    params(("id" = ZoomOauthAppId, Path)),
    responses((status = 200, description = "The app.", body = ZoomOauthApp)),
)]
pub(crate) async fn handler(
    caller: Caller<Read>,
    Extract(state): Extract<State>,
    Path(id): Path<ZoomOauthAppId>,
) -> Result<WithSecret<ZoomOauthApp>, ApiError> {
    let app = state.store.zoom_oauth_app(caller.workspace, id).await?.ok_or(ApiError::NotFound)?;
    Ok(WithSecret(representation(&state, &app)?))
}
