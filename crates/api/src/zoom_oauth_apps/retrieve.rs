//! `GET /api/v2/zoom-oauth-apps/{id}/`

use axum::{
    Json,
    extract::{Path, State as Extract},
};
use serde_json::Value;

use super::representation;
use crate::{State, caller::Caller, error::ApiError};

pub(crate) async fn handler(
    caller: Caller,
    Extract(state): Extract<State>,
    Path(id): Path<String>,
) -> Result<Json<Value>, ApiError> {
    let id = id.parse().map_err(|_| ApiError::NotFound)?;
    let app = state.store.zoom_oauth_app(caller.workspace, id).await?.ok_or(ApiError::NotFound)?;
    Ok(Json(representation(&app)))
}
