//! `DELETE /api/v1/bot/{id}/`: cancels a bot that has not begun.

use axum::{extract::State as Extract, http::StatusCode};
use bots::{Begun, NotChanged};
use model::{BotId, Timestamp};

use crate::{
    State,
    caller::{Bots, Caller},
    error::ApiError,
    openapi::errors,
    path::Path,
};

fn begun(begun: Begun) -> ApiError {
    ApiError::TooLate(match begun {
        Begun::Joining(since) => {
            format!("This bot has been joining since {since}: end it with POST leave_call.")
        }
        Begun::Leaving(since) => {
            format!("This bot was commanded to leave at {since}; there is nothing left to cancel.")
        }
        Begun::Ended(at) => format!("This bot ended at {at}; there is nothing left to cancel."),
    })
}

errors! { CancelBotErrors: begun(Begun::Joining(Timestamp::from_second(0))) }

/// Cancel a bot
///
/// A bot that has not begun is deleted and joins no meeting. End a bot that has begun with `leave_call`.
#[utoipa::path(
    delete,
    path = "/api/v1/bot/{id}/",
    tag = "bots",
    operation_id = "bot_destroy",
    security(("tokenAuth" = ["bots"])),
    params(("id" = BotId, Path)),
    responses((status = 204, description = "The bot is deleted."), CancelBotErrors),
)]
pub(crate) async fn handler(
    caller: Caller<Bots>,
    Extract(state): Extract<State>,
    Path(id): Path<BotId>,
) -> Result<StatusCode, ApiError> {
    match state.bots.editor.cancel(caller.workspace, id).await {
        Ok(()) => Ok(StatusCode::NO_CONTENT),
        Err(NotChanged::Begun(since)) => Err(begun(since)),
        Err(NotChanged::Unknown | NotChanged::TooSoon(_)) => Err(ApiError::NotFound),
        Err(NotChanged::Refused(refused)) => Err(refused.into()),
    }
}
