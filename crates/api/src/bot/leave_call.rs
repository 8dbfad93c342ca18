//! `POST /api/v1/bot/{id}/leave_call/`: out of the call, or off the way into it.

use axum::{Json, extract::State as Extract};
use model::{BotId, BotStatus};
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
    let now = state.env.now();
    if bot.status().is_terminal() {
        return Err(ApiError::command("cannot_command_completed_bot", "This bot has ended."));
    }
    if bot.status() == BotStatus::Ready && bot.join_at.is_some_and(|at| at > now) {
        return Err(ApiError::command("cannot_command_unstarted_bot", "This bot has not started yet."));
    }
    let bot = state.store.request_leave(caller.workspace, bot.id, now).await?.ok_or(ApiError::NotFound)?;
    state.bots.poke(bot.id);
    Ok(Json(representation::of(&state, &bot, caller.scopes)?))
}
