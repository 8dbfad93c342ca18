//! `POST /api/v1/bot/{id}/leave_call/`: leaves the call, or cancels the join.

use axum::{Json, extract::State as Extract};
use bots::NotLeaving;
use model::BotId;

use super::{Bot, representation};
use crate::{
    State,
    caller::{Bots, Caller},
    error::ApiError,
    openapi::errors,
    path::Path,
    request_code::RequestCode,
};

fn ended() -> ApiError {
    ApiError::refused(RequestCode::CannotCommandCompletedBot, "This bot has ended.")
}

fn not_started() -> ApiError {
    ApiError::refused(RequestCode::CannotCommandUnstartedBot, "This bot has not started yet.")
}

errors! { LeaveCallErrors: ended(), not_started() }

/// Make a bot leave
///
/// It leaves the call; while it joins or waits, the join is cancelled.
#[utoipa::path(
    post,
    path = "/api/v1/bot/{id}/leave_call/",
    tag = "bots",
    operation_id = "bot_leave_call_create",
    security(("tokenAuth" = ["bots"])),
    params(("id" = BotId, Path)),
    responses((status = 200, description = "The bot.", body = Bot), LeaveCallErrors),
)]
pub(crate) async fn handler(
    caller: Caller<Bots>,
    Extract(state): Extract<State>,
    Path(id): Path<BotId>,
) -> Result<Json<Bot>, ApiError> {
    let bot = state.bots.commands.leave(caller.workspace, id).await?;
    Ok(Json(representation::of(&state, bot, caller.scopes).await?))
}

impl From<NotLeaving> for ApiError {
    fn from(not_leaving: NotLeaving) -> Self {
        match not_leaving {
            NotLeaving::Unknown => Self::NotFound,
            NotLeaving::Ended => ended(),
            NotLeaving::NotStarted => not_started(),
            NotLeaving::Failed(failure) => failure.into(),
        }
    }
}
