//! `GET /api/v1/bot/{id}/`

use axum::{Json, extract::State as Extract};
use model::BotId;
use serde_json::Value;

use super::{find, representation};
use crate::{
    State,
    caller::{Caller, Read},
    error::ApiError,
    path::Path,
};

pub(crate) async fn handler(
    caller: Caller<Read>,
    Extract(state): Extract<State>,
    Path(id): Path<BotId>,
) -> Result<Json<Value>, ApiError> {
    let bot = find(&state, caller.workspace, id).await?;
    Ok(Json(representation::of(&state, &bot, caller.scopes)?))
}
