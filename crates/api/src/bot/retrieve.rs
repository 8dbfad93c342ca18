//! `GET /api/v1/bot/{id}/`

use axum::{Json, extract::State as Extract};
use model::BotId;

use super::{Bot, find, representation};
use crate::{
    State,
    caller::{Caller, Read},
    error::ApiError,
    path::Path,
};

/// Retrieve a bot
#[utoipa::path(
    get,
    path = "/api/v1/bot/{id}/",
    tag = "bots",
    operation_id = "bot_retrieve",
    security(("tokenAuth" = ["read"])),
    params(("id" = BotId, Path)),
    responses((status = 200, description = "The bot.", body = Bot)),
)]
pub(crate) async fn handler(
    caller: Caller<Read>,
    Extract(state): Extract<State>,
    Path(id): Path<BotId>,
) -> Result<Json<Bot>, ApiError> {
    let bot = find(&state, caller.workspace, id).await?;
    Ok(Json(representation::of(&state, bot, caller.scopes).await?))
}
