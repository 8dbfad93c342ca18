//! `GET /api/v2/zoom-oauth-apps/`

use axum::{Json, extract::State as Extract};
use serde_json::Value;

use super::representation;
use crate::{State, caller::Caller, error::ApiError, page::single_page};

pub(crate) async fn handler(caller: Caller, Extract(state): Extract<State>) -> Result<Json<Value>, ApiError> {
    let apps = state.store.zoom_oauth_apps(caller.workspace).await?;
    Ok(Json(single_page(&apps.iter().map(representation).collect::<Vec<_>>())))
}
