//! `POST` and `DELETE /api/v1/bot/{id}/output_video/`: the picture that a bot shows as its camera.

use axum::{Json, extract::State as Extract, http::StatusCode};
use bots::NotShown;
use model::BotId;
use serde::Serialize;
use utoipa::ToSchema;

use super::{
    Bot,
    commands::{ended, not_started},
    picture::VideoOutput,
    representation,
};
use crate::{
    State,
    body::Body,
    caller::{Bots, Caller},
    error::ApiError,
    fields::{FieldErrors, Fields},
    openapi::errors,
    path::Path,
    request::Request as _,
};

errors! { OutputVideoErrors: ended(), not_started() }

/// The bot, and the conversion of the picture.
#[derive(Serialize, ToSchema)]
pub(crate) struct BotWithPicture {
    #[serde(flatten)]
    bot: Bot,
    /// The picture's original format, if it was converted to JPEG: `png`, `webp`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    latchkey_converted_from: Option<&'static str>,
}

/// Show a picture
///
/// A bot that is in the call shows it as its camera, instead of the account's picture or the previous one: at one frame a
/// second, within a second or two. Pictures larger than 1280×720 are scaled down. PNG and WebP are converted to JPEG, which
/// `latchkey_converted_from` reports.
#[utoipa::path(
    post,
    path = "/api/v1/bot/{id}/output_video/",
    tag = "bots",
    operation_id = "bot_output_video_create",
    security(("tokenAuth" = ["bots"])),
    params(("id" = BotId, Path)),
    request_body(content = VideoOutput, example = json!({ "kind": "jpeg", "b64_data": super::picture::SMALLEST })),
    responses((status = 200, description = "The bot.", body = BotWithPicture), OutputVideoErrors),
)]
pub(crate) async fn handler(
    caller: Caller<Bots>,
    Extract(state): Extract<State>,
    Path(id): Path<BotId>,
    Body(body): Body,
) -> Result<Json<BotWithPicture>, ApiError> {
    // The bot's workspace is checked before the request: an unknown bot is a 404.
    super::find(&state, caller.workspace, id).await?;
    let mut fields = Fields::of(&body);
    let asked = VideoOutput::read(&mut fields);
    let picture = fields.finish(asked)?.picture();
    let latchkey_converted_from = picture.converted_from();
    let bot = state.bots.commands.show(caller.workspace, id, Some(picture)).await?;
    let bot = representation::of(&state, bot, caller.scopes).await?;
    Ok(Json(BotWithPicture { bot, latchkey_converted_from }))
}

/// Stop showing a picture
///
/// The bot's camera is switched off: participants see the account's picture or the bot's name again.
#[utoipa::path(
    delete,
    path = "/api/v1/bot/{id}/output_video/",
    tag = "bots",
    operation_id = "bot_output_video_destroy",
    security(("tokenAuth" = ["bots"])),
    params(("id" = BotId, Path)),
    responses((status = 204, description = "The bot shows no picture."), OutputVideoErrors),
)]
pub(crate) async fn delete(
    caller: Caller<Bots>,
    Extract(state): Extract<State>,
    Path(id): Path<BotId>,
) -> Result<StatusCode, ApiError> {
    state.bots.commands.show(caller.workspace, id, None).await?;
    Ok(StatusCode::NO_CONTENT)
}

impl From<NotShown> for ApiError {
    fn from(not_shown: NotShown) -> Self {
        match not_shown {
            NotShown::Unknown => Self::NotFound,
            NotShown::NotStarted => not_started(),
            NotShown::Ended => ended(),
            NotShown::Picture(wrong) => FieldErrors::one("b64_data", wrong.to_string()).into(),
            NotShown::Failed(failure) => failure.into(),
        }
    }
}
