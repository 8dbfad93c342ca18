//! `GET /api/v2/zoom-oauth-apps/{id}/`

use axum::{Json, extract::State as Extract};
use model::ZoomOauthAppId;
use serde_json::Value;

use super::representation;
use crate::{
    State,
    caller::{Caller, Read},
    error::ApiError,
    path::Path,
};

pub(crate) async fn handler(
    caller: Caller<Read>,
    Extract(state): Extract<State>,
    Path(id): Path<ZoomOauthAppId>,
) -> Result<Json<Value>, ApiError> {
    let app = state.store.zoom_oauth_app(caller.workspace, id).await?.ok_or(ApiError::NotFound)?;
    Ok(Json(representation(&app)))
}
