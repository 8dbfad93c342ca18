//! `GET /api/v2/zoom-oauth-credentials/{id}/`

use axum::{Json, extract::State as Extract};
use model::CredentialId;
use serde_json::Value;

use super::shown;
use crate::{
    State,
    caller::{Caller, Read},
    error::ApiError,
    path::Path,
};

pub(crate) async fn handler(
    caller: Caller<Read>,
    Extract(state): Extract<State>,
    Path(id): Path<CredentialId>,
) -> Result<Json<Value>, ApiError> {
    shown(&state, caller, id).await.map(Json)
}
