//! `GET /api/latchkey/v1/callback-secret/`: verifies what this workspace's bots fetch (`whsec_…`).

use axum::{
    Json,
    extract::State as Extract,
    http::header::CACHE_CONTROL,
    response::{IntoResponse, Response},
};
use serde_json::json;

use crate::{State, caller::Caller, error::ApiError};

pub(crate) async fn handler(caller: Caller, Extract(state): Extract<State>) -> Result<Response, ApiError> {
    let secret = state.broker.callback_secret(caller.workspace).await?;
    Ok(([(CACHE_CONTROL, "no-store")], Json(json!({ "secret": secret.expose() }))).into_response())
}
