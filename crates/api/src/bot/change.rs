//! `PATCH /api/v1/bot/{id}/`: changes a bot that has not begun.

use axum::{
    Json,
    extract::{RawQuery, State as Extract},
};
use bots::{Begun, NotChanged};
use model::{BotId, Timestamp};

use super::{
    Bot,
    bot_fields::{self, BotFields, Strictness},
    representation,
};
use crate::{
    State,
    body::Body,
    caller::{Bots, Caller},
    error::ApiError,
    fields::Fields,
    openapi::errors,
    path::Path,
    request_code::RequestCode,
};

fn begun(begun: Begun) -> ApiError {
    let detail = match begun {
        Begun::Joining(since) => {
            format!(
                "This bot has been joining since {since}: end it with POST leave_call, and create another."
            )
        }
        Begun::Leaving(since) => format!("This bot was commanded to leave at {since}: create another."),
        Begun::Ended(at) => format!("This bot ended at {at}: create another."),
    };
    ApiError::refused(RequestCode::UpdateBotFailed, detail)
}

fn too_soon(earliest: Timestamp) -> ApiError {
    let detail = format!(
        "A new join_at must be more than ten minutes ahead, later than {earliest}: for an earlier time, DELETE this bot \
         and create another."
    );
    ApiError::refused(RequestCode::UpdateBotFailed, detail)
}

errors! {
    ChangeBotErrors: begun(Begun::Joining(Timestamp::from_second(0))), too_soon(Timestamp::from_second(0)),
}

/// Change a bot
///
/// Possible until the bot begins. Each given field replaces the previous value as a whole. A field that is not given stays;
/// null restores its default. A new `join_at` must be more than ten minutes ahead.
#[utoipa::path(
    patch,
    path = "/api/v1/bot/{id}/",
    tag = "bots",
    operation_id = "bot_partial_update",
    security(("tokenAuth" = ["bots"])),
    params(("id" = BotId, Path), Strictness),
    request_body(content = BotFields, example = json!({ "join_at": "2031-01-31T13:00:00Z", "bot_name": "Notes" })),
    responses((status = 200, description = "The bot.", body = Bot), ChangeBotErrors),
)]
pub(crate) async fn handler(
    caller: Caller<Bots>,
    Extract(state): Extract<State>,
    RawQuery(query): RawQuery,
    Path(id): Path<BotId>,
    Body(body): Body,
) -> Result<Json<Bot>, ApiError> {
    // The bot's workspace is checked before the change: an unknown bot is a 404.
    super::find(&state, caller.workspace, id).await?;
    let strict = bot_fields::is_strict(&state, caller.workspace, query.as_deref()).await?;
    let edit =
        bot_fields::change(Fields::of(&body).with_callbacks(&state), strict, state.kept.meeting_events)?;
    match state.bots.editor.change(caller.workspace, id, edit).await {
        Ok(bot) => Ok(Json(representation::of(&state, bot, caller.scopes).await?)),
        Err(NotChanged::Unknown) => Err(ApiError::NotFound),
        Err(NotChanged::Begun(since)) => Err(begun(since)),
        Err(NotChanged::TooSoon(earliest)) => Err(too_soon(earliest)),
        Err(NotChanged::Refused(refused)) => Err(refused.into()),
    }
}
