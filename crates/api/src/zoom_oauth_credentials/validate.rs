//! `POST /api/v2/zoom-oauth-credentials/{id}/validate/`: finds out whether an account works. The answer is 200 either way:
//! the account as it is now. Its status says what came of it, its log why.

use axum::{Json, extract::State as Extract};
use model::CredentialId;
use serde_json::Value;

use super::{shown, visible};
use crate::{
    State,
    caller::{Admin, Caller},
    error::ApiError,
    path::Path,
};

pub(crate) async fn handler(
    caller: Caller<Admin>,
    Extract(state): Extract<State>,
    Path(id): Path<CredentialId>,
) -> Result<Json<Value>, ApiError> {
    visible(&state, caller, id).await?;
    let known = state.broker.validate(caller.workspace, id).await?;
    if known { shown(&state, caller, id).await.map(Json) } else { Err(ApiError::NotFound) }
}
