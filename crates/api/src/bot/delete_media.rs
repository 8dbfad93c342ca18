//! `POST /api/v1/bot/{id}/delete_media/`: deletes what is stored of a bot's meetings.

use axum::{Json, extract::State as Extract};
use bots::Kind;
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
/// Deletes its screenshots, what happened in its meeting, and what Zoom's SDK wrote into its log, permanently.
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
    state.bots.screenshots().delete(caller.workspace, id).await?;
    state.store.erase_meeting_events(caller.workspace, id).await?;
    // The SDK's own words may name participants; the rest of the log does not.
    let kinds: Vec<_> = Kind::WRITTEN_BY_THE_SDK.iter().map(|kind| kind.as_str().to_owned()).collect();
    state.bots.erase_from_log(caller.workspace, id, &kinds).await?;
    Ok(Json(representation::of(&state, bot, caller.scopes).await?))
}
