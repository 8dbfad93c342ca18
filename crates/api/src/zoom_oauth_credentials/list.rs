//! `GET /api/v2/zoom-oauth-credentials/`

use axum::{Json, extract::State as Extract};
use serde_json::Value;

use super::representation;
use crate::{State, caller::Caller, error::ApiError, page::single_page};

pub(crate) async fn handler(caller: Caller, Extract(state): Extract<State>) -> Result<Json<Value>, ApiError> {
    let credentials = state.store.credentials(caller.workspace).await?;
    Ok(Json(single_page(&credentials.iter().map(representation).collect::<Vec<_>>())))
}
