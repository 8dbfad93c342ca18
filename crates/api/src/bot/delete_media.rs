//! `POST /api/v1/bot/{id}/delete_media/`: deletes the stored media of a bot's meetings.

use axum::{Json, extract::State as Extract};
use model::BotId;

use super::{Bot, find, representation};
use crate::{
    State,
    caller::{Bots, Caller},
    error::ApiError,
    path::Path,
};

/// Delete a bot's media
///
/// Permanently deletes its screenshots, its meeting events, and what Zoom's SDK wrote into its log.
#[utoipa::path(
    post,
    path = "/api/v1/bot/{id}/delete_media/",
    tag = "bots",
    operation_id = "bot_delete_media_create",
    security(("tokenAuth" = ["bots"])),
    params(("id" = BotId, Path)),
    responses((status = 200, description = "The bot.", body = Bot)),
)]
pub(crate) async fn handler(
    caller: Caller<Bots>,
    Extract(state): Extract<State>,
    Path(id): Path<BotId>,
) -> Result<Json<Bot>, ApiError> {
    let bot = find(&state, caller.workspace, id).await?;
    state.bots.media.delete(caller.workspace, id).await?;
    Ok(Json(representation::of(&state, bot, caller.scopes).await?))
}
