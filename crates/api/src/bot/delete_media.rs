//! `POST /api/v1/bot/{id}/delete_media/`: what is kept of a bot's meetings goes, for good.

use axum::{Json, extract::State as Extract};
use model::BotId;
use serde_json::Value;

use super::{find, representation};
use crate::{
    State,
    caller::{Bots, Caller},
    error::ApiError,
    path::Path,
};

pub(crate) async fn handler(
    caller: Caller<Bots>,
    Extract(state): Extract<State>,
    Path(id): Path<BotId>,
) -> Result<Json<Value>, ApiError> {
    let bot = find(&state, caller.workspace, id).await?;
    state.bots.screenshots().delete(caller.workspace, bot.id).await?;
    Ok(Json(representation::of(&state, &bot, caller.scopes)?))
}
